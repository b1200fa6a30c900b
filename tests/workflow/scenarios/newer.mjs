// K6: a newer version of the same key makes an older run superseded.

import assert from "node:assert/strict";

import { MIGRATE, scenario } from "../scenario.mjs";
import { ME, OTHER, closedDoor, owned, unowned } from "../item.mjs";

const upload = (sequencer) => ({ ...MIGRATE, bundle: { ...MIGRATE.bundle, sequencer } });
const KEY = "bundle#bundles/shop/release.zip";
const announced = (sequencer, startedAt = "2026-11-20T11:00:00Z") => ({
  [KEY]: {
    key: { S: KEY },
    sequencer: { S: sequencer.padStart(32, "0") },
    versionId: { S: "v2" },
    startedAt: { S: startedAt },
  },
});

scenario(
  "k6: an upload is announced once it has passed Check",
  { input: upload("0A") },
  {
    outcome: "migrated",
    through: ["Check", "Announce", "Lock"],
    also: (world) => {
      const { sequencer, versionId, execution } = world.table.items[KEY];
      assert.deepEqual([sequencer.S, versionId.S, execution.S], ["0A".padStart(32, "0"), "v1", ME]);
    },
  },
);
scenario(
  "k6: an upload is announced in place of an older one, and not of a newer one",
  { input: upload("0C"), items: announced("0B") },
  { outcome: "migrated", also: (world) => assert.equal(world.table.items[KEY].versionId.S, "v1") },
);
scenario(
  "k6: a newer version that came later makes this run superseded, with the lock in hand",
  { input: upload("0a"), items: announced("0B") },
  {
    outcome: "superseded",
    through: ["Announce", "Lock", "Superseded?", "Unlock"],
    never: ["Plan"],
    told: { supersededBy: "v2" },
  },
);
scenario(
  "k6: a newer version that comes while this run waits makes it superseded",
  {
    input: upload("0a"),
    lock: owned("changing"),
    executions: { [OTHER]: "RUNNING" },
    meanwhile: { Waiting: (world) => Object.assign(world.table.items, announced("0B")) },
  },
  {
    outcome: "superseded",
    through: ["WaitForLock", "Superseded?", "Notify"],
    never: ["Unlock"],
    told: { supersededBy: "v2" },
    lock: "as it was",
  },
);
scenario(
  "k6: an old version that is run again on purpose is not superseded by what was there before",
  { input: upload("0a"), items: announced("0B", "2026-11-20T09:00:00Z") },
  { outcome: "migrated", told: { supersededBy: null } },
);
scenario(
  "k6: a run that a person started is never superseded",
  { items: announced("0B") },
  { outcome: "migrated", never: ["Announce"] },
);
scenario(
  "q1: a superseded run opens the door that was left closed",
  { input: upload("0a"), items: announced("0B"), lock: unowned({ door: closedDoor("app") }) },
  { outcome: "superseded", through: ["Superseded?", "MarkOpening", "Reopen", "Unlock"] },
);
