// K: one lock for each instance, and who may take it from whom.

import assert from "node:assert/strict";

import { scenario } from "../scenario.mjs";
import { OTHER, OTHER_RUN, closedDoor, othersHadIt, othersTakeIt, owned, unowned } from "../item.mjs";

const fence = (world) => Number(world.lock().fence.N);

scenario(
  "k2: taking and freeing count the fence up, marking does not",
  { lock: unowned() },
  { outcome: "migrated", through: ["Lock", "MarkChanging", "Unlock"], also: (world) => assert.equal(fence(world), 7) },
);
scenario(
  "k2: a run whose answer from Lock was lost takes it again, under the next fence",
  { lock: unowned(), lost: ["Lock"] },
  { outcome: "migrated", through: ["Lock", "MarkChanging", "Unlock"], also: (world) => assert.equal(fence(world), 8) },
);
scenario(
  "k2: an answer from Unlock that was lost does not free the lock of the next one",
  { lost: ["Unlock"], meanwhile: { Notify: othersTakeIt } },
  { outcome: "migrated", lock: "theirs" },
);

scenario(
  "k4: who is alive is waited for, and that is told once",
  { lock: owned("changing"), executions: { [OTHER]: "RUNNING" }, looks: { 3: othersHadIt } },
  {
    outcome: "migrated",
    through: ["Lock", "ReadLock", "Waiting", "Lock", "ReadLock", "Lock", "ReadLock", "Lock"],
    also: (world, { waited }) => {
      assert.equal(world.asked("waiting").length, 1);
      assert.ok(waited > 5, `it waited ${waited} seconds`);
    },
  },
);

scenario(
  "k4: a run that may be redriven is waited for as well",
  { lock: owned("held"), executions: { [OTHER]: "PENDING_REDRIVE" }, settings: { LockWaitSeconds: "30" } },
  { outcome: "unchanged", failure: "Belay.Busy", never: ["TakeOver"], lock: "as it was" },
);
scenario(
  "k6: patience ends, and nothing was changed",
  { lock: owned("changing"), executions: { [OTHER]: "RUNNING" } },
  {
    outcome: "unchanged",
    failure: "Belay.Busy",
    never: ["Plan", "TakeOver", "QuarantineHolder"],
    lock: "as it was",
    also: (_, { waited }) => assert.ok(waited >= 3600 && waited < 3700, `it waited ${waited} seconds`),
  },
);
scenario(
  "k6: however long the wait and however short the pauses, the rounds are counted",
  { lock: owned("changing"), executions: { [OTHER]: "RUNNING" }, settings: { LockWaitSeconds: "21600" }, random: 0 },
  {
    outcome: "unchanged",
    failure: "Belay.Busy",
    lock: "as it was",
    also: (_, { path }) => assert.equal(path.filter((state) => state === "WaitForLock").length, 400),
  },
);

scenario(
  "k4: from an owner that ended while it only held the lock, it is taken over",
  { lock: owned("held"), executions: { [OTHER]: "FAILED" } },
  {
    outcome: "migrated",
    through: ["Lock", "ReadLock", "AskAfterHolder", "TakeOver", "Plan", "Unlock"],
    also: (world) => assert.equal(fence(world), 7),
  },
);
scenario(
  "k4: an owner that nobody knows any more has ended",
  { lock: owned("held") },
  { outcome: "migrated", through: ["AskAfterHolder", "TakeOver", "Plan"] },
);
scenario(
  "k4: of two that take over, one waits",
  {
    lock: owned("held"),
    executions: { [OTHER]: "RUNNING" },
    settings: { LockWaitSeconds: "30" },
    meanwhile: { AskAfterHolder: dies, TakeOver: anotherTakesOver },
  },
  { outcome: "unchanged", failure: "Belay.Busy", through: ["TakeOver"], never: ["Plan"], lock: "theirs" },
);
scenario(
  "k4: a takeover whose answer was lost is this run's own",
  { lock: owned("held"), lost: ["TakeOver"] },
  { outcome: "migrated", through: ["Lock", "TakeOver", "Lock", "Plan"] },
);

function dies(world) {
  world.executions[OTHER] = "FAILED";
}

function anotherTakesOver(world) {
  othersTakeIt(world);
  world.executions[OTHER] = "RUNNING";
}

scenario(
  "k4: what an owner left that ended while it was changing is for a person",
  { lock: owned("changing"), executions: { [OTHER]: "ABORTED" } },
  {
    outcome: "needs-operator",
    failure: "Belay.Quarantined",
    through: ["ReadLock", "QuarantineHolder", "ReadLock", "Notify"],
    never: ["Plan"],
    lock: "theirs",
    also: (world) =>
      assert.deepEqual(
        [world.lock().phase.S, fence(world)],
        ["quarantined", 5],
        "quarantining counts no fence up (K2)",
      ),
  },
);
scenario(
  "k4: an owner that ended properly while it was being asked after is not quarantined",
  { lock: owned("changing"), meanwhile: { QuarantineHolder: othersHadIt } },
  { outcome: "migrated", through: ["Lock", "ReadLock", "QuarantineHolder", "ReadLock", "Lock", "Plan"] },
);
scenario(
  "k4: an owner that was redriven, and took it again while it was being asked after, is not quarantined",
  {
    lock: owned("changing"),
    settings: { LockWaitSeconds: "1" },
    meanwhile: {
      QuarantineHolder: (world) => {
        othersTakeIt(world);
        world.executions[OTHER] = "RUNNING";
      },
    },
  },
  {
    outcome: "unchanged",
    failure: "Belay.Busy",
    lock: "theirs",
    also: (world) => assert.equal(world.lock().phase.S, "changing"),
  },
);
scenario(
  "k4: an owner that was alive, and then is not known any more, has ended",
  { lock: owned("held"), executions: { [OTHER]: "RUNNING" }, looks: { 2: (world) => delete world.executions[OTHER] } },
  { outcome: "migrated", through: ["WaitForLock", "TakeOver", "Plan"] },
);
scenario(
  "k4: who meets a quarantine ends at once, and says who is kept out and what to do",
  { lock: owned("quarantined", { door: closedDoor("app") }) },
  {
    outcome: "needs-operator",
    failure: "Belay.Quarantined",
    told: { keptOut: ["app"] },
    never: ["AskAfterHolder", "Plan"],
    lock: "as it was",
    also: ({ told }) => assert.match(told.failure.Cause, new RegExp(`keep.*${OTHER_RUN}.*restore`)),
  },
);
scenario(
  "q1: whoever takes over a lock opens the door that was left closed",
  { lock: owned("held", { door: closedDoor("app") }) },
  { outcome: "migrated", through: ["TakeOver", "Reopen", "Unlock"], told: { keptOut: [] } },
);
