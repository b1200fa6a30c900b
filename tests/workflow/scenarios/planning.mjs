// P and V6: permission to begin, and beginning again when somebody else moved the history.

import assert from "node:assert/strict";

import { scenario } from "../scenario.mjs";
import { AFTER, STALE, refuses } from "../functions.mjs";
import { closedDoor, unowned } from "../item.mjs";
import { TARGET } from "../world.mjs";

const NOTHING_PENDING = () => ({ plan: { key: "p" }, digest: "d", pending: 0 });
const ATTEMPT = ["Plan", "Prepare", "MarkChanging", "Snapshot", "Snapshot", "Migrate", "Verify"];

scenario(
  "without an instance there is neither a snapshot nor a door",
  { target: { ...TARGET, instance: undefined }, instance: null },
  {
    outcome: "migrated",
    through: ["Lock", "Plan", "MarkChanging", "Migrate", "Verify", "Unlock"],
    never: ["LoadInstance", "Prepare", "Quiesce", "Snapshot", "MarkOpening"],
    told: { instance: null, snapshot: null, keptOut: [], cleaned: [], of: null, restored: null, compensation: null },
  },
);
scenario(
  "p1: with nothing pending nothing is changed",
  { answers: { plan: NOTHING_PENDING } },
  { outcome: "up-to-date", through: ["Plan", "Unlock"], never: ["Prepare", "MarkChanging", "MarkOpening"] },
);
scenario(
  "q1: also with nothing pending the door that was left closed is opened, and the lock says so first",
  { lock: unowned({ door: closedDoor("app") }), answers: { plan: NOTHING_PENDING } },
  { outcome: "up-to-date", through: ["MarkOpening", "Reopen", "Unlock"], told: { keptOut: [] } },
);
scenario(
  "p1: a plan that is refused is rejected",
  { answers: { plan: refuses("Belay.PlanRejected") } },
  {
    outcome: "rejected",
    failure: "Belay.PlanRejected",
    through: ["Plan", "Unlock"],
    never: ["Prepare", "MarkChanging"],
  },
);
scenario(
  "p1: an instance that can't be restored is rejected before the lock says changing",
  { answers: { prepare: refuses("Belay.InstanceUnfit") } },
  { outcome: "rejected", failure: "Belay.InstanceUnfit", through: ["Prepare", "Unlock"], never: ["MarkChanging"] },
);
scenario(
  "q1: also if the instance can't be restored, the door that was left closed is opened",
  { lock: unowned({ door: closedDoor("app") }), answers: { prepare: refuses("Belay.InstanceUnfit") } },
  { outcome: "rejected", through: ["Prepare", "MarkOpening", "Reopen", "Unlock"] },
);

scenario(
  "v6: a history that somebody else moved is planned again, with a new snapshot, behind the same door",
  { instance: { restore: "if-lossless" }, answers: { migrate: [refuses("Belay.PlanStale")], verify: [() => STALE] } },
  {
    outcome: "migrated",
    failure: null,
    through: [
      "Prepare",
      "Quiesce",
      "Snapshot",
      "Snapshot",
      "Migrate",
      "Prepare",
      "Quiesce",
      "Snapshot",
      "Snapshot",
      "Migrate",
      "Reopen",
      "Unlock",
    ],
    also: (world) => {
      assert.deepEqual(
        world.asked("snapshot").map(({ attempt }) => attempt),
        [1, 1, 2, 2],
      );
      const [migrate] = world.asked("migrate").slice(-1);
      assert.deepEqual([migrate.attempt, migrate.digest, migrate.plan.key], [2, "digest-2", "runs/shop/plan-2.json"]);
    },
  },
);
scenario(
  "v6: at most three attempts",
  { answers: { migrate: refuses("Belay.PlanStale"), verify: () => STALE } },
  { outcome: "unchanged", failure: "Belay.PlanStale", through: [...ATTEMPT, ...ATTEMPT, ...ATTEMPT, "Unlock"] },
);
scenario(
  "v6: a plan that is refused the second time is unchanged, since the database was opened for change",
  {
    instance: { restore: "if-lossless" },
    answers: { verify: () => STALE, plan: [undefined, refuses("Belay.PlanRejected")] },
  },
  {
    outcome: "unchanged",
    failure: "Belay.PlanRejected",
    through: ["Plan", "Verify", "Plan", "Reopen", "Unlock"],
    told: { plan: null, snapshot: null, report: null },
  },
);
scenario(
  "v6: a refusal of Prepare the second time is unchanged too",
  { answers: { verify: () => STALE, prepare: [undefined, refuses("Belay.SnapshotQuota")] } },
  { outcome: "unchanged", failure: "Belay.SnapshotQuota", through: ["Prepare", "Verify", "Prepare", "Unlock"] },
);
scenario(
  "v6: what is stale but committed something is for a person",
  { answers: { verify: () => ({ ...AFTER, stale: true, outcome: "needs-operator" }) } },
  { outcome: "needs-operator", through: ["Plan", "Verify", "Quarantine"], lock: "quarantined" },
);
