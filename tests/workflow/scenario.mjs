// A scenario: a request in a world, what comes of it, and what holds for every run whatever comes of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isSuccess } from "./functions.mjs";
import { execute } from "./interpreter.mjs";
import { workflow } from "./machine.mjs";
import { LOCK, ME } from "./item.mjs";
import { World } from "./world.mjs";

/** What an upload of a bundle's version asks for, but for the sequencer. */
export const MIGRATE = { target: "shop", bundle: { key: "bundles/shop/release.zip", versionId: "v1" } };

/** Every way that a scenario took out of a state, and every state that it entered. */
export const taken = { ways: new Set(), states: new Set() };

/**
 * Holds the workflow to what is expected.
 *
 * @param given the world (see `World`), the `input` (otherwise MIGRATE), what the template fills in (`settings`), and
 *   `redrive`: what happens between an uncaught end and the redrive.
 * @param expected
 *   `outcome` as told; or `uncaught`: the error that ends the execution, and `at`: where;
 *   `through`: those states that the path has in this order and no oftener; `never`: states that it has not;
 *   `failure`, `compensation`: codes as told, null for none; `told`: other parts of what is told;
 *   `lock`: how it is left (see LEFT), free if nothing is said;
 *   `also`: a check of its own, of the world and the execution.
 */
export function scenario(name, given, expected) {
  test(name, async () => {
    const { input = MIGRATE, settings, redrive, ...parts } = given;
    const world = new World(parts);
    const before = structuredClone(world.lock() ?? null);
    const machine = workflow(settings);
    let ended = await execute(machine, world, input);
    if (redrive !== undefined) {
      assert.equal(ended.end, "Uncaught", "only what ended uncaught is redriven");
      redrive(world);
      ended = await execute(machine, world, input, ended);
    }
    for (const way of ended.ways) taken.ways.add(way);
    for (const state of ended.path) taken.states.add(state);
    try {
      checkEnd(ended, world, expected);
      checkPath(ended, expected);
      checkLock(ended, world, before, expected.lock ?? "free");
      expected.also?.(world, ended);
    } catch (error) {
      error.message += `\n  it went ${shortened(ended.path).join(" > ")}`;
      if (ended.error) error.message += `\n  to ${ended.error}: ${ended.cause}`;
      throw error;
    }
  });
}

/** Long waits say nothing. */
function shortened(path) {
  return path.length < 120 ? path : [...path.slice(0, 60), `… ${path.length - 120} more …`, ...path.slice(-60)];
}

/** An end that is handled is told last of all, as the outcome that the execution ends with. */
function checkEnd(ended, world, expected) {
  if (expected.uncaught !== undefined) {
    const { end, error, at } = ended;
    assert.deepEqual({ end, error, at }, { end: "Uncaught", error: expected.uncaught, at: expected.at });
    return;
  }
  assert.notEqual(ended.end, "Uncaught", "an error that nobody catches");
  assert.equal(world.told?.outcome, expected.outcome, JSON.stringify(world.told));
  assert.equal(ended.path.at(-3), "Notify", "the lock is settled before people are told");
  if (isSuccess(expected.outcome)) assert.deepEqual([ended.end, ended.input.outcome], ["Succeed", expected.outcome]);
  else assert.deepEqual([ended.end, ended.error], ["Fail", expected.outcome]);
  checkTold(world.told, expected);
}

function checkTold(told, { failure, compensation, told: parts = {} }) {
  if (failure !== undefined) assert.equal(code(told.failure), failure);
  if (compensation !== undefined) assert.equal(code(told.compensation), compensation);
  for (const [part, value] of Object.entries(parts)) assert.deepEqual(told[part], value, `told of ${part}`);
}

/** Whoever found it, it is told as if a function had thrown it. */
function code(caught) {
  if (caught === null) return null;
  const failure = JSON.parse(JSON.parse(caught.Cause).errorMessage);
  for (const part of ["code", "message", "next"]) assert.equal(typeof failure[part], "string", `a failure's ${part}`);
  assert.equal(failure.code, caught.Error);
  return caught.Error;
}

/** What a migration says is never believed: after the last one comes Verify, before anything is given back or told. */
function checkPath({ path, end }, { through = [], never = [] }) {
  assert.deepEqual(
    path.filter((state) => through.includes(state)),
    through,
  );
  for (const state of never) assert.ok(!path.includes(state), `it went through ${state}`);
  if (end !== "Uncaught") assert.ok(path.lastIndexOf("Migrate") <= path.lastIndexOf("Verify"), "Migrate is believed");
}

/** How a run may leave the lock's item. */
const LEFT = {
  /** Nobody has it; and who had it let everybody in. */
  free: ({ item, took }) => {
    assert.equal(item?.owner, undefined, "the lock is kept");
    for (const part of ["phase", "run", "target", "since"])
      assert.equal(item?.[part], undefined, `a free lock has no ${part}`);
    if (took) assert.equal(item.door, undefined, "the door stays closed behind a free lock");
  },
  /** Nobody has it; whoever had it last may have left the door closed, which is not this run's to open. */
  "free, closed or not": ({ item }) => assert.equal(item.owner, undefined, "the lock is kept"),
  /** Mine, for a person to decide, with the door open. */
  quarantined: ({ item }) => {
    assert.deepEqual([item.owner.S, item.phase.S], [ME, "quarantined"]);
    assert.equal(item.door, undefined, "the door is closed");
  },
  /** Mine, for a person to decide, with the door closed. */
  "quarantined, closed": ({ item }) => {
    assert.deepEqual([item.owner.S, item.phase.S], [ME, "quarantined"]);
    assert.ok(item.door, "the door is open");
  },
  /** Still mine and in use: only where the execution ended uncaught, for the janitor to quarantine. */
  changing: ({ item, end }) => assert.deepEqual([item.owner.S, item.phase.S, end], [ME, "changing", "Uncaught"]),
  /** Still mine and only held: only where the execution ended uncaught, for the janitor to free. */
  held: ({ item, end }) => assert.deepEqual([item.owner.S, item.phase.S, end], [ME, "held", "Uncaught"]),
  /** In use, whosever it is by now. */
  "in use": ({ item }) => assert.ok(item.owner && item.phase.S === "changing", JSON.stringify(item)),
  /** Not touched. */
  "as it was": ({ item, before }) => assert.deepEqual(item ?? null, before),
  /** Somebody else's: not mine, and not freed. */
  theirs: ({ item }) => assert.ok(item.owner && item.owner.S !== ME, JSON.stringify(item)),
};

function checkLock({ end }, world, before, left) {
  const item = world.lock();
  const took = world.table.owners.includes(ME);
  LEFT[left]({ item, before, end, took });
  if (world.told === null || !took || left === "theirs") return;
  // Q3: the first line of the mail says who is kept out.
  assert.deepEqual(world.told.keptOut, item.door?.M.roles.L.map((role) => role.S) ?? [], "who is kept out");
}

/** What the janitor does with the lock of an execution that ended uncaught (K4). */
export function janitor(world) {
  const item = world.lock();
  if (item.phase.S === "changing") item.phase = { S: "quarantined" };
  if (item.phase.S !== "held") return;
  world.table.items[LOCK] = { key: item.key, fence: { N: String(Number(item.fence.N) + 1) } };
}
