// K4 and Q1: what a person, or the janitor, asks for afterwards: keep, restore, reopen.

import assert from "node:assert/strict";

import { scenario } from "../scenario.mjs";
import { BETWEEN, RESTORED, paper, refuses } from "../functions.mjs";
import { ME, MY_RUN, OTHER_RUN, closedDoor, othersHadIt, othersTakeIt, owned, unowned } from "../item.mjs";

const KEEP = { target: "shop", action: "keep", run: OTHER_RUN };
const RESTORE = { target: "shop", action: "restore", run: OTHER_RUN };
const REOPEN = { target: "shop", action: "reopen" };
const QUARANTINED = owned("quarantined");
const CLOSED = owned("quarantined", { door: closedDoor("app") });

const fence = (world) => Number(world.lock().fence.N);
/** The item goes on naming the run that left the database undecided. */
const named = (world) => assert.equal(world.lock().run.S, OTHER_RUN);

scenario(
  "k4: keep takes the quarantine under a new fence, and frees it",
  { input: KEEP, lock: QUARANTINED },
  {
    outcome: "done",
    failure: null,
    through: ["ReadLock", "TakeQuarantine", "Keep", "Unlock"],
    never: ["Lock", "Restore", "Reopen"],
    told: { of: OTHER_RUN, keptOut: [] },
    also: (world) =>
      assert.deepEqual(
        [world.asked("keep")[0].keep, world.asked("keep")[0].lock.fence, fence(world)],
        [OTHER_RUN, 6, 7],
      ),
  },
);
scenario(
  "q1: keep opens the door that the run left closed",
  { input: KEEP, lock: CLOSED },
  { outcome: "done", through: ["TakeQuarantine", "Keep", "MarkOpening", "Reopen", "Unlock"], told: { keptOut: [] } },
);
for (const [what, lock] of Object.entries({
  "for another run": owned("quarantined", { run: { S: "bbbbbbbbbbbb" } }),
  "but in use": owned("changing"),
  "but free": unowned(),
  "but never taken": undefined,
})) {
  for (const input of [KEEP, RESTORE]) {
    scenario(
      `k4: ${input.action} of a run that the lock is not quarantined for, ${what}, is rejected`,
      { input, lock },
      { outcome: "rejected", failure: "Belay.NotQuarantined", never: ["TakeQuarantine"], lock: "as it was" },
    );
  }
}
scenario(
  "k4: a keep that could not be done leaves the quarantine for the same run, and the door as it is",
  { input: KEEP, lock: CLOSED, answers: { keep: refuses("Belay.LockTimeout") } },
  {
    outcome: "unchanged",
    failure: "Belay.LockTimeout",
    through: ["Keep", "Quarantine"],
    told: { keptOut: ["app"] },
    lock: "quarantined, closed",
    also: named,
  },
);
scenario(
  "k4: a keep of what the database does not know is rejected",
  { input: KEEP, lock: QUARANTINED, answers: { keep: refuses("Belay.NotQuarantined") } },
  { outcome: "rejected", lock: "quarantined", also: named },
);
scenario(
  "k3: a keep whose lock went to others before it opened the door tells that it is closed",
  { input: KEEP, lock: CLOSED, meanwhile: { MarkOpening: othersTakeIt } },
  { outcome: "done", through: ["Keep", "MarkOpening", "Notify"], told: { keptOut: ["app"] }, lock: "theirs" },
);
scenario(
  "k4: of two that settle a run, the second finds it settled",
  { input: KEEP, lock: QUARANTINED, meanwhile: { TakeQuarantine: othersHadIt } },
  {
    outcome: "rejected",
    failure: "Belay.NotQuarantined",
    through: ["ReadLock", "TakeQuarantine", "ReadLock", "Notify"],
  },
);
for (const [what, moved] of Object.entries({
  "another execution settles the same run": { phase: { S: "changing" } },
  "it is quarantined for another run by now": { run: { S: "bbbbbbbbbbbb" } },
})) {
  scenario(
    `k4: a quarantine is not taken if ${what}`,
    { input: KEEP, lock: QUARANTINED, meanwhile: { TakeQuarantine: (world) => Object.assign(world.lock(), moved) } },
    { outcome: "rejected", failure: "Belay.NotQuarantined", never: ["Keep"], lock: "theirs" },
  );
}
scenario(
  "k4: a quarantine that was taken, and the answer lost, is this execution's own",
  { input: KEEP, lock: QUARANTINED, lost: ["TakeQuarantine"] },
  { outcome: "done", through: ["TakeQuarantine", "Keep", "Unlock"], also: (world) => assert.equal(fence(world), 8) },
);

scenario(
  "r1: restore brings back the named run's snapshot, and Verify judges the attempt that was undone",
  { input: RESTORE, lock: QUARANTINED, answers: { verify: () => RESTORED } },
  {
    outcome: "done",
    failure: null,
    compensation: null,
    through: ["TakeQuarantine", "Restore", "Restore", "Restore", "Verify", "MarkOpening", "Reopen", "Unlock"],
    never: ["Migrate", "Cleanup", "Snapshot"],
    told: { of: OTHER_RUN, restored: paper("restored"), keptOut: [] },
    also: (world) => {
      const [{ of, restored, attempt, digest }] = world.asked("verify");
      assert.deepEqual(
        { of, restored, attempt, digest },
        { of: OTHER_RUN, restored: true, attempt: 2, digest: "digest-2" },
      );
      assert.deepEqual(new Set(world.asked("restore").map(({ of }) => of)), new Set([OTHER_RUN]));
    },
  },
);
scenario(
  "k4: a restore that can't be done leaves the quarantine for the same run, and the door as it is",
  { input: RESTORE, lock: CLOSED, answers: { restore: refuses("Belay.NoSnapshot") } },
  {
    outcome: "needs-operator",
    compensation: "Belay.NoSnapshot",
    told: { keptOut: ["app"] },
    lock: "quarantined, closed",
    also: named,
  },
);
scenario(
  "k4: a restore that does not end leaves the quarantine for the same run",
  { input: RESTORE, lock: QUARANTINED, answers: { restore: () => ({ status: "pending", seen: "creating" }) } },
  { outcome: "needs-operator", failure: null, compensation: "Belay.RestoreFailed", lock: "quarantined", also: named },
);
scenario(
  "v3: a restore after which the run is still there is for a person again",
  { input: RESTORE, lock: QUARANTINED, answers: { verify: () => BETWEEN } },
  {
    outcome: "needs-operator",
    through: ["Restore", "Restore", "Restore", "Verify", "Quarantine"],
    never: ["Cleanup"],
    lock: "quarantined, closed",
    also: named,
  },
);

scenario(
  "q1: reopen lets in whom a run kept out that is over",
  { input: REOPEN, lock: unowned({ door: closedDoor("app") }) },
  {
    outcome: "done",
    failure: null,
    through: ["ReadLock", "TakeDoor", "Reopen", "Unlock"],
    told: { of: null, keptOut: [] },
  },
);
scenario(
  "q3: reopen in quarantine opens the door, and the run goes on waiting for a person",
  { input: REOPEN, lock: CLOSED },
  {
    outcome: "done",
    through: ["TakeDoor", "Reopen", "Quarantine"],
    never: ["Unlock"],
    told: { of: OTHER_RUN, keptOut: [] },
    lock: "quarantined",
    also: (world) => {
      named(world);
      assert.equal(fence(world), 6);
    },
  },
);
for (const [what, lock] of Object.entries({
  "of a quarantine": QUARANTINED,
  "of a free lock": unowned(),
  "of a lock that was never taken": undefined,
})) {
  scenario(
    `q1: a door ${what} that is open is left as it is`,
    { input: REOPEN, lock },
    { outcome: "done", failure: null, never: ["TakeDoor"], lock: "as it was" },
  );
}
scenario(
  "q1: a door behind which a run is at work stays closed",
  { input: REOPEN, lock: owned("changing", { door: closedDoor("app") }) },
  { outcome: "unchanged", failure: "Belay.Busy", never: ["TakeDoor"], told: { keptOut: ["app"] }, lock: "as it was" },
);
scenario(
  "q1: of a run that begins and a reopen, one has the door",
  { input: REOPEN, lock: unowned({ door: closedDoor("app") }), meanwhile: { TakeDoor: othersTakeIt } },
  {
    outcome: "unchanged",
    failure: "Belay.Busy",
    through: ["ReadLock", "TakeDoor", "ReadLock", "Notify"],
    lock: "theirs",
  },
);
scenario(
  "q1: a door that is opened before it is taken is not taken",
  {
    input: REOPEN,
    lock: unowned({ door: closedDoor("app") }),
    meanwhile: { TakeDoor: (world) => delete world.lock().door },
  },
  { outcome: "done", through: ["ReadLock", "TakeDoor", "ReadLock", "Notify"], never: ["Reopen"] },
);
scenario(
  "q1: a door that was taken, and the answer lost, is this execution's own",
  { input: REOPEN, lock: unowned({ door: closedDoor("app") }), lost: ["TakeDoor"] },
  { outcome: "done", through: ["TakeDoor", "Reopen", "Unlock"], told: { of: null } },
);
scenario(
  "q3: a door that can't be opened is for a person",
  { input: REOPEN, lock: unowned({ door: closedDoor("app") }), answers: { reopen: refuses("Belay.DoorRefused") } },
  {
    outcome: "needs-operator",
    compensation: "Belay.DoorRefused",
    told: { keptOut: ["app"] },
    lock: "quarantined, closed",
    also: (world) => assert.deepEqual([world.lock().owner.S, world.lock().run.S], [ME, MY_RUN]),
  },
);
