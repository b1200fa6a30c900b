//! Lone files: run statement by statement, each leaving a trail that is as durable as what it did (rules L1 to L3).

mod before;
mod invalid;
mod watched;

use std::ops::Range;
use std::sync::Arc;

use belay_model::{Code, Failure, Place, PlannedFile, PlannedMigration, Unit};
use tokio_postgres::SimpleQueryMessage;

use crate::apply::{self, Applying};
use crate::classify::StatementKind;
use crate::copy;
use crate::error::{EngineError, is_cancelled};
use crate::frame::{begin_unit, record, setup};
use crate::journal::OpenUnit;
use crate::lock;
use crate::message::Message;
use crate::overridden::is_watched;
use crate::residue::Residue;
use crate::script::Script;
use crate::stop::{At, Refused, Stop, stop};

/// A lone file under way.
pub(crate) struct Lone<'a, 'b> {
    applying: &'b mut Applying<'a>,
    index: usize,
    unit: &'a Unit,
    migration: &'a PlannedMigration,
    script: Arc<Script>,
    /// Procedures commit by themselves: the file's `.conf`, or the settings, say that it does not want a transaction.
    bare_procedures: bool,
}

impl<'a, 'b> Lone<'a, 'b> {
    pub(crate) fn new(applying: &'b mut Applying<'a>, index: usize, unit: &'a Unit) -> Result<Self, EngineError> {
        let [PlannedFile::Migration(migration)] = unit.files.as_slice() else {
            return Err(EngineError::PlanMismatch("a lone unit must have one file".to_owned()));
        };
        let script = Arc::new(applying.ready(&migration.path)?);
        let bundle = applying.input.bundle;
        let config = apply::config(bundle, &migration.path);
        let in_transaction = config.and_then(|config| config.execute_in_transaction);
        let bare_procedures = !in_transaction.unwrap_or(bundle.settings().execute_in_transaction);
        Ok(Self {
            applying,
            index,
            unit,
            migration,
            script,
            bare_procedures,
        })
    }

    /// Runs the file, from where an earlier call of this attempt stopped.
    pub(crate) async fn run(self, resumed: Option<OpenUnit>) -> Result<(), Stop> {
        let next = match resumed {
            Some(open) => self.resume(&open).await?,
            None => self.begin().await?,
        };
        let kinds: Vec<StatementKind> = self.script.kinds().collect();
        let mut in_transaction = false;
        for (statement, kind) in kinds.into_iter().enumerate().skip(next) {
            if !in_transaction && self.applying.input.budget.is_over() {
                return Err(Stop::Cancelled(Box::new(
                    Failure::new(Code::TooLong, "").at(self.script.statement_place(statement)),
                )));
            }
            in_transaction = if is_watched(self.applying) {
                self.watched(statement, kind, in_transaction).await?
            } else {
                self.statement(statement, kind, in_transaction).await?
            };
            if !in_transaction {
                self.applying.finished += usize::from(!self.is_only_settings(statement + 1));
                self.check_lock(statement).await?;
            }
        }
        if in_transaction {
            let failure = Failure::new(Code::SqlFailed, "the file begins a transaction that it does not end");
            return Err(Stop::Failed(EngineError::Failed(Box::new(
                failure.at(self.script.place()),
            ))));
        }
        self.end().await
    }

    /// L1: the mark is committed first. The statement to begin with, which is not the first if this is a file that an
    /// earlier run left half done (L3).
    async fn begin(&self) -> Result<usize, Stop> {
        let plan = self.applying.input.plan;
        let mut statements = begin_unit(self.applying, self.index, self.unit, true);
        if self.index == 0 && plan.prepares() {
            statements.extend(setup(self.applying, self.index));
        }
        let half_done = plan.resume.as_ref().filter(|_| self.index == 0);
        statements.extend(half_done.map(|other| self.applying.key(self.index).take_over(other)));
        statements.push("COMMIT".to_owned());
        self.ours(&statements).await?;
        self.say_what_comes_before().await?;
        let Some(other) = half_done else { return Ok(0) };
        let done = usize::try_from(other.statement).unwrap_or_default();
        self.say_settings_again(done).await?;
        Ok(done)
    }

    /// The statement to go on with.
    async fn resume(&self, open: &OpenUnit) -> Result<usize, Stop> {
        if open.progress == "started" {
            let place = self
                .script
                .statement_place(usize::try_from(open.statement - 1).unwrap_or_default());
            let failure = Failure::new(
                Code::UnitOpen,
                "an earlier call started this statement, and its end is not known",
            )
            .at(place);
            return Err(Stop::Failed(EngineError::Failed(Box::new(failure))));
        }
        let done = usize::try_from(open.statement).unwrap_or_default();
        self.say_what_comes_before().await?;
        self.say_settings_again(done).await?;
        Ok(done)
    }

    /// What the file had set for its session before it was interrupted.
    async fn say_settings_again(&self, done: usize) -> Result<(), Stop> {
        self.say(&self.script, done, |kind| kind == StatementKind::Session)
            .await
    }

    /// Runs one statement with its trail. Whether a transaction of the file's own is open after it.
    async fn statement(&self, index: usize, kind: StatementKind, in_transaction: bool) -> Result<bool, Stop> {
        let number = index + 1;
        let bare = self.is_bare(kind);
        match (kind, in_transaction) {
            (StatementKind::Begin, _) => self.file(index, &[], &[]).await.map(|()| true),
            // The file's own COMMIT commits the trail of everything since its BEGIN.
            (StatementKind::Commit, true) => {
                self.file(index, &self.note(number), &[]).await?;
                self.still_in_transaction().await
            }
            (StatementKind::Rollback, true) => {
                self.file(index, &[], &[]).await?;
                let open = self.still_in_transaction().await?;
                if !open {
                    self.ours(&transaction(self.note(number))).await?;
                }
                Ok(open)
            }
            (_, true) => self.file(index, &[], &[]).await.map(|()| true),
            (StatementKind::Commit | StatementKind::Rollback, false) => {
                // Without a transaction the server only warns.
                self.file(index, &[], &[]).await?;
                self.ours(&transaction(self.note(number))).await.map(|()| false)
            }
            // Leaves nothing: said again when the file is gone on with.
            (StatementKind::Session, false) if self.is_only_settings(number) => {
                self.file(index, &[], &[]).await.map(|()| false)
            }
            (_, false) if bare => {
                self.clear_the_way(index).await?;
                self.ours(&self.started(index)).await?;
                self.ours(&[WAIT_FOR_LOCKS.to_owned()]).await?;
                self.file(index, &[], &[]).await?;
                self.ours(&[WAIT_NO_MORE.to_owned()]).await?;
                self.ours(&transaction(self.note(number))).await.map(|()| false)
            }
            (_, false) => {
                let mut note = self.note(number);
                note.push("COMMIT".to_owned());
                self.file(
                    index,
                    &["BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE".to_owned()],
                    &note,
                )
                .await
                .map(|()| false)
            }
        }
    }

    /// Whether a statement runs without a transaction of ours.
    fn is_bare(&self, kind: StatementKind) -> bool {
        match kind {
            StatementKind::Alone => true,
            StatementKind::Procedure => self.bare_procedures,
            _ => false,
        }
    }

    /// What is noted before a statement that can't be in a transaction: as ourselves, with what it may leave behind as the
    /// file's role and search path find it.
    fn started(&self, index: usize) -> Vec<String> {
        let residue = Residue::of(self.script.statement_sql(index));
        let back = if self.is_only_settings(index) {
            (0, "none")
        } else {
            (index, "done")
        };
        let mut statements = Vec::new();
        statements.extend(
            residue
                .table()
                .map(|table| format!("SELECT pg_catalog.set_config('belay.table', COALESCE({table}::text, ''), true)")),
        );
        statements.push(format!("SET LOCAL ROLE {}", self.applying.session.reset_role()));
        let noted = residue.noted(back);
        statements.push(self.applying.key(self.index).note_with(index + 1, "started", &noted));
        transaction(statements)
    }

    /// Whether everything before a statement only sets something for the session: then nothing is done.
    fn is_only_settings(&self, before: usize) -> bool {
        let mut kinds = self.script.kinds().take(before);
        kinds.all(|kind| kind == StatementKind::Session)
    }

    /// The trail of a statement, written as ourselves whatever role the file has, which it gets back.
    fn note(&self, number: usize) -> Vec<String> {
        self.as_ourselves(self.applying.key(self.index).note(number, "done"))
    }

    /// A statement of ours as ourselves, whatever role the file has, which it gets back.
    fn as_ourselves(&self, statement: String) -> Vec<String> {
        vec![
            "SELECT pg_catalog.set_config('belay.role', pg_catalog.current_setting('role'), true)".to_owned(),
            format!("SET LOCAL ROLE {}", self.applying.session.reset_role()),
            statement,
            "SELECT pg_catalog.set_config('role', pg_catalog.current_setting('belay.role'), true)".to_owned(),
        ]
    }

    /// The history row, the journal row and the closing of the mark are one transaction.
    async fn end(&self) -> Result<(), Stop> {
        let plan = self.applying.input.plan;
        let key = self.applying.key(self.index);
        let mut statements = vec![
            "RESET SESSION AUTHORIZATION".to_owned(),
            "RESET ROLE".to_owned(),
            "RESET ALL".to_owned(),
        ];
        statements.push("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE".to_owned());
        statements.push(key.note(self.script.len(), "done"));
        if self.index == 0 && !plan.history_exists && !plan.prepares() {
            statements.extend(key.make_history(plan));
        }
        statements.extend(record(self.applying, self.index, self.migration, &key.elapsed()));
        statements.push(key.close_mark());
        statements.push("COMMIT".to_owned());
        self.ours(&statements).await
    }

    /// Statements of ours: said again if a CancelRequest for the statement before them came late. They are one transaction
    /// or one statement, so saying them again does nothing twice.
    async fn ours(&self, statements: &[String]) -> Result<(), Stop> {
        let mut late = self.applying.session.cancels();
        loop {
            let error = match self.applying.session.run(&statements.join(";\n")).await {
                Err(EngineError::Database(error)) => error,
                ended => return Ok(ended?),
            };
            if late == 0 || !error.as_db_error().is_some_and(is_cancelled) {
                return Err(stop(self.applying, error, false, At::Ours(self.script.place())));
            }
            late -= 1;
            self.applying.session.rollback().await?;
        }
    }

    /// A statement of the file between statements of ours.
    async fn file(&self, index: usize, before: &[String], after: &[String]) -> Result<(), Stop> {
        let Some(statement) = self.script.statements().get(index) else {
            return Ok(());
        };
        if statement.data.is_some() {
            return self.copy(index, before, after).await;
        }
        let bytes = statement.start..statement.end;
        self.message(index, before, bytes, after).await
    }

    /// A COPY of the file between statements of ours, by itself: its data follows it.
    async fn copy(&self, index: usize, before: &[String], after: &[String]) -> Result<(), Stop> {
        let mut ours = before.to_vec();
        ours.extend(copy::before(self.script.statement_sql(index)));
        self.message(index, &ours, 0..0, &[]).await?;
        copy::run(self.applying, &self.script, index).await.map_err(not_again)?;
        match after {
            [] => Ok(()),
            after => self.message(index, after, 0..0, &[]).await,
        }
    }

    /// Some text of the file between statements of ours, for a statement.
    async fn message(
        &self,
        index: usize,
        before: &[String],
        bytes: Range<usize>,
        after: &[String],
    ) -> Result<(), Stop> {
        let answer = self.answer(index, before, bytes, after).await?;
        answer.map_err(|refused| not_again(refused.stop(self.applying)))
    }

    /// The same, with what the server did not do as it is.
    async fn answer(
        &self,
        index: usize,
        before: &[String],
        bytes: Range<usize>,
        after: &[String],
    ) -> Result<Result<(), Refused>, Stop> {
        let mut message = Message::default();
        message.ours(before);
        message.file(&self.script, bytes, index..index + 1);
        message.ours(after);
        let (sql, layout) = message.finish();
        let sending = self.applying.session.client().simple_query(&sql);
        let input = self.applying.input;
        let (answer, cancelled) = input.budget.answer(self.applying.session, sending).await?;
        let Err(error) = answer else { return Ok(Ok(())) };
        let place = match error.as_db_error() {
            Some(db) if db.position().is_some() => layout.locate(db, 0),
            _ => None,
        };
        let at = At::File(place.unwrap_or_else(|| self.script.statement_place(index)));
        Ok(Err(Refused { error, cancelled, at }))
    }

    /// Whether a transaction block is open: after `COMMIT AND CHAIN` one is.
    async fn still_in_transaction(&self) -> Result<bool, Stop> {
        // In a block, two statements see one start time; outside, each its own.
        let messages = self
            .applying
            .session
            .client()
            .simple_query("SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL OR pg_catalog.now() <> pg_catalog.statement_timestamp()")
            .await?;
        let open = messages
            .iter()
            .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("t")));
        Ok(open)
    }

    /// A file can drop the session's lock; then nothing else keeps a Flyway out.
    async fn check_lock(&self, statement: usize) -> Result<(), Stop> {
        if lock::is_held(self.applying.session, &self.applying.input.plan.history).await? {
            return Ok(());
        }
        let place: Place = self.script.statement_place(statement);
        let failure = Failure::new(Code::LockLost, "the file dropped the migration lock").at(place);
        Err(Stop::Failed(EngineError::Failed(Box::new(failure))))
    }
}

/// What is tried again is a whole unit, and a lone one is under way.
fn not_again(stop: Stop) -> Stop {
    match stop {
        Stop::LockWait(error) => Stop::Failed(error),
        stop => stop,
    }
}

/// CREATE INDEX CONCURRENTLY waits for others' snapshots, and a lock timeout would leave an invalid index. The budget
/// still ends it.
const WAIT_FOR_LOCKS: &str = "SELECT pg_catalog.set_config('belay.lock_timeout', pg_catalog.current_setting('lock_timeout'), false), \
     pg_catalog.set_config('lock_timeout', '0', false)";

/// What the file had set is set again.
const WAIT_NO_MORE: &str =
    "SELECT pg_catalog.set_config('lock_timeout', pg_catalog.current_setting('belay.lock_timeout'), false)";

/// These statements in a transaction of ours.
fn transaction(statements: Vec<String>) -> Vec<String> {
    let begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE".to_owned();
    std::iter::once(begin)
        .chain(statements)
        .chain(["COMMIT".to_owned()])
        .collect()
}
