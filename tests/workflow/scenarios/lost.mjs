// K3 and K4: a run whose lock went to others, also before a redrive.

import assert from "node:assert/strict";

import { janitor, scenario } from "../scenario.mjs";
import { BEFORE, BETWEEN, findsTheLockTaken, losesTheLock, refuses } from "../functions.mjs";
import { OTHER, closedDoor, othersHadIt, othersTakeIt, owned, unowned } from "../item.mjs";

const fence = (world) => Number(world.lock().fence.N);

scenario(
  "k3: a run that lost the lock before it changed anything queues again",
  { meanwhile: { MarkChanging: othersHadIt } },
  {
    outcome: "migrated",
    through: [
      "Lock",
      "Prepare",
      "MarkChanging",
      "ReadLock",
      "Lock",
      "Prepare",
      "MarkChanging",
      "Snapshot",
      "Snapshot",
      "Migrate",
    ],
  },
);
/** Where a run can find that others have the lock. */
const FOUND = {
  MarkChanging: { meanwhile: { MarkChanging: othersTakeIt } },
  Quiesce: { instance: { restore: "if-lossless" }, answers: { quiesce: [findsTheLockTaken] } },
  Snapshot: { answers: { snapshot: [findsTheLockTaken] } },
  Migrate: { answers: { migrate: [findsTheLockTaken], verify: [() => BEFORE] } },
};
for (const [at, given] of Object.entries(FOUND)) {
  scenario(
    `k3: a run that finds the lock taken at ${at} plans again only when it has it again`,
    { ...given, executions: { [OTHER]: "RUNNING" }, looks: { 3: othersHadIt } },
    {
      outcome: "migrated",
      failure: null,
      through: ["Plan", "WaitForLock", "WaitForLock", "WaitForLock", "Plan", "Unlock"],
    },
  );
  scenario(
    `k3: a run that finds the lock taken at ${at}, and does not get it again, tells nothing of its first attempt`,
    { ...given, executions: { [OTHER]: "RUNNING" }, settings: { LockWaitSeconds: "1" } },
    {
      outcome: "unchanged",
      failure: "Belay.Busy",
      told: { ...(at !== "MarkChanging" && { plan: null }), snapshot: null, report: null },
      lock: "theirs",
    },
  );
}
scenario(
  "k3: a run that lost the lock before its snapshot makes another attempt",
  { answers: { snapshot: [losesTheLock, undefined, undefined] } },
  {
    outcome: "migrated",
    failure: null,
    through: ["Queue again?", "ReadLock", "Migrate"],
    also: (world) =>
      assert.deepEqual(
        world.asked("snapshot").map(({ attempt }) => attempt),
        [1, 2],
      ),
  },
);
for (const step of ["quiesce", "snapshot"]) {
  scenario(
    `k3: a run that loses the lock at ${step} again and again gives up, and the door is for whoever has it`,
    { instance: { restore: "if-lossless" }, answers: { [step]: losesTheLock } },
    { outcome: "unchanged", failure: "Belay.Fenced", never: ["Migrate", "Reopen"], lock: "free, closed or not" },
  );
}
scenario(
  "k3: a run that lost the lock at Migrate, and committed nothing, queues again",
  {
    instance: { restore: "if-lossless" },
    answers: { migrate: [losesTheLock], verify: [() => BEFORE] },
  },
  {
    outcome: "migrated",
    failure: null,
    through: ["Quiesce", "Migrate", "Verify", "ReadLock", "Quiesce", "Migrate", "Verify", "Reopen", "Unlock"],
    also: (world) =>
      assert.deepEqual(
        world.asked("migrate").map(({ attempt, lock }) => [attempt, lock.fence]),
        [
          [1, 1],
          [2, 4],
        ],
      ),
  },
);
scenario(
  "k3: a run that lost the lock after it committed something tells it, and leaves the lock alone",
  {
    answers: {
      migrate: refuses("Belay.SqlFailed"),
      verify: () => BETWEEN,
    },
    meanwhile: { Quarantine: othersTakeIt },
  },
  { outcome: "needs-operator", through: ["Quarantine", "Notify"], lock: "theirs" },
);
for (const [what, lock] of Object.entries({ "was free": unowned(), "a dead run held": owned("held") })) {
  scenario(
    `k3: the door of a lock that ${what}, and others have now, is for them to open; that it is closed is told`,
    {
      lock: { ...lock, door: closedDoor("app") },
      answers: { plan: refuses("Belay.PlanRejected") },
      meanwhile: { MarkOpening: othersTakeIt },
    },
    {
      outcome: "rejected",
      through: ["MarkOpening", "Notify"],
      never: ["Reopen", "Unlock"],
      told: { keptOut: ["app"] },
      lock: "theirs",
    },
  );
}
scenario(
  "k2: a lock that is somebody else's is not freed",
  { meanwhile: { Unlock: othersTakeIt } },
  { outcome: "migrated", through: ["Unlock", "Notify"], lock: "theirs" },
);

scenario(
  "k4: a redrive of the run that was quarantined goes on where it stopped, under its fence",
  { answers: { verify: [...Array(16).fill(refuses("Infra.Database"))] }, redrive: janitor },
  {
    outcome: "migrated",
    through: ["Migrate", "Verify", "Verify", "Unlock"],
    also: (world) => assert.equal(fence(world), 2),
  },
);
scenario(
  "k3: a redrive whose lock went to somebody else queues again",
  { answers: { plan: [...Array(7).fill(refuses("Infra.Database"))] }, redrive: janitor },
  {
    outcome: "migrated",
    through: ["Lock", "Plan", "Plan", "MarkChanging", "ReadLock", "Lock", "Plan", "MarkChanging", "Migrate"],
  },
);
