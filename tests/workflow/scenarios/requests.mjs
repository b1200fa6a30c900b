// What is asked for: requests, targets, instances, bundles.

import assert from "node:assert/strict";

import { MIGRATE, scenario } from "../scenario.mjs";
import { paper, refuses } from "../functions.mjs";
import { OTHER_RUN } from "../item.mjs";
import { TARGET } from "../world.mjs";

const KEEP = { target: "shop", action: "keep", run: OTHER_RUN };
const RESTORE = { ...KEEP, action: "restore" };
const REOPEN = { target: "shop", action: "reopen" };
const bundle = (parts) => ({ target: "shop", bundle: { ...MIGRATE.bundle, ...parts } });

const UNSOUND = {
  "a text": "x",
  "a list": [],
  "nothing at all": {},
  "an unknown key": { ...MIGRATE, x: 1 },
  "an unknown key of the bundle": bundle({ bucket: "of-somebody-else" }),
  "a bundle that is no object": { target: "shop", bundle: "bundles/shop/release.zip" },
  "no bundle": { target: "shop" },
  "a target that is no name": { ...MIGRATE, target: "Shop!" },
  "keep of a target that is no name": { ...KEEP, target: "Shop!" },
  "a target that begins with a digit": { ...KEEP, target: "1shop" },
  "a target with a slash": { ...KEEP, target: "shop/x" },
  "a target of 41 letters for keep": { ...KEEP, target: "a".repeat(41) },
  "a target that is too long": { ...MIGRATE, target: "a".repeat(41) },
  "a target that is a number": { ...MIGRATE, target: 5 },
  "an unknown action": { ...MIGRATE, action: "drop" },
  "a migration of a run": { ...MIGRATE, run: OTHER_RUN },
  "keep without a run": { target: "shop", action: "keep" },
  "keep of what is no run": { ...KEEP, run: "x" },
  "keep with a bundle": { ...KEEP, bundle: MIGRATE.bundle },
  "restore of a number": { ...RESTORE, run: 5 },
  "restore with half a bundle": { ...RESTORE, bundle: { key: "k" } },
  "reopen with a run": { ...REOPEN, run: OTHER_RUN },
  "reopen with a bundle": { ...REOPEN, bundle: MIGRATE.bundle },
  "a key of another target": bundle({ key: "bundles/other/release.zip" }),
  "a key that is no zip": bundle({ key: "bundles/shop/release.tar" }),
  "a key without a version": bundle({ versionId: undefined }),
  "a bucket without versions": bundle({ versionId: "null" }),
  "a sequencer that is none": bundle({ sequencer: "not hex" }),
  "an empty sequencer": bundle({ sequencer: "" }),
};
for (const [what, input] of Object.entries(UNSOUND)) {
  scenario(
    `p3: ${what} is no request, and is told`,
    { input: JSON.parse(JSON.stringify(input)) },
    {
      outcome: "rejected",
      failure: "Belay.RequestInvalid",
      through: ["Begun", "Notify"],
      never: ["LoadTarget"],
      lock: "as it was",
    },
  );
}

scenario(
  "p3: a target that the platform team does not know is told",
  { target: null },
  { outcome: "rejected", failure: "Belay.TargetUnknown", never: ["Check"], lock: "as it was" },
);
scenario(
  "a target's parameter that is no JSON is told",
  { target: "{" },
  { outcome: "rejected", failure: "Belay.TargetInvalid", never: ["Check"], lock: "as it was" },
);
scenario(
  "an instance without a parameter is told",
  { instance: null },
  {
    outcome: "rejected",
    failure: "Belay.InstanceUnknown",
    told: { instance: null },
    never: ["Check"],
    lock: "as it was",
  },
);
scenario(
  "an instance's parameter that is no JSON is told",
  { instance: "{" },
  {
    outcome: "rejected",
    failure: "Belay.InstanceInvalid",
    told: { instance: null },
    never: ["Check"],
    lock: "as it was",
  },
);
scenario(
  "an instance that Check refuses is not trusted any further",
  { instance: { a: 1 }, answers: { check: refuses("Belay.InstanceInvalid") } },
  { outcome: "rejected", failure: "Belay.InstanceInvalid", told: { instance: null }, lock: "as it was" },
);

const NO_TARGETS = {
  "nothing but a text": '"x"',
  "a number for an instance": { ...TARGET, instance: 5 },
  "no name for an instance": { ...TARGET, instance: "No Name" },
  "a digit first for an instance": { ...TARGET, instance: "1db" },
  "a path for an instance": { ...TARGET, instance: "db/../targets" },
  "a long name for an instance": { ...TARGET, instance: "d".repeat(64) },
};
for (const [what, target] of Object.entries(NO_TARGETS)) {
  scenario(
    `a target with ${what} comes to Check, which refuses it`,
    { target, answers: { check: refuses("Belay.TargetInvalid") } },
    {
      outcome: "rejected",
      failure: "Belay.TargetInvalid",
      told: { topic: null },
      through: ["LoadTarget", "Check"],
      never: ["LoadInstance"],
      lock: "as it was",
    },
  );
}

scenario(
  "a bundle that Check refuses is told to the target's own topic",
  { target: { ...TARGET, notify: { topic: "arn:topic" } }, answers: { check: refuses("Belay.BundleRejected") } },
  { outcome: "rejected", failure: "Belay.BundleRejected", told: { topic: "arn:topic" }, lock: "as it was" },
);

for (const action of ["info", "validate"]) {
  scenario(
    `${action} needs no lock`,
    { input: { ...MIGRATE, action } },
    {
      outcome: "done",
      failure: null,
      through: ["Info"],
      never: ["Lock", "ReadLock"],
      told: { report: paper("info") },
      lock: "as it was",
    },
  );
}
scenario(
  "validate tells what does not fit",
  { input: { ...MIGRATE, action: "validate" }, answers: { info: refuses("Belay.PlanRejected") } },
  { outcome: "rejected", failure: "Belay.PlanRejected", lock: "as it was" },
);

for (const action of ["restore", "reopen"]) {
  const input = action === "restore" ? RESTORE : REOPEN;
  scenario(
    `a target without an instance has nothing to ${action}`,
    { input, target: { ...TARGET, instance: undefined } },
    { outcome: "rejected", failure: "Belay.RequestInvalid", never: ["ReadLock", "LoadInstance"], lock: "as it was" },
  );
}

scenario(
  "Plan and Notify are given what Check found, and people are told at the target's own topic",
  { target: { ...TARGET, notify: { topic: "arn:topic" } } },
  {
    outcome: "migrated",
    told: { topic: "arn:topic", digest: "bundle-digest", lockKey: "db", report: paper("verified") },
    also: (world) => {
      const [{ digest, attempt }] = world.asked("plan");
      assert.deepEqual({ digest, attempt }, { digest: "bundle-digest", attempt: 1 });
    },
  },
);
