//! What is in the way of a CREATE INDEX CONCURRENTLY: an INVALID index of its name, which an earlier one left that failed,
//! whoever ran it. Without IF NOT EXISTS the statement would be refused; with it, the useless index would pass for the new one.

use std::time::Duration;

use belay_model::{Code, Failure};
use tokio::time::Instant;
use tokio_postgres::SimpleQueryMessage;

use super::{Lone, WAIT_FOR_LOCKS, WAIT_NO_MORE, not_again, transaction};
use crate::building::may_be_built_on;
use crate::change::What;
use crate::error::EngineError;
use crate::lock::POLL;
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
        let end = Instant::now() + Duration::from_secs(input.connect.locks.budget_s.into());
        while let Some(found) = self.in_the_way(&table, &name).await? {
            let place = || self.script.statement_place(index);
            if input.budget.is_over() {
                return Err(Stop::Cancelled(Box::new(Failure::new(Code::TooLong, "").at(place()))));
            }
            if found.busy && Instant::now() < end {
                tokio::time::sleep(POLL).await;
                continue;
            }
            if found.busy {
                let message = format!("index {} is INVALID, and somebody is at work on its table", found.name);
                let next = "wait until it is built or given up, then run again";
                let failure = Failure::new(Code::LockTimeout, message).at(place()).next(next);
                return Err(Stop::Failed(EngineError::Failed(Box::new(failure))));
            }
            // Noted before, so that nothing is gone of which nobody is told.
            let told = format!(
                "the INVALID index {} of an earlier failure is in the way: it is dropped first",
                found.name
            );
            let key = self.applying.key(self.index);
            let row = key.insert_told(&input.plan.history, What::Cleared, &self.migration.script, &told);
            self.ours(&transaction(self.as_ourselves(row))).await?;
            self.ours(&[WAIT_FOR_LOCKS.to_owned()]).await?;
            self.drop_index(index, &found.name).await.map_err(not_again)?;
            self.ours(&[WAIT_NO_MORE.to_owned()]).await?;
        }
        Ok(())
    }

    /// As the file's role and search path find it.
    async fn in_the_way(&self, table: &str, name: &str) -> Result<Option<InTheWay>, Stop> {
        let sql = format!(
            "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname),
                    {}
             FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE i.indrelid = pg_catalog.to_regclass({}) AND c.relname = (pg_catalog.parse_ident({}))[1]
               AND c.relkind = 'i' AND NOT i.indisvalid",
            may_be_built_on("i.indrelid"),
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
