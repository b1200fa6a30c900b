// baseline, repair and undo go the way of a migration; and Flyway's settings that a request brings for its one run.

import assert from "node:assert/strict";

import { MIGRATE, scenario } from "../scenario.mjs";
import { AFTER, BEFORE, BETWEEN, RESTORED, STALE, paper, refuses } from "../functions.mjs";
import { OTHER_RUN, closedDoor, unowned } from "../item.mjs";

const DONE = { ...AFTER, outcome: "done" };
const FLYWAY = { target: "2.1", cherryPick: ["2"], outOfOrder: true };
const KEY = "bundle#bundles/shop/release.zip";

for (const action of ["baseline", "repair", "undo"]) {
  const input = { ...MIGRATE, action };
  scenario(
    `${action} is planned, snapshotted, executed and verified under the lock`,
    { input, answers: { verify: () => DONE } },
    {
      outcome: "done",
      failure: null,
      through: ["Check", "Lock", "Plan", "Prepare", "MarkChanging", "Snapshot", "Migrate", "Verify", "Unlock"].flatMap(
        (state) => (state === "Snapshot" ? [state, state] : [state]),
      ),
      never: ["Announce", "Info", "Quarantine"],
      told: { plan: paper("plan-1"), report: paper("verified"), snapshot: paper("snapshot-1") },
      also: (world) => {
        for (const [step, payload] of world.calls) assert.equal(payload.run.action, action, step);
      },
    },
  );
  scenario(
    `${action} with nothing to do is done`,
    { input, answers: { plan: () => ({ plan: paper("plan-1"), digest: "digest-1", pending: 0 }) } },
    { outcome: "done", failure: null, through: ["Plan", "Unlock"], never: ["MarkChanging", "Migrate"] },
  );
  scenario(
    `${action} with nothing to do lets in whom an earlier run kept out`,
    {
      input,
      lock: unowned({ door: closedDoor("app") }),
      answers: { plan: () => ({ plan: paper("plan-1"), digest: "digest-1", pending: 0 }) },
    },
    { outcome: "done", through: ["Plan", "MarkOpening", "Reopen", "Unlock"], told: { keptOut: [] } },
  );
  scenario(
    `${action} that can't be is rejected`,
    { input, answers: { plan: refuses("Belay.PlanRejected") } },
    { outcome: "rejected", failure: "Belay.PlanRejected", never: ["MarkChanging"] },
  );
  scenario(
    `${action} that fails and committed nothing is unchanged`,
    { input, answers: { migrate: refuses("Belay.SqlFailed"), verify: () => BEFORE } },
    { outcome: "unchanged", failure: "Belay.SqlFailed", through: ["Migrate", "Verify", "Unlock"] },
  );
  scenario(
    `${action} whose history somebody else moved is planned again`,
    { input, answers: { migrate: [refuses("Belay.PlanStale")], verify: [() => STALE, () => DONE] } },
    { outcome: "done", failure: null, through: ["Plan", "Migrate", "Plan", "Migrate", "Unlock"] },
  );
  scenario(
    `${action} that is half done ends as a migration does`,
    {
      input,
      instance: { restore: "always" },
      answers: { migrate: refuses("Belay.SqlFailed"), verify: [() => BETWEEN, () => BETWEEN, () => RESTORED] },
    },
    { outcome: "restored", through: ["Cleanup", "Restore", "Restore", "Restore", "Reopen", "Unlock"] },
  );
  scenario(
    `k6: ${action} neither announces a version nor is superseded, whatever sequencer it is given`,
    {
      input: { ...input, bundle: { ...MIGRATE.bundle, sequencer: "0A" } },
      items: {
        [KEY]: {
          key: { S: KEY },
          sequencer: { S: "F".repeat(32) },
          versionId: { S: "v2" },
          startedAt: { S: "2026-11-20T11:00:00Z" },
        },
      },
      answers: { verify: () => DONE },
    },
    { outcome: "done", never: ["Announce"], told: { supersededBy: null } },
  );
}

for (const action of ["migrate", "baseline", "repair", "undo", "info", "validate"]) {
  scenario(
    `every function is given the settings of the request to ${action}`,
    { input: { ...MIGRATE, action, flyway: FLYWAY }, answers: { verify: () => ({ ...DONE }) } },
    {
      outcome: "done",
      also: (world) => {
        for (const [step, { run }] of world.calls) assert.deepEqual(run.flyway, FLYWAY, step);
      },
    },
  );
}
for (const [what, flyway] of Object.entries({
  "no settings": undefined,
  "no setting among them": {},
})) {
  scenario(
    `a request with ${what} sets none`,
    { input: JSON.parse(JSON.stringify({ ...MIGRATE, flyway })) },
    { outcome: "migrated", also: (world) => assert.deepEqual(world.asked("begun")[0].run.flyway, {}) },
  );
}
for (const [what, input] of Object.entries({
  "that belongs to the bundle": { ...MIGRATE, flyway: { ...FLYWAY, table: "other" } },
  "that would be a secret": { ...MIGRATE, flyway: { password: "hunter2", placeholders: { key: "hunter2" } } },
})) {
  scenario(
    `a request with a setting ${what} is refused, which names it and goes nowhere else`,
    { input },
    {
      outcome: "rejected",
      failure: "Belay.RequestInvalid",
      never: ["LoadTarget"],
      lock: "as it was",
      also: (world) => {
        const [refused] = Object.keys(input.flyway).filter((name) => !(name in FLYWAY));
        assert.match(world.told.failure.Cause, new RegExp(`flyway\\.${refused}`));
        assert.doesNotMatch(JSON.stringify(world.calls), /hunter2/);
      },
    },
  );
}
for (const [what, input] of Object.entries({
  "a text for its settings": { ...MIGRATE, flyway: "target=2" },
  "a list for its settings": { ...MIGRATE, flyway: ["target"] },
  "settings for keep": { target: "shop", action: "keep", run: OTHER_RUN, flyway: FLYWAY },
  "settings for reopen": { target: "shop", action: "reopen", flyway: {} },
})) {
  scenario(
    `a request with ${what} is refused`,
    { input },
    { outcome: "rejected", failure: "Belay.RequestInvalid", never: ["LoadTarget"], lock: "as it was" },
  );
}
scenario(
  "a setting's value that can't be is refused at Check",
  { input: { ...MIGRATE, flyway: { target: "newest" } }, answers: { check: refuses("Belay.RequestInvalid") } },
  { outcome: "rejected", failure: "Belay.RequestInvalid", never: ["Lock"], lock: "as it was" },
);
