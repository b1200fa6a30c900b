//! What is in the way of a CREATE INDEX CONCURRENTLY: an INVALID index of its name, which an earlier one left that failed,
//! whoever ran it. Without IF NOT EXISTS the statement would be refused; with it, the useless index would pass for the new one.

use belay_model::{Code, Failure};
use tokio_postgres::SimpleQueryMessage;

use super::{Lone, WAIT_FOR_LOCKS, WAIT_NO_MORE, transaction};
use crate::change::What;
use crate::error::EngineError;
use crate::patience::Patience;
use crate::residue::Residue;
use crate::session::quote_literal;
use crate::stop::{At, Stop, stop};

/// An index that is in the way.
struct InTheWay {
    /// Qualified and quoted.
    name: String,
    /// Somebody holds a lock on the table that may be there to build it.
    busy: bool,
}

impl Lone<'_, '_> {
    /// Drops an INVALID index of the name and the table that the statement names, unless somebody is building it: that is
    /// waited for, within the budget for locks.
    pub(super) async fn clear_the_way(&self, index: usize) -> Result<(), Stop> {
        let Residue::Index {
            table,
            name: Some(name),
        } = Residue::of(self.script.statement_sql(index))
        else {
            return Ok(());
        };
        let input = self.applying.input;
        let mut patience = Patience::new(input.connect.locks);
        while let Some(found) = self.in_the_way(&table, &name).await? {
            if found.busy || input.budget.is_over() {
                let message = format!("index {} is INVALID, and somebody is at work on its table", found.name);
                let failure = Failure::new(Code::LockTimeout, message).at(self.script.statement_place(index));
                let next = "wait until it is built or given up, then run again";
                patience.wait(EngineError::Failed(Box::new(failure.next(next)))).await?;
                continue;
            }
            self.ours(&[WAIT_FOR_LOCKS.to_owned()]).await?;
            self.drop_index(index, &found.name).await?;
            self.ours(&[WAIT_NO_MORE.to_owned()]).await?;
            let told = format!(
                "the INVALID index {} of an earlier failure was dropped first",
                found.name
            );
            let key = self.applying.key(self.index);
            let row = key.insert_told(&input.plan.history, What::Cleared, &self.migration.script, &told);
            self.ours(&transaction(self.as_ourselves(row))).await?;
        }
        Ok(())
    }

    /// As the file's role and search path find it.
    async fn in_the_way(&self, table: &str, name: &str) -> Result<Option<InTheWay>, Stop> {
        let sql = format!(
            "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname),
                    EXISTS (SELECT FROM pg_catalog.pg_locks l
                            WHERE l.locktype = 'relation' AND l.relation = i.indrelid AND l.pid <> pg_catalog.pg_backend_pid()
                              AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
                              AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                                             'AccessExclusiveLock'))
             FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE i.indrelid = pg_catalog.to_regclass({}) AND c.relname = (pg_catalog.parse_ident({}))[1]
               AND c.relkind = 'i' AND NOT i.indisvalid",
            quote_literal(table),
            quote_literal(name),
        );
        let messages = self.applying.session.client().simple_query(&sql).await?;
        Ok(messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(InTheWay {
                name: row.get(0)?.to_owned(),
                busy: row.get(1) == Some("t"),
            }),
            _ => None,
        }))
    }

    async fn drop_index(&self, index: usize, name: &str) -> Result<(), Stop> {
        let (input, session) = (self.applying.input, self.applying.session);
        let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
        let (answer, cancelled) = input
            .budget
            .answer(session, session.client().simple_query(&sql))
            .await?;
        let at = || At::Ours(self.script.statement_place(index));
        answer
            .map(|_| ())
            .map_err(|error| stop(self.applying, error, cancelled, at()))
    }
}
