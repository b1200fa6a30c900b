// R: when the snapshot takes it back, and when it must not.

import assert from "node:assert/strict";

import { scenario } from "../scenario.mjs";
import { BETWEEN, RESTORED, crashes, paper, refuses } from "../functions.mjs";
import { MY_RUN } from "../item.mjs";

const FAILS = { migrate: refuses("Belay.SqlFailed"), verify: ({ restored }) => (restored ? RESTORED : BETWEEN) };
const LOSSLESS = { restore: "if-lossless" };
const ALWAYS = { restore: "always" };
const PENDING = () => ({ status: "pending", seen: "creating" });

scenario(
  "r1: what is between is restored, with the door closed for the swap, and judged again",
  { instance: ALWAYS, answers: FAILS },
  {
    outcome: "restored",
    failure: "Belay.SqlFailed",
    compensation: null,
    through: [
      ...["Snapshot", "Snapshot", "Migrate", "Verify", "Cleanup", "Verify"],
      ...[
        "Restore",
        "WaitForRestore",
        "Restore",
        "WaitForRestore",
        "Restore",
        "Verify",
        "MarkOpening",
        "Reopen",
        "Unlock",
      ],
    ],
    never: ["Quiesce"],
    told: { restored: paper("restored"), cleaned: ["dropped the index i"], keptOut: [] },
    also: (world) => {
      assert.deepEqual(new Set(world.asked("restore").map(({ of }) => of)), new Set([MY_RUN]));
      assert.deepEqual(
        world.asked("verify").map(({ restored }) => restored),
        [false, false, true],
      );
    },
  },
);
scenario(
  "q2: what must lose nothing is restored behind the door that was closed before the snapshot",
  { instance: LOSSLESS, answers: FAILS },
  {
    outcome: "restored",
    through: ["Quiesce", "Restore", "Restore", "Restore", "Reopen", "Unlock"],
    told: { keptOut: [] },
  },
);
scenario(
  "v6, r1: after a second attempt its own snapshot is the one that comes back",
  {
    instance: ALWAYS,
    answers: {
      ...FAILS,
      verify: ({ restored, attempt }) =>
        restored ? RESTORED : attempt === 1 ? { ...RESTORED, outcome: "unchanged", stale: true } : BETWEEN,
    },
  },
  {
    outcome: "restored",
    told: { snapshot: paper("snapshot-2") },
    also: (world) =>
      assert.deepEqual(
        world.asked("verify").map(({ attempt, digest }) => [attempt, digest]),
        [
          [1, "digest-1"],
          [2, "digest-2"],
          [2, "digest-2"],
          [2, "digest-2"],
        ],
      ),
  },
);
for (const [what, instance] of Object.entries({
  "no policy": {},
  "the policy never": { restore: "never" },
  "no snapshot": { snapshot: "never", restore: "always" },
})) {
  scenario(
    `r: with ${what} nothing is restored, and a person decides`,
    { instance, answers: FAILS },
    {
      outcome: "needs-operator",
      failure: "Belay.SqlFailed",
      through: ["Cleanup", "Quarantine"],
      never: ["Restore", "Reopen", "Unlock"],
      lock: "quarantined",
    },
  );
}
scenario(
  "r: a cleanup that crashes keeps nobody from the restore",
  { instance: ALWAYS, answers: { ...FAILS, cleanup: crashes("Runtime.ExitError") } },
  {
    outcome: "restored",
    failure: "Belay.SqlFailed",
    through: ["Cleanup", "Restore", "Restore", "Restore"],
    told: { cleaned: [] },
  },
);
scenario(
  "q3: what is not lossless is left to a person, with the door as it is",
  { instance: LOSSLESS, answers: { ...FAILS, restore: refuses("Belay.NotLossless") } },
  {
    outcome: "needs-operator",
    failure: "Belay.SqlFailed",
    compensation: "Belay.NotLossless",
    through: ["Restore", "Quarantine"],
    never: ["Reopen", "Unlock"],
    told: { restored: null, keptOut: ["app"] },
    lock: "quarantined, closed",
  },
);
scenario(
  "q3: a restore that failed before the door was closed leaves it open, and says so",
  { instance: ALWAYS, answers: { ...FAILS, restore: refuses("Belay.RestoreFailed") } },
  { outcome: "needs-operator", compensation: "Belay.RestoreFailed", told: { keptOut: [] }, lock: "quarantined" },
);
scenario(
  "r3: a restore that fails at the swap leaves the door closed, and says so",
  { instance: ALWAYS, answers: { ...FAILS, restore: [undefined, undefined, refuses("Belay.RestoreFailed")] } },
  {
    outcome: "needs-operator",
    compensation: "Belay.RestoreFailed",
    told: { keptOut: ["app", "etl"] },
    lock: "quarantined, closed",
  },
);
scenario(
  "r: a restore that does not end is not waited for for ever",
  { instance: ALWAYS, answers: { ...FAILS, restore: PENDING } },
  {
    outcome: "needs-operator",
    failure: "Belay.SqlFailed",
    compensation: "Belay.RestoreFailed",
    lock: "quarantined",
    also: (world, { waited }) => {
      assert.equal(world.asked("restore").length, 600);
      assert.ok(waited > 4 * 3600, `it waited ${waited} seconds`);
    },
  },
);
scenario(
  "r1: while the names change nobody is kept waiting for more than 5 seconds at a time",
  {
    instance: ALWAYS,
    answers: {
      ...FAILS,
      restore: (_, world) => (world.asked("restore").length <= 40 ? { ...PENDING(), soon: true } : undefined),
    },
  },
  { outcome: "restored", also: (_, { waited }) => assert.ok(waited <= 5 + 5 * 40, `it waited ${waited} seconds`) },
);
scenario(
  "v3: a database that is between even after it was restored is never restored again",
  { instance: ALWAYS, answers: { ...FAILS, verify: () => BETWEEN } },
  {
    outcome: "needs-operator",
    through: ["Verify", "Cleanup", "Verify", "Restore", "Restore", "Restore", "Verify", "Quarantine"],
    told: { restored: paper("restored"), keptOut: ["app", "etl"] },
    lock: "quarantined, closed",
  },
);
