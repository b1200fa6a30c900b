//! Whether somebody may be building an index.

/// The condition that somebody holds a lock on a table as who builds an index on it does. `table` is an SQL expression of
/// its OID. The lock is one that everybody sees, also those who may not see what others do. A VACUUM or ANALYZE holds it
/// too, but tells that it is one; a DROP INDEX waits for it, or ends it.
pub(crate) fn may_be_built_on(table: &str) -> String {
    format!(
        "EXISTS (SELECT FROM pg_catalog.pg_locks l
                 WHERE l.locktype = 'relation' AND l.relation = {table} AND l.pid <> pg_catalog.pg_backend_pid()
                   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
                   AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                                  'AccessExclusiveLock')
                   AND l.pid NOT IN (SELECT pid FROM pg_catalog.pg_stat_progress_vacuum
                                     UNION ALL SELECT pid FROM pg_catalog.pg_stat_progress_analyze))"
    )
}
