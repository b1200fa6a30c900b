// K3 and K4: each update of the lock holds only for the item as it was read. One part of it moves just before.

import { scenario } from "../scenario.mjs";
import { BETWEEN } from "../functions.mjs";
import { owned } from "../item.mjs";

const THIRD = "arn:aws:states:eu-west-1:111122223333:execution:belay:third";
const OWNER = { owner: { S: THIRD } };
const FENCE = { fence: { N: "9" } };

const HELD = { lock: owned("held") };
const CHANGING = { lock: owned("changing") };
const LOSSLESS = { instance: { restore: "if-lossless" } };
const FAILED = { answers: { verify: () => BETWEEN } };

const busy = (...through) => ({ outcome: "unchanged", failure: "Belay.Busy", through, lock: "in use" });
const quarantined = (...through) => ({
  outcome: "needs-operator",
  failure: "Belay.Quarantined",
  through,
  lock: "theirs",
});
const migrated = (...through) => ({ outcome: "migrated", through });
const leftAlone = (outcome, ...through) => ({ outcome, through: [...through, "Notify"], lock: "in use" });

const MOVED = [
  ["TakeOver", HELD, OWNER, { ...busy("TakeOver"), lock: "theirs" }],
  ["TakeOver", HELD, FENCE, migrated("TakeOver", "TakeOver")],
  ["TakeOver", HELD, { phase: { S: "changing" } }, quarantined("TakeOver", "QuarantineHolder")],
  ["QuarantineHolder", CHANGING, OWNER, busy("QuarantineHolder")],
  ["QuarantineHolder", CHANGING, FENCE, quarantined("QuarantineHolder", "QuarantineHolder")],
  ["QuarantineHolder", CHANGING, { phase: { S: "held" } }, migrated("QuarantineHolder", "TakeOver")],
  ["MarkChanging", {}, OWNER, { ...busy("MarkChanging"), never: ["Queue again?"], lock: "theirs" }],
  ["MarkChanging", {}, FENCE, { ...migrated("MarkChanging", "MarkChanging"), never: ["Queue again?"] }],
  ["MarkOpening", LOSSLESS, OWNER, leftAlone("migrated", "MarkOpening")],
  ["MarkOpening", LOSSLESS, FENCE, leftAlone("migrated", "MarkOpening")],
  ["Quarantine", FAILED, OWNER, leftAlone("needs-operator", "Quarantine")],
  ["Quarantine", FAILED, FENCE, leftAlone("needs-operator", "Quarantine")],
  ["Unlock", {}, OWNER, leftAlone("migrated", "Unlock")],
  ["Unlock", {}, FENCE, leftAlone("migrated", "Unlock")],
];
for (const [state, given, moved, expected] of MOVED) {
  scenario(
    `k3, k4: ${state} finds that the ${Object.keys(moved)[0]} has moved, and leaves the lock alone`,
    {
      ...given,
      executions: { [THIRD]: "RUNNING" },
      settings: { LockWaitSeconds: "1" },
      meanwhile: { [state]: (world) => Object.assign(world.lock(), moved) },
    },
    expected,
  );
}
