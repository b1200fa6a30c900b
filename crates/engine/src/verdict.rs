//! Verify: what the run's own marks, progress and rows say, read under the lock with its attempt closed (V1 to V4).

use std::time::Duration;

use belay_bundle::Bundle;
use belay_model::{AssertionState, Attempt, Finding, FindingKind, Plan, RunId, Verdict, Verified};
use tokio_postgres::Client;

use crate::apply::script;
use crate::assertion;
use crate::error::EngineError;
use crate::fingerprint::{self, Schema};
use crate::history;
use crate::journal::{self, AttemptRow, OpenUnit};
use crate::lock;
use crate::own::Own;
use crate::placeholder::Placeholders;
use crate::session::{Connect, Session};

/// The schema as it was seen on the way, to tell what this run changed from what others did.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// At Plan.
    pub planned: Option<Schema>,
    /// When Migrate opened the attempt.
    pub started: Option<Schema>,
    /// After Migrate's last unit.
    pub ended: Option<Schema>,
}

/// What Verify is asked.
#[derive(Clone, Copy)]
pub struct VerifyInput<'a> {
    /// How to log in.
    pub connect: &'a Connect,
    /// The bundle that the plan was made from; nothing if it is gone. The verdict needs none, only its assertions do.
    pub bundle: Option<&'a Bundle>,
    /// The plan.
    pub plan: &'a Plan,
    /// Its placeholders, with the values of its secrets.
    pub placeholders: &'a Placeholders,
    /// The run whose marks and rows are read: the one that logs in, or one that it judges.
    pub run: &'a RunId,
    /// The attempt.
    pub attempt: Attempt,
    /// Whether the snapshot was restored that was taken before the attempt (V3).
    pub restored: bool,
    /// The schema as it was seen on the way.
    pub observed: &'a Observed,
}

/// How long Verify waits for the lock: whatever this run left has been ended before.
const PATIENCE: Duration = Duration::from_secs(60);

/// Closes the run's attempts, then tells where the database is.
///
/// # Errors
/// If the database can't be asked, or is not the restored one yet. There is then no verdict, and asking again is safe.
pub async fn verify(input: VerifyInput<'_>) -> Result<Verified, EngineError> {
    let session = Session::open(input.connect, input.plan.search_path.as_deref()).await?;
    let verified = judge(&session, input).await;
    session.close().await;
    verified
}

/// Accepts the database as a run left it: closes its attempts and open units. The number of units closed.
///
/// # Errors
/// If the database can't be asked.
pub async fn keep(connect: &Connect, run: &RunId, history: &belay_model::HistoryTable) -> Result<u32, EngineError> {
    let session = Session::open(connect, None).await?;
    let closing = async {
        lock::end_orphans(&session, run).await?;
        lock::take(&session, history, PATIENCE).await?;
        if journal::exists(session.client()).await? {
            journal::keep(session.client(), run).await
        } else {
            Ok(0)
        }
    };
    let closed = closing.await;
    session.close().await;
    closed
}

/// V3: whether the database has no row of the attempt. One that was restored from the snapshot that was taken before the
/// attempt has none; the old server has.
///
/// # Errors
/// If the database can't be asked.
pub async fn attempt_is_absent(connect: &Connect, run: &RunId, attempt: Attempt) -> Result<bool, EngineError> {
    let session = Session::open(connect, None).await?;
    let absent = is_absent(session.client(), run, attempt).await;
    session.close().await;
    absent
}

async fn is_absent(client: &Client, run: &RunId, attempt: Attempt) -> Result<bool, EngineError> {
    Ok(!journal::exists(client).await? || journal::attempt_row(client, run, attempt).await?.is_none())
}

async fn judge(session: &Session, input: VerifyInput<'_>) -> Result<Verified, EngineError> {
    let VerifyInput {
        connect,
        plan,
        run,
        attempt,
        ..
    } = input;
    let client = session.client();
    if input.restored && !is_absent(client, run, attempt).await? {
        let run = run.clone();
        return Err(EngineError::OldServer { run, attempt });
    }
    lock::end_orphans(session, run).await?;
    if *run != connect.run {
        lock::end_orphans(session, &connect.run).await?;
    }
    lock::take(session, &plan.history, PATIENCE).await?;
    let evidence = Evidence::read(client, input).await?;
    let verdict = evidence.verdict(plan, input.attempt);
    let mut findings = evidence.findings(plan);
    let assertions = assertions(session, input, verdict, evidence.row.as_ref(), &mut findings).await?;
    findings.extend(schema_findings(
        input.observed,
        fingerprint::read_alone(client).await?.as_ref(),
        verdict,
    ));
    let (applied, missing) = evidence.done(plan, attempt);
    Ok(Verified {
        verdict,
        assertions,
        applied,
        missing,
        open_units: evidence.open.iter().map(OpenUnit::describe).collect(),
        writes: Vec::new(),
        findings,
    })
}

/// What the database says of a run.
struct Evidence {
    row: Option<AttemptRow>,
    own: Own,
    open: Vec<OpenUnit>,
    /// Somebody else's rows above the plan's base.
    others: Vec<String>,
    /// The history and the journal are as Plan saw them.
    untouched: bool,
}

impl Evidence {
    /// V1: the attempts are closed before anything is read.
    async fn read(client: &Client, input: VerifyInput<'_>) -> Result<Self, EngineError> {
        let VerifyInput { run, plan, attempt, .. } = input;
        let seen_history = history::read(client, &plan.history).await;
        let (history, unreadable) = match seen_history {
            Ok(history) => (history, None),
            Err(history::ReadError::Unreadable(why)) => (Some(Vec::new()), Some(why)),
            Err(history::ReadError::Engine(error)) => return Err(error),
        };
        let base_rank = history.iter().flatten().map(|row| row.rank).max();
        let as_planned =
            unreadable.is_none() && history.is_some() == plan.history_exists && base_rank == plan.base_rank;
        if !journal::exists(client).await? {
            let untouched = as_planned && plan.journal.is_none();
            return Ok(Self {
                row: None,
                own: Own::NOTHING,
                open: Vec::new(),
                others: Vec::new(),
                untouched,
            });
        }
        let row = journal::attempt_row(client, run, attempt).await?;
        journal::close_attempts(client, run).await?;
        let seen = journal::see(client, &plan.history, true).await?;
        let own = Own::read(client, &plan.history, history.is_some() && unreadable.is_none(), run).await?;
        let open: Vec<OpenUnit> = seen.open.into_iter().filter(|unit| unit.run == run.as_str()).collect();
        if own.is_nothing() && open.iter().all(OpenUnit::is_unbegun) {
            journal::close_unbegun(client, run).await?;
        }
        let is_others =
            |row: &&history::Applied| plan.base_rank.is_none_or(|base| row.rank > base) && !own.has_row(row.rank);
        let others = history
            .iter()
            .flatten()
            .filter(is_others)
            .map(|row| format!("{} (rank {})", row.script, row.rank));
        Ok(Self {
            others: others.chain(unreadable).collect(),
            open: open.into_iter().filter(|unit| !unit.is_unbegun()).collect(),
            untouched: as_planned && seen.last_attempt == plan.journal,
            row,
            own,
        })
    }

    /// What of the plan this run has done, and what is missing: scripts, and changes in words.
    fn done(&self, plan: &Plan, attempt: Attempt) -> (Vec<String>, Vec<String>) {
        let mut all = Vec::new();
        for (index, unit) in plan.units.iter().enumerate() {
            let migrations = unit.migrations();
            all.extend(migrations.map(|m| (self.own.has(attempt, index, m), m.script.clone())));
            if unit.migrations().next().is_none() {
                let files = unit.files.iter().enumerate();
                let is_done = |number| self.own.has_callback(attempt, index, number);
                all.extend(files.map(|(number, file)| (is_done(number), format!("the callback {}", file.script()))));
            }
            let changes = unit.changes.iter().enumerate();
            all.extend(changes.map(|(number, change)| {
                let is_done = self.own.has_change(attempt, index, unit, number);
                (is_done, change.to_string())
            }));
        }
        let (done, missing): (Vec<_>, Vec<_>) = all.into_iter().partition(|(is_done, _)| *is_done);
        let words = |list: Vec<(bool, String)>| list.into_iter().map(|(_, words)| words).collect();
        (words(done), words(missing))
    }

    /// Whether all of the plan is in, by this attempt.
    fn has_all(&self, plan: &Plan, attempt: Attempt) -> bool {
        let mut units = plan.units.iter().enumerate();
        units.all(|(index, unit)| self.own.has_all_of(attempt, index, unit))
    }

    /// V2 and V3: only our own marks, progress and rows count.
    fn verdict(&self, plan: &Plan, attempt: Attempt) -> Verdict {
        let is_nothing = self.own.is_nothing() && self.open.is_empty();
        if self.row.is_none() && is_nothing {
            return if self.untouched {
                Verdict::Before
            } else {
                Verdict::Unknown
            };
        }
        if is_nothing {
            Verdict::Before
        } else if self.open.is_empty() && self.has_all(plan, attempt) {
            Verdict::After
        } else {
            Verdict::Between
        }
    }

    fn findings(&self, plan: &Plan) -> Vec<Finding> {
        let open = self.open.iter().map(|unit| Finding {
            kind: FindingKind::UnitOpen,
            message: unit.describe(),
        });
        let moved = (!self.others.is_empty()).then(|| Finding {
            kind: FindingKind::HistoryMoved,
            message: format!("somebody else wrote to {}: {}", plan.history, self.others.join(", ")),
        });
        let rows = self.own.rows.iter().filter(|row| !row.is_there);
        let rows = rows.map(|row| (&row.script, row.rank));
        let changes = self.own.changes.iter().filter(|change| !change.is_there);
        let changes = changes.filter_map(|change| Some((&change.script, change.rank?)));
        let taken = rows.chain(changes).map(|(script, rank)| Finding {
            kind: FindingKind::HistoryMoved,
            message: format!(
                "{script} (rank {rank}) was committed by this run, and its row is not in the history any more"
            ),
        });
        let after_error = self.own.changes.iter().filter(|change| !change.is_planned());
        let after_error = after_error.map(|change| Finding {
            kind: FindingKind::Note,
            message: change.told.clone().unwrap_or_else(|| {
                format!(
                    "the error callback {} ran after the rollback and was committed: what it did stays",
                    change.script
                )
            }),
        });
        open.chain(moved).chain(taken).chain(after_error).collect()
    }
}

/// M3 and V4: whether the assertions hold now, and whether they held before the last COMMIT.
async fn assertions(
    session: &Session,
    input: VerifyInput<'_>,
    verdict: Verdict,
    row: Option<&AttemptRow>,
    findings: &mut Vec<Finding>,
) -> Result<AssertionState, EngineError> {
    let VerifyInput {
        bundle,
        plan,
        placeholders,
        ..
    } = input;
    if plan.assertions.is_empty() {
        return Ok(AssertionState::None);
    }
    if verdict != Verdict::After {
        return Ok(AssertionState::NotRun);
    }
    let passed_before = row.is_some_and(|row| row.assertions_passed);
    let Some(bundle) = bundle else {
        let message = "the bundle is gone, so the assertions of verify/ were not asked after the COMMIT".to_owned();
        findings.push(Finding {
            kind: FindingKind::Note,
            message,
        });
        return Ok(if passed_before {
            AssertionState::Passed
        } else {
            AssertionState::NotRun
        });
    };
    let scripts: Vec<_> = plan
        .assertions
        .iter()
        .map(|a| script(bundle, plan, placeholders, &a.path))
        .collect::<Result<_, _>>()?;
    session.run("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let asked = assertion::run(session.client(), &scripts, placeholders).await;
    session.rollback().await?;
    match asked {
        Ok(()) => Ok(AssertionState::Passed),
        Err(EngineError::Failed(failure)) => {
            findings.push(Finding {
                kind: FindingKind::Assertion,
                message: failure.to_string(),
            });
            Ok(if passed_before {
                AssertionState::FailedLater
            } else {
                AssertionState::Failed
            })
        }
        Err(error) => Err(error),
    }
}

/// What this run changed, and what changed besides.
fn schema_findings(observed: &Observed, now: Option<&Schema>, verdict: Verdict) -> Vec<Finding> {
    let Some(now) = now else {
        let message = "the schema could not be read to tell what changed: somebody holds a lock on it".to_owned();
        return vec![Finding {
            kind: FindingKind::Note,
            message,
        }];
    };
    let Observed {
        planned,
        started,
        ended,
    } = observed;
    let between = |from: &Option<Schema>, to: Option<&Schema>| match (from, to) {
        (Some(from), Some(to)) => from.difference(to),
        _ => Vec::new(),
    };
    let (ours, others) = match (verdict, ended) {
        (Verdict::Before, _) => (Vec::new(), between(planned, Some(now))),
        (_, Some(ended)) if started.is_some() => {
            let mut others = between(planned, started.as_ref());
            others.extend(ended.difference(now));
            (between(started, Some(ended)), others)
        }
        // Who changed what can't be told apart.
        _ => (between(planned, Some(now)), Vec::new()),
    };
    let tell = |kind: FindingKind, what: &str, objects: Vec<String>| {
        (!objects.is_empty()).then(|| Finding {
            kind,
            message: format!("{what}: {}", shown(&objects)),
        })
    };
    tell(FindingKind::Changed, "changed in the schema", ours)
        .into_iter()
        .chain(tell(
            FindingKind::ChangedByOthers,
            "changed in the schema by somebody else during the run",
            others,
        ))
        .collect()
}

/// A list that a mail can hold.
fn shown(objects: &[String]) -> String {
    const MOST: usize = 40;
    let listed = objects.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match objects.len().checked_sub(MOST) {
        Some(more) if more > 0 => format!("{listed}, and {more} more"),
        _ => listed,
    }
}
