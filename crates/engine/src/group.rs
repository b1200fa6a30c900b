//! Groups: files and changes that share one transaction of ours, sent in guarded messages (rules M1 to M5).

mod watched;

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use belay_model::{Place, Unit};
use tokio_postgres::SimpleQueryStream;

use crate::apply::Applying;
use crate::assertion;
use crate::block::{Block, Step, steps};
use crate::change::What;
use crate::copy;
use crate::error::EngineError;
use crate::frame::{CHECK_AND_DEFER, back_to_ourselves, begin_unit, callbacks_before, record, setup};
use crate::mark::UnitKey;
use crate::message::{Layout, Message, read};
use crate::overridden;
use crate::piece::{Piece, fit_one_message, messages, pieces, settings, woven};
use crate::script::Script;
use crate::stop::{At, Refused, Stop, stop};

/// How much is sent ahead of the answers: enough to hide the round trips, little enough to hold.
const AHEAD_MESSAGES: usize = 32;
const AHEAD_BYTES: usize = 1 << 20;

/// A message that was sent, and what was made of it.
struct Sent {
    answer: SimpleQueryStream,
    layout: Layout,
    /// What it is about, where an error leads to no file.
    about: Place,
    bytes: usize,
    /// The statement of ours whose row is asked for.
    asks: Option<usize>,
    /// The last one of its unit.
    commits: bool,
}

/// Files between statements of ours.
pub(crate) struct Wrapped<'s> {
    pub(crate) prefix: Vec<String>,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) suffix: Vec<String>,
    /// What it is about, where an error leads to no file.
    pub(crate) about: &'s str,
    /// The unit.
    pub(crate) unit: usize,
    /// The last of its unit: COMMIT follows.
    pub(crate) commits: bool,
}

/// Runs groups, sending ahead.
pub(crate) struct Group<'a, 'b> {
    applying: &'b Applying<'a>,
    ahead: VecDeque<Sent>,
    bytes: usize,
    /// Units that are committed.
    done: usize,
    /// Callbacks and the like, which run again and again.
    ready: HashMap<String, Arc<Script>>,
}

impl<'a, 'b> Group<'a, 'b> {
    pub(crate) fn new(applying: &'b Applying<'a>) -> Self {
        Self {
            applying,
            ahead: VecDeque::new(),
            bytes: 0,
            done: 0,
            ready: HashMap::new(),
        }
    }

    /// Runs these units: how many were committed, and what stopped the next.
    pub(crate) async fn run(applying: &'b Applying<'a>, units: Range<usize>) -> (usize, Result<(), Stop>) {
        let mut group = Self::new(applying);
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
        let steps = steps(unit);
        let last = steps.len().saturating_sub(1);
        let setup_before = self.setup_before(index, &steps);
        for (position, step) in steps.iter().enumerate() {
            let mut prefix = match position {
                0 => begin_unit(self.applying, index, unit, false),
                _ => vec![self.applying.key(index).token()],
            };
            if setup_before == Some(position) {
                prefix.extend(setup(self.applying, index));
            }
            let is_last = position == last;
            let goes_on = !is_last && self.applying.input.plan.defers_constraints;
            let (pieces, about) = match step {
                Step::Files(block) => (self.pieces(index, unit, block)?, block.path()),
                Step::Changes => (Vec::new(), ""),
            };
            // The first message waits for the lock, too.
            let is_one = position > 0 && fit_one_message(&pieces) && !overridden::is_watched(self.applying);
            let mut suffix = self.after(index, unit, step, goes_on, is_one);
            if is_last && setup_before == Some(steps.len()) {
                suffix.extend(setup(self.applying, index));
            }
            let commits = is_last && !asserted;
            if commits {
                suffix.push(self.applying.key(index).delete_mark());
            }
            let wrapped = Wrapped {
                prefix,
                pieces,
                suffix,
                about,
                unit: index,
                commits,
            };
            self.send_wrapped(wrapped).await?;
        }
        if asserted {
            self.drain().await?;
            self.assert_and_commit(index).await?;
        }
        Ok(())
    }

    /// U3: before which step schemas and history are made: at the unit's end if only what comes before them is in it.
    fn setup_before(&self, index: usize, steps: &[Step<'_>]) -> Option<usize> {
        let plan = self.applying.input.plan;
        let is_due = index == 0 && (!plan.history_exists || plan.prepares());
        let before = || steps.iter().take_while(|step| step.is_before_schemas()).count();
        is_due.then(before)
    }

    /// M2: what follows a step, whatever its files left behind. `is_one`: in one message with its files, and nothing else.
    fn after(&self, index: usize, unit: &Unit, step: &Step<'_>, goes_on: bool, is_one: bool) -> Vec<String> {
        let key = self.applying.key(index);
        let plan = self.applying.input.plan;
        let changes = || {
            let changes = unit.changes.iter().enumerate();
            changes.map(|(number, change)| key.change(plan, unit.files.len() + number, change))
        };
        let block = match step {
            Step::Files(block) => block,
            Step::Changes => return changes().collect(),
        };
        let check = if goes_on {
            CHECK_AND_DEFER
        } else {
            "SET CONSTRAINTS ALL IMMEDIATE"
        };
        let mut statements = back_to_ourselves(check);
        statements.push(key.token());
        match block.migration {
            Some(migration) => {
                let elapsed = match is_one {
                    true => UnitKey::SINCE_MESSAGE.to_owned(),
                    false => key.elapsed(),
                };
                statements.extend(record(self.applying, index, migration, &elapsed));
            }
            // Else the rows of the unit's migrations tell that it was committed.
            None if unit.migrations().next().is_none() => statements.extend(
                block
                    .callbacks()
                    .map(|(number, callback)| key.insert_callback(&plan.history, number, callback, What::Callback)),
            ),
            None => {}
        }
        statements.push("RESET ALL".to_owned());
        statements
    }

    /// The texts of a block, with what is said before each file.
    fn pieces(&mut self, index: usize, unit: &Unit, block: &Block<'_>) -> Result<Vec<Piece>, EngineError> {
        let plan = self.applying.input.plan;
        let mut texts = self.init()?;
        if block.is_behind_lone(unit) {
            // What was set before the lone file holds behind it, too.
            for path in callbacks_before(self.applying, index.saturating_sub(1)) {
                texts.extend(settings(&self.callback(path)?));
            }
        }
        for callback in &block.before {
            texts.extend(pieces(&self.callback(&callback.path)?));
        }
        if let Some(migration) = block.migration.filter(|_| !plan.skip_executing) {
            let script = Arc::new(self.applying.ready(&migration.path)?);
            texts.extend(if plan.on_statement.is_empty() {
                pieces(&script)
            } else {
                let mut around = Vec::new();
                for callback in &plan.on_statement {
                    around.push((callback.event, self.callback(&callback.path)?));
                }
                woven(&script, &around)
            });
        }
        for callback in &block.after {
            texts.extend(pieces(&self.callback(&callback.path)?));
        }
        Ok(texts)
    }

    /// What is said to the database before a file.
    pub(crate) fn init(&self) -> Result<Vec<Piece>, EngineError> {
        Ok(self.applying.init()?.iter().flat_map(pieces).collect())
    }

    /// A callback, made ready once.
    pub(crate) fn callback(&mut self, path: &str) -> Result<Arc<Script>, EngineError> {
        if let Some(script) = self.ready.get(path) {
            return Ok(Arc::clone(script));
        }
        let script = Arc::new(self.applying.ready(path)?);
        self.ready.insert(path.to_owned(), Arc::clone(&script));
        Ok(script)
    }

    /// Sends files between statements of ours: in one message if they fit into it.
    pub(crate) async fn send_wrapped(&mut self, wrapped: Wrapped<'_>) -> Result<(), Stop> {
        if overridden::is_watched(self.applying) {
            return self.send_watched(wrapped).await;
        }
        let mut runs = messages(wrapped.pieces);
        let Wrapped {
            prefix,
            mut suffix,
            about,
            commits,
            ..
        } = wrapped;
        suffix.extend(commits.then(|| "COMMIT".to_owned()));
        let [whole] = runs.as_mut_slice() else {
            return self.send_apart(runs, prefix, &suffix, about, commits).await;
        };
        let mut message = Message::default();
        message.ours(&prefix);
        for Piece { script, chunk } in whole.iter() {
            message.file(script, chunk.bytes.clone(), chunk.statements.clone());
        }
        message.ours(&suffix);
        self.send(message, Place::file(about), None, commits).await
    }

    /// What is too large for one message, or has a COPY and its data: each run of statements by itself. The role may be the
    /// file's by then, which can't read the journal, so the token of the later ones is the transaction's own number.
    async fn send_apart(
        &mut self,
        runs: Vec<Vec<Piece>>,
        mut token: Vec<String>,
        suffix: &[String],
        about: &str,
        commits: bool,
    ) -> Result<(), Stop> {
        self.drain().await?;
        let last = runs.len().saturating_sub(1);
        for (number, run) in runs.into_iter().enumerate() {
            let mut message = Message::default();
            message.ours(&token);
            let asks = (number == 0).then(|| message.statements());
            if number == 0 {
                message.ours(&[TRANSACTION.to_owned()]);
            }
            let copied = run.iter().find(|piece| piece.chunk.is_copy);
            for Piece { script, chunk } in &run {
                if chunk.is_copy {
                    // Its token and its lock; it goes behind them by itself.
                    message.ours(&copy::before(script.statement_sql(chunk.statements.start)));
                } else {
                    message.file(script, chunk.bytes.clone(), chunk.statements.clone());
                }
            }
            if number == last {
                message.ours(suffix);
            }
            let copy = copied.map(|piece| piece.script.statement_place(piece.chunk.statements.start));
            let about = copy.unwrap_or_else(|| Place::file(about));
            self.send(message, about, asks, number == last && commits).await?;
            let transaction = self.receive().await?;
            if let Some(Piece { script, chunk }) = copied {
                copy::run(self.applying, script, chunk.statements.start).await?;
            }
            if number == 0 {
                token = vec![still_in(&transaction.unwrap_or_default())];
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
        let place = scripts.first().map_or_else(|| Place::file("verify"), Script::place);
        if let Err(error) = asserted {
            return Err(match error {
                EngineError::Database(error) => stop(self.applying, error, cancelled, At::File(place)),
                error => Stop::Failed(error),
            });
        }
        let key = self.applying.key(index);
        let mut message = Message::default();
        message.ours(&[
            key.token(),
            key.note_assertions(),
            key.delete_mark(),
            "COMMIT".to_owned(),
        ]);
        self.send(message, place, None, true).await?;
        self.drain().await
    }

    async fn send(&mut self, message: Message, about: Place, asks: Option<usize>, commits: bool) -> Result<(), Stop> {
        let (sql, layout) = message.finish();
        let bytes = sql.len();
        while self.ahead.len() >= AHEAD_MESSAGES || (!self.ahead.is_empty() && self.bytes + bytes > AHEAD_BYTES) {
            self.receive().await?;
        }
        let answer = self.applying.session.client().simple_query_raw(&sql).await?;
        self.bytes += bytes;
        self.ahead.push_back(Sent {
            answer,
            layout,
            about,
            bytes,
            asks,
            commits,
        });
        Ok(())
    }

    /// Waits for every answer.
    pub(crate) async fn drain(&mut self) -> Result<(), Stop> {
        while !self.ahead.is_empty() {
            self.receive().await?;
        }
        Ok(())
    }

    /// Waits for the oldest message's answer: the text that it was asked for.
    async fn receive(&mut self) -> Result<Option<String>, Stop> {
        let answer = self.answer().await?;
        answer.map_err(|refused| refused.stop(self.applying))
    }

    /// The same, with what the server did not do as it is.
    async fn answer(&mut self) -> Result<Result<Option<String>, Refused>, Stop> {
        let Some(sent) = self.ahead.pop_front() else {
            return Ok(Ok(None));
        };
        let Applying { session, input, .. } = self.applying;
        let ((answer, completed), cancelled) = input.budget.answer(session, read(sent.answer, sent.asks)).await?;
        self.bytes -= sent.bytes;
        match answer {
            Ok(text) => {
                self.done += usize::from(sent.commits);
                Ok(Ok(text))
            }
            Err(error) => {
                let found = error.as_db_error().and_then(|db| sent.layout.locate(db, completed));
                let at = found.map_or(At::Ours(sent.about), At::File);
                Ok(Err(Refused { error, cancelled, at }))
            }
        }
    }
}

/// Asks for the transaction's own number.
const TRANSACTION: &str = "SELECT pg_catalog.pg_current_xact_id()::text";

/// The token of a message whose role may be the file's: fails unless the transaction has this number.
fn still_in(transaction: &str) -> String {
    format!(
        "SELECT (CASE WHEN pg_catalog.pg_current_xact_id_if_assigned()::text = '{transaction}' THEN '0' \
         ELSE 'belay:transaction-lost {transaction}' END)::pg_catalog.int4"
    )
}
