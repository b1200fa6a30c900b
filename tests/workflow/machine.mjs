// The workflow under test: the definition, with its placeholders filled in as a deployment does.

import { readFileSync } from "node:fs";

/** What the template fills in; each function goes by the name of its folder. */
const FILLED_IN = {
  Stack: "belay",
  LockTable: "locks",
  LockWaitSeconds: "3600",
  NotifyFunction: "notify",
  ValidateFunction: "validate",
  MigrateFunction: "migrate",
  VerifyFunction: "verify",
  SnapshotFunction: "snapshot",
  RestoreFunction: "restore",
};

// BELAY_TEST_WORKFLOW names another copy: break one, and see that a scenario fails.
const file = process.env.BELAY_TEST_WORKFLOW ?? new URL("../../statemachine/migration.asl.json", import.meta.url);
const text = readFileSync(file, "utf8");

/** The workflow, deployed with these settings in place of the usual ones. */
export function workflow(settings = {}) {
  const values = { ...FILLED_IN, ...settings };
  return JSON.parse(
    text.replace(/\$\{(\w+)\}/g, (_, name) => {
      if (!(name in values)) throw new Error(`nobody fills in \${${name}}`);
      return values[name];
    }),
  );
}
