// Errors of what Belay needs: retried, then left uncaught for a redrive; and how long a history can grow.

import assert from "node:assert/strict";

import { LONGEST_HISTORY } from "../interpreter.mjs";
import { MIGRATE, janitor, scenario } from "../scenario.mjs";
import { BETWEEN, RESTORED, crashes, refuses } from "../functions.mjs";
import { OTHER, OTHER_RUN, closedDoor, othersHadIt, owned, unowned } from "../item.mjs";

const PENDING = { status: "pending", seen: "creating" };
const times = (count, answer) => Array(count).fill(answer);
const tries = (step, count) => (world) => assert.equal(world.asked(step).length, count);

const LOSSLESS = { instance: { restore: "if-lossless" } };
const KEEP = { input: { target: "shop", action: "keep", run: OTHER_RUN }, lock: owned("quarantined") };
const REOPEN = { input: { target: "shop", action: "reopen" }, lock: unowned({ door: closedDoor("app") }) };
const UPLOAD = { ...MIGRATE, bundle: { ...MIGRATE.bundle, sequencer: "0A" } };
const WAITING = { lock: owned("changing"), executions: { [OTHER]: "RUNNING" }, looks: { 2: othersHadIt } };
const RESTORING = {
  instance: { restore: "always" },
  answers: { verify: ({ restored }) => (restored ? RESTORED : BETWEEN) },
};

/** By state: what the service says that it asks, when it can't answer for once; and what leads there. */
const THROTTLED = {
  LoadTarget: ["Ssm.ThrottlingException"],
  LoadInstance: ["Ssm.ThrottlingException"],
  Announce: ["DynamoDB.ThrottlingException", { input: UPLOAD }],
  Lock: ["DynamoDB.ThrottlingException"],
  ReadLock: ["DynamoDB.ThrottlingException", { lock: owned("held") }],
  AskAfterHolder: ["Sfn.ThrottlingException", { lock: owned("held") }],
  TakeOver: ["DynamoDB.ThrottlingException", { lock: owned("held") }],
  QuarantineHolder: ["DynamoDB.ThrottlingException", { lock: owned("changing") }, "needs-operator", "theirs"],
  LookForNewer: ["DynamoDB.ThrottlingException"],
  MarkChanging: ["DynamoDB.ThrottlingException"],
  MarkOpening: ["DynamoDB.ThrottlingException", LOSSLESS],
  TakeQuarantine: ["DynamoDB.ThrottlingException", KEEP, "done"],
  TakeDoor: ["DynamoDB.ThrottlingException", REOPEN, "done"],
  Quarantine: ["DynamoDB.ThrottlingException", { answers: { verify: () => BETWEEN } }, "needs-operator", "quarantined"],
  Unlock: ["DynamoDB.ThrottlingException"],
};
for (const [state, [error, given, outcome = "migrated", lock = "free"]] of Object.entries(THROTTLED)) {
  scenario(
    `${error} at ${state} is retried`,
    { ...given, meanwhile: { [state]: crashes(error) } },
    { outcome, lock, also: (_, { path }) => assert.ok(path.includes(state)) },
  );
}

/** By step: which state calls it, how often it is tried, how an execution that ends there leaves the lock, … */
const STEPS = {
  begun: { at: "Begun", count: 7, lock: "as it was" },
  check: { at: "Check", count: 7, lock: "as it was" },
  info: { at: "Info", count: 7, lock: "as it was", given: { input: { ...MIGRATE, action: "info" } }, outcome: "done" },
  waiting: { at: "Waiting", count: 7, lock: "theirs", given: WAITING },
  plan: { at: "Plan", count: 7, lock: "held" },
  prepare: { at: "Prepare", count: 7, lock: "held" },
  quiesce: { at: "Quiesce", count: 7, lock: "changing", given: LOSSLESS },
  snapshot: { at: "Snapshot", count: 7, lock: "changing" },
  verify: { at: "Verify", count: 16, lock: "changing" },
  restore: { at: "Restore", count: 16, lock: "changing", given: RESTORING, outcome: "restored" },
  reopen: { at: "Reopen", count: 16, lock: "changing", given: LOSSLESS },
  keep: { at: "Keep", count: 7, lock: "changing", given: KEEP, outcome: "done" },
  ended: { at: "Notify", count: 7, lock: "free" },
};
for (const [step, { at, count, lock, given = {}, outcome = "migrated" }] of Object.entries(STEPS)) {
  const failing = (answer) => ({ ...given, answers: { ...given.answers, [step]: answer } });
  for (const error of ["Infra.Storage", "Runtime.ExitError"]) {
    scenario(`${error} at ${at} is retried, and then ends the execution there`, failing(crashes(error)), {
      uncaught: error,
      at,
      lock,
      also: tries(step, count),
    });
  }
  scenario(
    `an error at ${at} that goes away in time is not noticed`,
    failing(times(count - 1, crashes("Infra.Storage"))),
    { outcome },
  );
  scenario(
    `an error at ${at} that goes away later is mended by a redrive`,
    { ...failing(times(count, crashes("Infra.Storage"))), redrive: () => {} },
    { outcome },
  );
}
scenario(
  "an error that nobody foresaw ends the execution at once, and nothing is told in its place",
  { answers: { verify: crashes("Belay.Unheard") } },
  { uncaught: "Belay.Unheard", at: "Verify", lock: "changing", also: tries("verify", 1) },
);
for (const [step, at] of Object.entries({ quiesce: "Quiesce", snapshot: "Snapshot" })) {
  scenario(
    `somebody who holds a table for a while is waited for at ${at}, and not for ever`,
    { ...LOSSLESS, answers: { [step]: refuses("Belay.LockTimeout") } },
    { outcome: "unchanged", failure: "Belay.LockTimeout", through: [at, "Reopen", "Unlock"], also: tries(step, 5) },
  );
}
scenario(
  "each retrier counts for itself",
  {
    ...LOSSLESS,
    answers: { quiesce: [...times(4, refuses("Belay.LockTimeout")), ...times(6, crashes("Infra.Database"))] },
  },
  { outcome: "migrated", also: tries("quiesce", 11) },
);
scenario(
  "a throttled migration was not started, so it is called again",
  { answers: { migrate: times(8, crashes("Lambda.TooManyRequestsException")) } },
  { outcome: "migrated", failure: null, through: ["Migrate", "Verify"], also: tries("migrate", 9) },
);
scenario(
  "q1: a run that died behind the closed door is quarantined with it",
  { ...LOSSLESS, answers: { snapshot: crashes("Infra.Rds") } },
  {
    uncaught: "Infra.Rds",
    at: "Snapshot",
    lock: "changing",
    also: (world) => {
      janitor(world);
      assert.deepEqual([world.lock().phase.S, world.lock().door], ["quarantined", closedDoor("app")]);
    },
  },
);
scenario(
  "k3: a redrive after others have settled its quarantine restores nothing",
  {
    instance: { restore: "always" },
    answers: { verify: () => BETWEEN, restore: times(16, crashes("Infra.Rds")) },
    redrive: othersHadIt,
  },
  {
    outcome: "needs-operator",
    compensation: "Belay.Fenced",
    through: ["Restore", "Restore", "Quarantine", "Notify"],
    also: tries("restore", 17),
  },
);

/** Each loop to its end: 400 rounds of waiting for the lock, 400 of Snapshot, 400 of Migrate and 600 of Restore. */
const LONGEST = {
  lock: owned("changing"),
  executions: { [OTHER]: "RUNNING" },
  settings: { LockWaitSeconds: "21600" },
  random: 0,
  looks: { 400: othersHadIt },
  ...LOSSLESS,
  answers: {
    snapshot: (_, world) =>
      world.asked("snapshot").length < 400 ? PENDING : { status: "done", seen: "", snapshot: {} },
    migrate: () => ({ status: "more" }),
    verify: () => BETWEEN,
    restore: () => PENDING,
  },
};
scenario("the longest history that can be ends handled, with room for retries", LONGEST, {
  outcome: "needs-operator",
  failure: "Belay.TooLong",
  compensation: "Belay.RestoreFailed",
  lock: "quarantined, closed",
  also: (_, { events, path }) => {
    const entered = (state) => path.filter((each) => each === state).length;
    assert.deepEqual(["WaitForLock", "Snapshot", "Migrate", "Restore"].map(entered), [400, 400, 400, 600]);
    assert.ok(events > 22_000 && events < LONGEST_HISTORY - 1_000, `${events} events`);
  },
});
