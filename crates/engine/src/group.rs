//! Groups: files that share one transaction of ours, each sent whole in one guarded message (rules M1 to M5).

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use belay_model::{Code, Failure, HistoryTable, LockSettings, Place, PlannedMigration, Unit};
use futures_util::TryStreamExt;
use tokio::time::Instant;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream};

use crate::apply::{Applying, Stop};
use crate::assertion;
use crate::copy;
use crate::error::{EngineError, is_cancelled, is_lock_wait};
use crate::history;
use crate::report::{self, Guard, Layout};
use crate::script::{Chunk, Script};
use crate::session::quote_identifier;

/// A larger file is sent in runs of statements: the server parses a whole message before it runs the first.
const MESSAGE_BYTES: usize = 4 << 20;

/// How much is sent ahead of the answers: enough to hide the round trips, little enough to hold.
const AHEAD_MESSAGES: usize = 32;
const AHEAD_BYTES: usize = 1 << 20;

/// A message to the server and what it was made of.
struct Message {
    sql: String,
    origin: Origin,
    /// The last one of its unit.
    commits: bool,
}

/// Where an error in a message leads.
struct Origin {
    unit: usize,
    script: Option<Arc<Script>>,
    layout: Layout,
}

/// Runs groups, sending ahead.
pub(crate) struct Group<'a, 'b> {
    applying: &'b Applying<'a>,
    ahead: VecDeque<(SimpleQueryStream, Origin, usize, bool)>,
    bytes: usize,
    /// Units that are committed.
    done: usize,
}

impl<'a, 'b> Group<'a, 'b> {
    /// Runs these units: how many were committed, and what stopped the next.
    pub(crate) async fn run(applying: &'b Applying<'a>, units: Range<usize>) -> (usize, Result<(), Stop>) {
        let mut group = Self {
            applying,
            ahead: VecDeque::new(),
            bytes: 0,
            done: 0,
        };
        let stopped = group.run_all(units).await;
        (group.done, stopped)
    }

    async fn run_all(&mut self, units: Range<usize>) -> Result<(), Stop> {
        let all = &self.applying.input.plan.units;
        for (index, unit) in all.iter().enumerate().take(units.end).skip(units.start) {
            if self.applying.input.budget.is_over() {
                break;
            }
            self.send_unit(index, unit).await?;
        }
        self.drain().await
    }

    async fn send_unit(&mut self, index: usize, unit: &Unit) -> Result<(), Stop> {
        let asserted = self.applying.assertions_unit() == Some(index);
        let last = unit.migrations().count().saturating_sub(1);
        for (position, migration) in unit.migrations().enumerate() {
            let script = Arc::new(self.applying.script(migration)?);
            let prefix = match position {
                0 => self.begin(index, unit, migration),
                _ => vec![self.applying.key(index).token()],
            };
            let is_last = position == last;
            let goes_on = !is_last && self.applying.input.plan.defers_constraints;
            let mut suffix = self.after_file(index, migration, goes_on);
            if is_last && !asserted {
                suffix.extend([self.applying.key(index).delete_mark(), "COMMIT".to_owned()]);
            }
            self.send_file(index, script, prefix, &suffix, is_last && !asserted)
                .await?;
        }
        if asserted {
            self.drain().await?;
            self.assert_and_commit(index).await?;
        }
        Ok(())
    }

    /// M1, and with the first unit whatever must be there before (U3).
    fn begin(&self, index: usize, unit: &Unit, first: &PlannedMigration) -> Vec<String> {
        let mut statements = begin_unit(self.applying, index, unit, first, false);
        if index == 0 && !self.applying.input.plan.history_exists {
            statements.extend(setup(self.applying, index));
        }
        statements
    }

    /// M2: what follows a file, whatever the file left behind.
    fn after_file(&self, index: usize, migration: &PlannedMigration, goes_on: bool) -> Vec<String> {
        let plan = self.applying.input.plan;
        let key = self.applying.key(index);
        let check = if goes_on {
            CHECK_AND_DEFER
        } else {
            "SET CONSTRAINTS ALL IMMEDIATE"
        };
        vec![
            check.to_owned(),
            "RESET SESSION AUTHORIZATION".to_owned(),
            "RESET ROLE".to_owned(),
            key.token(),
            history::insert_row(&plan.history, migration, plan.installed_by.as_deref(), &key.elapsed()),
            key.insert_applied(&plan.history, migration),
            "RESET ALL".to_owned(),
        ]
    }

    async fn send_file(
        &mut self,
        unit: usize,
        script: Arc<Script>,
        prefix: Vec<String>,
        suffix: &[String],
        commits: bool,
    ) -> Result<(), Stop> {
        let chunks = script.chunks(MESSAGE_BYTES);
        let [whole] = chunks.as_slice() else {
            return self.send_chunks(unit, &script, chunks, prefix, suffix, commits).await;
        };
        let Chunk { bytes, statements, .. } = whole.clone();
        let message = Message::new(unit, Some(script), &prefix, bytes, statements, suffix, commits);
        self.send(message).await
    }

    /// A file above [`MESSAGE_BYTES`], or with a COPY and its data: each run of statements by itself. The role may be the
    /// file's by then, which can't read the journal, so the token of the later ones is the transaction's own number.
    async fn send_chunks(
        &mut self,
        unit: usize,
        script: &Arc<Script>,
        chunks: Vec<Chunk>,
        mut prefix: Vec<String>,
        suffix: &[String],
        commits: bool,
    ) -> Result<(), Stop> {
        self.drain().await?;
        prefix.push("SELECT pg_catalog.pg_current_xact_id()::text".to_owned());
        let last = chunks.len().saturating_sub(1);
        let mut token = prefix;
        for (number, chunk) in chunks.into_iter().enumerate() {
            let first = chunk.statements.start;
            let (bytes, end) = if chunk.is_copy {
                // Its token and its lock; it goes behind them by itself.
                (0..0, copy::before(script.statement_sql(first)))
            } else if number == last {
                (chunk.bytes, suffix.to_vec())
            } else {
                (chunk.bytes, Vec::new())
            };
            let (sent, is_end) = (Some(Arc::clone(script)), number == last && commits);
            self.send(Message::new(unit, sent, &token, bytes, chunk.statements, &end, is_end))
                .await?;
            let transaction = self.receive().await?;
            if chunk.is_copy {
                copy::run(self.applying, script, first).await?;
            }
            if number == 0 {
                token = vec![format!(
                    "SELECT (CASE WHEN pg_catalog.pg_current_xact_id_if_assigned()::text = '{0}' THEN '0' \
                     ELSE 'belay:transaction-lost {0}' END)::pg_catalog.int4",
                    transaction.unwrap_or_default()
                )];
            }
        }
        Ok(())
    }

    /// M3: the assertions in the last group's transaction, and its COMMIT only if they hold.
    async fn assert_and_commit(&mut self, index: usize) -> Result<(), Stop> {
        let Applying { session, input, .. } = self.applying;
        let scripts = self.applying.assertions()?;
        let running = assertion::run(session.client(), &scripts, input.placeholders);
        let (asserted, cancelled) = input.budget.answer(session, running).await?;
        if let Err(error) = asserted {
            let place = scripts.first().map_or_else(|| Place::file("verify"), Script::place);
            return Err(match error {
                EngineError::Database(error) => self.stop(error, cancelled, place),
                error => Stop::Failed(error),
            });
        }
        let key = self.applying.key(index);
        let statements = [
            key.token(),
            key.note_assertions(),
            key.delete_mark(),
            "COMMIT".to_owned(),
        ];
        self.send(Message::new(index, None, &[], 0..0, 0..0, &statements, true))
            .await?;
        self.drain().await
    }

    async fn send(&mut self, message: Message) -> Result<(), Stop> {
        let size = message.sql.len();
        while self.ahead.len() >= AHEAD_MESSAGES || (!self.ahead.is_empty() && self.bytes + size > AHEAD_BYTES) {
            self.receive().await?;
        }
        let stream = self.applying.session.client().simple_query_raw(&message.sql).await?;
        self.bytes += size;
        self.ahead.push_back((stream, message.origin, size, message.commits));
        Ok(())
    }

    async fn drain(&mut self) -> Result<(), Stop> {
        while !self.ahead.is_empty() {
            self.receive().await?;
        }
        Ok(())
    }

    /// Waits for the oldest message's answer: the last text that a row of ours brought.
    async fn receive(&mut self) -> Result<Option<String>, Stop> {
        let Some((stream, origin, size, commits)) = self.ahead.pop_front() else {
            return Ok(None);
        };
        let Applying { session, input, .. } = self.applying;
        let ((answer, completed), cancelled) = input.budget.answer(session, read(stream, &origin.layout)).await?;
        self.bytes -= size;
        match answer {
            Ok(text) => {
                self.done += usize::from(commits);
                Ok(text)
            }
            Err(error) => {
                let located = |script: &Script| match error.as_db_error() {
                    Some(db) => report::locate(script, &origin.layout, db, completed),
                    None => script.place(),
                };
                let place = origin
                    .script
                    .as_ref()
                    .map_or_else(|| self.unit_place(origin.unit), |script| located(script));
                Err(self.stop(error, cancelled, place))
            }
        }
    }

    fn unit_place(&self, unit: usize) -> Place {
        let unit = self.applying.input.plan.units.get(unit);
        Place::file(
            unit.and_then(|unit| unit.migrations().last())
                .map_or("", |migration| &migration.path),
        )
    }

    fn stop(&self, error: tokio_postgres::Error, cancelled: bool, place: Place) -> Stop {
        stop(self.applying, error, cancelled, place)
    }
}

/// What an error of the server means for the attempt.
pub(crate) fn stop(applying: &Applying<'_>, error: tokio_postgres::Error, cancelled: bool, place: Place) -> Stop {
    let Some(db) = error.as_db_error() else {
        return Stop::Failed(error.into());
    };
    let run = || applying.input.connect.run.clone();
    let failure = || report::sql_failure(place.clone(), db, applying.input.placeholders);
    match report::guard(db) {
        Some(Guard::AttemptClosed(found)) => {
            return Stop::Failed(EngineError::AttemptClosed {
                run: run(),
                attempt: applying.input.attempt,
                found,
            });
        }
        Some(Guard::HistoryMoved(rank)) => {
            return Stop::Failed(EngineError::PlanStale {
                found: format!("its highest rank is {rank}"),
            });
        }
        Some(Guard::TransactionLost) => {
            let message = "the file ended the transaction that it ran in, so what it did may be committed";
            return Stop::Failed(EngineError::Failed(Box::new(
                Failure::new(Code::TransactionLost, message).at(place),
            )));
        }
        None => {}
    }
    if is_history_taken(db, &applying.input.plan.history) {
        return Stop::Failed(EngineError::PlanStale {
            found: db.detail().unwrap_or(db.message()).to_owned(),
        });
    }
    if cancelled && is_cancelled(db) {
        return Stop::Cancelled(Box::new(failure()));
    }
    match db.code().code().get(..2) {
        // The server goes away, or is out of something: not the migration's fault.
        Some("08" | "53" | "58") => Stop::Failed(error.into()),
        Some("57") if !is_cancelled(db) => Stop::Failed(error.into()),
        _ if is_lock_wait(db) => {
            let failure = Failure {
                code: Code::LockTimeout,
                message: "a lock could not be had".to_owned(),
                ..failure()
            };
            Stop::LockWait(EngineError::Failed(Box::new(failure)))
        }
        _ => Stop::Failed(EngineError::Failed(Box::new(failure()))),
    }
}

/// V6: somebody who does not ask for the lock wrote to the history after the guard, or made it: the rank or the name that
/// was planned is taken.
fn is_history_taken(error: &DbError, history: &HistoryTable) -> bool {
    let row = *error.code() == SqlState::UNIQUE_VIOLATION
        && error.schema() == Some(&history.schema)
        && error.table() == Some(&history.table);
    let table =
        *error.code() == SqlState::DUPLICATE_TABLE && error.message().contains(&quote_identifier(&history.table));
    row || table
}

/// Reads a message's answer to its end or its first error: the last text of the statements before the file's, and how
/// many statements were completed.
async fn read(stream: SimpleQueryStream, layout: &Layout) -> (Result<Option<String>, tokio_postgres::Error>, usize) {
    let mut stream = std::pin::pin!(stream);
    let (mut completed, mut text) = (0, None);
    loop {
        match stream.try_next().await {
            Ok(Some(SimpleQueryMessage::CommandComplete(_))) => completed += 1,
            Ok(Some(SimpleQueryMessage::Row(row))) if completed < layout.prefix_statements => {
                text = row.get(0).map(str::to_owned);
            }
            Ok(Some(_)) => {}
            Ok(None) => return (Ok(text), completed),
            Err(error) => return (Err(error), completed),
        }
    }
}

impl Message {
    fn new(
        unit: usize,
        script: Option<Arc<Script>>,
        prefix: &[String],
        bytes: Range<usize>,
        statements: Range<usize>,
        suffix: &[String],
        commits: bool,
    ) -> Self {
        let mut sql = String::new();
        for statement in prefix {
            sql.push_str(statement);
            sql.push_str(";\n");
        }
        let prefix_chars = sql.chars().count();
        sql.push_str(
            script
                .as_ref()
                .and_then(|script| script.sql().get(bytes.clone()))
                .unwrap_or_default(),
        );
        // The file may end in a comment, or without a semicolon.
        sql.push_str("\n;");
        for statement in suffix {
            sql.push_str(statement);
            sql.push_str(";\n");
        }
        let layout = Layout {
            prefix_statements: prefix.len(),
            prefix_chars,
            bytes,
            statements,
        };
        Self {
            sql,
            origin: Origin { unit, script, layout },
            commits,
        }
    }
}

/// M1: the transaction, the lock, the guard (its snapshot is younger than the wait for the lock), the mark.
pub(crate) fn begin_unit(
    applying: &Applying<'_>,
    index: usize,
    unit: &Unit,
    first: &PlannedMigration,
    lone: bool,
) -> Vec<String> {
    vec![
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE".to_owned(),
        format!(
            "SELECT pg_catalog.pg_advisory_xact_lock({})",
            history::lock_key(&applying.input.plan.history)
        ),
        applying.guard(index, unit),
        applying.key(index).insert_mark(lone, first),
    ]
}

/// U3: the schemas that are missing, the history table, and Flyway's row for the schemas.
pub(crate) fn setup(applying: &Applying<'_>, index: usize) -> Vec<String> {
    let plan = applying.input.plan;
    let schemas = &plan.create_schemas;
    let mut statements: Vec<String> = schemas
        .iter()
        .map(|s| format!("CREATE SCHEMA {}", quote_identifier(s)))
        .collect();
    statements.extend(applying.key(index).make_history(plan));
    if !schemas.is_empty() {
        statements.push(history::insert_schema_row(
            &plan.history,
            schemas,
            plan.installed_by.as_deref(),
        ));
        statements.push(applying.key(index).insert_applied_setup(&plan.history, 0));
    }
    statements
}

/// M2, where another file follows: `SET CONSTRAINTS ALL IMMEDIATE` would hold until the transaction ends, also for
/// constraints that are still to come. So those that are there are checked by name, and deferred again as they were made.
const CHECK_AND_DEFER: &str = "DO $belay$ DECLARE name text; BEGIN
  FOR name IN SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.conname) FROM pg_catalog.pg_constraint c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace WHERE c.condeferrable
      AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND (n.nspname !~ '^pg_temp_' OR n.oid = pg_catalog.pg_my_temp_schema())
  LOOP EXECUTE 'SET CONSTRAINTS ' || name || ' IMMEDIATE'; END LOOP;
  FOR name IN SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, c.conname) FROM pg_catalog.pg_constraint c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace WHERE c.condeferred
      AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND (n.nspname !~ '^pg_temp_' OR n.oid = pg_catalog.pg_my_temp_schema())
  LOOP EXECUTE 'SET CONSTRAINTS ' || name || ' DEFERRED'; END LOOP;
END $belay$";

/// How long a unit is tried again because of locks.
pub(crate) struct Patience {
    end: Instant,
    pause: Duration,
}

impl Patience {
    pub(crate) fn new(locks: LockSettings) -> Self {
        Self {
            end: Instant::now() + Duration::from_secs(locks.budget_s.into()),
            pause: Duration::from_millis(250),
        }
    }

    /// Waits a while, for longer each time, with jitter; or gives up with the error.
    pub(crate) async fn wait(&mut self, error: EngineError) -> Result<(), EngineError> {
        if Instant::now() + self.pause >= self.end {
            return Err(error);
        }
        tokio::time::sleep(self.pause.mul_f64(jitter())).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(10));
        Ok(())
    }
}

/// A number from 0.5 to 1.5; 1 where the system has no randomness to give.
fn jitter() -> f64 {
    getrandom::u32().map_or(1.0, |random| 0.5 + f64::from(random) / f64::from(u32::MAX))
}
