// What the functions are asked for, and what they answer.

import { StateError } from "./expressions.mjs";
import { LOCK, MY_RUN, closedDoor, othersHadIt, othersTakeIt } from "./item.mjs";

/** A paper of a run, as functions hand it on. */
export const paper = (name) => ({ key: `runs/shop/${name}.json`, versionId: "1", sha256: "0".repeat(64) });

/** An answer: the function refuses, or fails, with this code and says why as its report does. */
export const refuses = (code) => () => {
  const errorMessage = JSON.stringify({ code, message: `it is ${code}`, next: "Look." });
  throw new StateError(code, JSON.stringify({ errorType: code, errorMessage }));
};

/** An answer: Lambda says this instead of the function. */
export const crashes = (error) => () => {
  throw new StateError(error, "{}");
};

/** An answer: the function finds that others had the lock meanwhile (K3). */
export const losesTheLock = (_, world) => {
  othersHadIt(world);
  return refuses("Belay.Fenced")();
};

/** An answer: the function finds that others have the lock now (K3). */
export const findsTheLockTaken = (_, world) => {
  othersTakeIt(world);
  return refuses("Belay.Fenced")();
};

/** Steps that change something, or let somebody else do so. */
export const CHANGING = ["quiesce", "snapshot", "migrate", "cleanup", "keep", "restore", "reopen"];

/** What each function is asked for, and what it gets beside the run. */
export const FUNCTIONS = {
  notify: {
    begun: [],
    waiting: ["holder"],
    ended: [
      "topic",
      "outcome",
      "failure",
      "digest",
      "plan",
      "report",
      "lockKey",
      "of",
      "instance",
      "snapshot",
      "restored",
      "compensation",
      "keptOut",
      "cleaned",
      "supersededBy",
    ],
  },
  validate: {
    check: ["target", "instance"],
    plan: ["target", "instance", "attempt", "digest"],
    info: ["target", "digest"],
  },
  snapshot: {
    prepare: ["target", "instance", "attempt"],
    quiesce: ["target", "instance", "lock"],
    snapshot: ["target", "instance", "attempt", "plan", "digest", "configuration", "lock"],
    reopen: ["target", "instance", "lock"],
  },
  migrate: {
    migrate: ["target", "attempt", "plan", "digest", "lock"],
    cleanup: ["target", "attempt", "plan", "digest", "lock"],
    keep: ["target", "keep", "lock"],
  },
  verify: { verify: ["target", "attempt", "plan", "digest", "failure", "of", "restored"] },
  restore: { restore: ["target", "instance", "of", "lock"] },
};

/** What Verify finds, and what that comes to. */
export const AFTER = {
  verdict: "after",
  outcome: "migrated",
  stale: false,
  assertions: "none",
  report: paper("verified"),
};
export const BEFORE = { ...AFTER, verdict: "before", outcome: "unchanged" };
export const STALE = { ...BEFORE, stale: true };
export const BETWEEN = { ...AFTER, verdict: "between", outcome: "needs-operator" };
export const RESTORED = { ...BEFORE, outcome: "restored" };

/** Whether an execution with this outcome went well. */
export const isSuccess = (outcome) => ["migrated", "up-to-date", "done"].includes(outcome);

/** Each step when all is well. */
export const USUAL = {
  begun: () => ({ run: MY_RUN }),
  waiting: () => ({ run: MY_RUN }),
  check: ({ run }) => ({ ...(run.bundle && { digest: "bundle-digest" }), migrations: 1, lockKey: LOCK }),
  info: () => ({ report: paper("info"), pending: 1 }),
  plan: ({ attempt }) => ({ plan: paper(`plan-${attempt}`), digest: `digest-${attempt}`, pending: 1 }),
  prepare: () => ({ configuration: paper("configuration") }),
  quiesce: (_, world) => ({ roles: close(world, "app") }),
  snapshot: ({ attempt }, world) =>
    world.asked("snapshot").length % 2 === 1
      ? { status: "pending", seen: "creating" }
      : { status: "done", seen: "available", snapshot: paper(`snapshot-${attempt}`) },
  migrate: () => ({ status: "done" }),
  cleanup: () => ({ cleaned: ["dropped the index i"] }),
  verify: () => AFTER,
  restore: (payload, world) => restored(payload, world),
  keep: () => ({ closed: 1 }),
  reopen: (_, world) => {
    const roles = world.lock().door?.M.roles.L.map((role) => role.S) ?? [];
    delete world.lock().door;
    return { roles };
  },
  ended: (payload, world) => {
    world.told = payload;
    return {
      outcome: payload.outcome,
      cause: "the cause",
      succeeded: isSuccess(payload.outcome),
    };
  },
};

/** Beside, then the swap behind the closed door (Q3, R1), then done. The attempt is the one that was undone. */
function restored({ of }, world) {
  switch (world.asked("restore").length) {
    case 1:
      return { status: "pending", seen: "creating" };
    case 2:
      close(world, "app", "etl");
      return { status: "pending", seen: "renaming", soon: true };
    default: {
      const attempt = of === MY_RUN ? world.asked("snapshot").at(-1).attempt : 2;
      return {
        status: "done",
        seen: "available",
        restored: { paper: paper("restored"), plan: paper(`plan-${attempt}`), digest: `digest-${attempt}`, attempt },
      };
    }
  }
}

/** Q1: a record that is there already is kept. */
function close(world, ...roles) {
  world.lock().door ??= closedDoor(...roles);
  return world.lock().door.M.roles.L.map((role) => role.S);
}
