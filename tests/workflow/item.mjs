// A lock's item, and what others do with it.

/** This execution, its run, and when it started. */
export const ME = "arn:aws:states:eu-west-1:111122223333:execution:belay:me";
export const MY_RUN = "mmmmmmmmmmm2";
export const STARTED_AT = "2026-11-20T10:00:00Z";

/** The key of the item. */
export const LOCK = "db";

/** The record of a closed door in a lock's item (Q1). */
export const closedDoor = (...roles) => ({
  M: {
    run: { S: "dddddddddddd" },
    target: { S: "shop" },
    at: { S: STARTED_AT },
    roles: { L: roles.map((role) => ({ S: role })) },
  },
});

/** Who had the lock before, and its run. */
export const OTHER = "arn:aws:states:eu-west-1:111122223333:execution:belay:other";
export const OTHER_RUN = "aaaaaaaaaaaa";

/** A lock's item, owned by OTHER in this phase. */
export const owned = (phase, more = {}) => ({
  owner: { S: OTHER },
  phase: { S: phase },
  fence: { N: "5" },
  run: { S: OTHER_RUN },
  target: { S: "shop" },
  since: { S: "2026-11-20T09:00:00Z" },
  ...more,
});

/** A lock's item that nobody owns. */
export const unowned = (more = {}) => ({ fence: { N: "5" }, ...more });

/** Others take the lock, and now have it. */
export const othersTakeIt = (world) => {
  world.table.items[LOCK] = { ...world.lock(), ...owned("changing", { fence: { N: String(fence(world) + 1) } }) };
};

/** Others took the lock, and have given it back. */
export const othersHadIt = (world) => {
  const { key, door } = world.lock();
  world.table.items[LOCK] = { key, ...unowned({ fence: { N: String(fence(world) + 2) } }), ...(door && { door }) };
};

const fence = (world) => Number(world.lock().fence.N);
