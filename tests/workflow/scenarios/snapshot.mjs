// Q: the door, and the snapshot behind it.

import assert from "node:assert/strict";

import { scenario } from "../scenario.mjs";
import { BEFORE, paper, refuses } from "../functions.mjs";

const LOSSLESS = { restore: "if-lossless" };
const PENDING = () => ({ status: "pending", seen: "creating" });

scenario(
  "k5: the snapshot comes after the lock says changing, and before the first change",
  {},
  {
    outcome: "migrated",
    through: [
      "LoadInstance",
      "Prepare",
      "MarkChanging",
      "Snapshot",
      "WaitForSnapshot",
      "Snapshot",
      "Migrate",
      "Verify",
      "Unlock",
    ],
    never: ["Quiesce", "MarkOpening"],
    told: { snapshot: paper("snapshot-1"), restored: null, compensation: null },
  },
);
scenario(
  "an instance that wants no snapshot gets none",
  { instance: { snapshot: "never" } },
  { outcome: "migrated", never: ["Prepare", "Quiesce", "Snapshot"], told: { snapshot: null } },
);
scenario(
  "q2: what must lose nothing is kept closed from before the snapshot to the end",
  { instance: LOSSLESS },
  {
    outcome: "migrated",
    through: [
      "Prepare",
      "MarkChanging",
      "Quiesce",
      "Snapshot",
      "Snapshot",
      "Migrate",
      "Verify",
      "MarkOpening",
      "Reopen",
      "Unlock",
    ],
    told: { keptOut: [] },
  },
);
scenario(
  "q3: for always the door stays open until the swap",
  { instance: { restore: "always" } },
  { outcome: "migrated", through: ["Snapshot", "Snapshot", "Migrate", "Unlock"], never: ["Quiesce", "Reopen"] },
);
scenario(
  "q1: a door that can't be closed is opened again, in case it is half closed",
  { instance: LOSSLESS, answers: { quiesce: refuses("Belay.DoorRefused") } },
  {
    outcome: "unchanged",
    failure: "Belay.DoorRefused",
    through: ["Quiesce", "Reopen", "Unlock"],
    never: ["Snapshot", "Migrate"],
  },
);
scenario(
  "a snapshot that fails changes nothing, and the door is opened",
  { instance: LOSSLESS, answers: { snapshot: refuses("Belay.SnapshotFailed") } },
  {
    outcome: "unchanged",
    failure: "Belay.SnapshotFailed",
    through: ["Quiesce", "Snapshot", "Reopen", "Unlock"],
    never: ["Migrate"],
  },
);
scenario(
  "a snapshot that fails with the door open changes nothing",
  { answers: { snapshot: refuses("Belay.SnapshotQuota") } },
  {
    outcome: "unchanged",
    failure: "Belay.SnapshotQuota",
    through: ["Snapshot", "Unlock"],
    never: ["Migrate", "Reopen"],
  },
);
scenario(
  "a snapshot that does not end is not waited for for ever",
  { instance: LOSSLESS, answers: { snapshot: PENDING } },
  {
    outcome: "unchanged",
    failure: "Belay.SnapshotFailed",
    through: ["Quiesce", "Reopen", "Unlock"],
    never: ["Migrate"],
    also: (world, { waited }) => {
      assert.equal(world.asked("snapshot").length, 400);
      assert.ok(waited > 6 * 3600, `it waited ${waited} seconds`);
    },
  },
);
scenario(
  "q1: what failed and changed nothing opens the door again",
  { instance: LOSSLESS, answers: { migrate: refuses("Belay.SqlFailed"), verify: () => BEFORE } },
  {
    outcome: "unchanged",
    failure: "Belay.SqlFailed",
    through: ["Verify", "Reopen", "Unlock"],
    never: ["Cleanup", "Restore"],
  },
);
scenario(
  "q3: a door that can't be opened after all went well is for a person, and is told beside what went well",
  { instance: LOSSLESS, answers: { reopen: refuses("Belay.DoorRefused") } },
  {
    outcome: "needs-operator",
    failure: null,
    compensation: "Belay.DoorRefused",
    told: { keptOut: ["app"] },
    through: ["Verify", "Reopen", "Quarantine"],
    never: ["Unlock"],
    lock: "quarantined, closed",
  },
);
