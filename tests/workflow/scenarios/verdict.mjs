// V: what Verify finds decides, whatever Migrate says.

import assert from "node:assert/strict";

import { scenario } from "../scenario.mjs";
import { AFTER, BEFORE, BETWEEN, crashes, losesTheLock, refuses } from "../functions.mjs";

const FAILS = refuses("Belay.SqlFailed");

for (const [what, migrate] of Object.entries({
  "says that it failed": FAILS,
  crashes: crashes("Runtime.ExitError"),
  "times out": crashes("States.Timeout"),
  "is cut off": crashes("Lambda.ServiceException"),
})) {
  scenario(
    `v1: a migration that ${what} is called once, and is judged by what it left`,
    { answers: { migrate, verify: () => BEFORE } },
    {
      outcome: "unchanged",
      through: ["Migrate", "Verify", "Unlock"],
      also: (world) => assert.equal(world.asked("migrate").length, 1),
    },
  );
}
scenario(
  "v2: a migration that says it failed, and is all in, is migrated",
  { answers: { migrate: FAILS } },
  {
    outcome: "migrated",
    through: ["Migrate", "Verify", "Unlock"],
    also: (world) => assert.equal(world.asked("verify")[0].failure.Error, "Belay.SqlFailed"),
  },
);
scenario(
  "v5: more is called for as long as there is progress",
  { answers: { migrate: [() => ({ status: "more" }), () => ({ status: "more" })] } },
  { outcome: "migrated", failure: null, through: ["Migrate", "Migrate", "Migrate", "Verify"] },
);
scenario(
  "v5: more without an end is judged after 400 calls",
  { answers: { migrate: () => ({ status: "more" }), verify: () => BEFORE } },
  { outcome: "unchanged", failure: "Belay.TooLong", also: (world) => assert.equal(world.asked("migrate").length, 400) },
);
scenario(
  "v2: findings make a success a person's, and are never undone",
  { instance: { restore: "always" }, answers: { verify: () => ({ ...AFTER, outcome: "needs-operator" }) } },
  { outcome: "needs-operator", through: ["Verify", "Quarantine"], never: ["Cleanup", "Restore"], lock: "quarantined" },
);

scenario(
  "l2: what a lone file surely left is taken away, and the verdict asked again",
  { instance: { restore: "always" }, answers: { migrate: FAILS, verify: [() => BETWEEN, () => BEFORE] } },
  {
    outcome: "unchanged",
    failure: "Belay.SqlFailed",
    through: ["Verify", "Cleanup", "Verify", "Unlock"],
    never: ["Restore"],
    told: { cleaned: ["dropped the index i"] },
  },
);
for (const [what, cleaned] of Object.entries({ nothing: [], "one thing": ["a"], "two things": ["a", "b"] })) {
  scenario(
    `l2: a cleanup that took away ${what} is told so, as a list`,
    { answers: { migrate: FAILS, verify: () => BETWEEN, cleanup: () => ({ cleaned }) } },
    {
      outcome: "needs-operator",
      failure: "Belay.SqlFailed",
      through: ["Verify", "Cleanup", "Verify", "Quarantine"],
      told: { cleaned },
      lock: "quarantined",
    },
  );
}
scenario(
  "l2: a cleanup that crashes is tried again, and then what failed first stays what is told",
  { answers: { migrate: FAILS, verify: () => BETWEEN, cleanup: crashes("Runtime.ExitError") } },
  {
    outcome: "needs-operator",
    failure: "Belay.SqlFailed",
    through: ["Verify", "Cleanup", "Verify", "Quarantine"],
    told: { cleaned: [] },
    lock: "quarantined",
    also: (world) => assert.equal(world.asked("cleanup").length, 7),
  },
);
scenario(
  "l2: what an attempt cleaned up that others made void is not told of the next one",
  {
    answers: {
      verify: [() => BETWEEN, () => ({ ...BEFORE, stale: true })],
      plan: [undefined, refuses("Belay.PlanRejected")],
    },
  },
  { outcome: "unchanged", through: ["Plan", "Cleanup", "Plan", "Unlock"], told: { cleaned: [] } },
);
scenario(
  "l2, k3: a run that queues again after it lost the lock cleans up again",
  { answers: { migrate: [losesTheLock], verify: [() => BETWEEN, () => BEFORE, () => BETWEEN] } },
  {
    outcome: "migrated",
    through: ["Cleanup", "ReadLock", "Cleanup", "Unlock"],
    told: { cleaned: ["dropped the index i"] },
  },
);
scenario(
  "l2: each attempt may be cleaned up once",
  { answers: { verify: [() => BETWEEN, () => ({ ...BEFORE, stale: true }), () => BETWEEN] } },
  {
    outcome: "migrated",
    failure: null,
    through: ["Plan", "Cleanup", "Plan", "Cleanup", "Unlock"],
    told: { cleaned: ["dropped the index i"] },
  },
);
