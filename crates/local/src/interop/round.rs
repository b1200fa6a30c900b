//! One set with one version of Flyway.

use std::sync::atomic::{AtomicU32, Ordering};

use belay_local::{Postgres, Result};
use tempfile::TempDir;

use super::belay::Belay;
use super::flyway::Flyway;
use super::look::{Look, difference};
use super::set::Set;
use super::tool::{Answer, Ask, Job, Tool};

/// What is compared, in order.
pub(super) const STEPS: [&str; 3] = ["each alone", "Flyway, then Belay", "Belay, then Flyway"];

/// A step that was done.
pub(super) struct Told {
    pub(super) step: &'static str,
    pub(super) migrations: usize,
    pub(super) differences: Vec<String>,
}

/// What is compared with what.
pub(super) struct Round<'a> {
    pub(super) set: &'a Set,
    pub(super) postgres: &'a Postgres,
    pub(super) belay: &'a Belay,
    pub(super) flyway: &'a Flyway,
}

/// A database that one or two tools have brought to the set's end.
struct Brought {
    look: Option<Look>,
    /// The last tool's name and `info`.
    last: (String, Vec<String>),
    migrations: usize,
    differences: Vec<String>,
}

impl Round<'_> {
    /// Every step.
    pub(super) async fn run(&self) -> Result<Vec<Told>> {
        if self.set.steps.is_empty() {
            self.halves().await
        } else {
            self.story().await
        }
    }

    /// Each migrates, and continues what the other began.
    async fn halves(&self) -> Result<Vec<Told>> {
        let (flyway, belay): (&dyn Tool, &dyn Tool) = (self.flyway, self.belay);
        let whole = self.set.stage()?;
        let by_flyway = self.bring(&[(flyway, &whole)], belay).await?;
        let by_belay = self.bring(&[(belay, &whole)], flyway).await?;
        let scripts = by_flyway
            .look
            .as_ref()
            .map(|look| look.scripts.clone())
            .unwrap_or_default();
        if scripts.is_empty() && !self.set.has_first() {
            return Ok(not_begun(&by_flyway, by_belay));
        }
        let first = self.set.stage_first(&scripts)?;
        let flyway_then_belay = self.bring(&[(flyway, &first), (belay, &whole)], flyway).await?;
        let belay_then_flyway = self.bring(&[(belay, &first), (flyway, &whole)], belay).await?;
        // With a beginning of its own the history is another one than at once.
        let reference = if self.set.has_first() {
            Some(self.bring(&[(flyway, &first), (flyway, &whole)], belay).await?)
        } else {
            None
        };
        let alone = told(STEPS[0], &by_flyway, by_belay);
        let continued = reference.as_ref().unwrap_or(&by_flyway);
        let mut all = vec![
            alone,
            told(STEPS[1], continued, flyway_then_belay),
            told(STEPS[2], continued, belay_then_flyway),
        ];
        // Flyway's own are told once.
        for (step, own) in all.iter_mut().zip([Some(&by_flyway), reference.as_ref()]) {
            let own = own.map(|own| own.differences.clone()).unwrap_or_default();
            step.differences.splice(0..0, own);
        }
        Ok(all)
    }

    /// Brings a new database there by one tool after the other; then `witness` must find nothing to do and agree.
    async fn bring(&self, steps: &[(&dyn Tool, &TempDir)], witness: &dyn Tool) -> Result<Brought> {
        let database = new_database(self.postgres).await?;
        let mut brought = Brought {
            look: None,
            last: (String::new(), Vec::new()),
            migrations: 0,
            differences: Vec::new(),
        };
        for (tool, files) in steps {
            match self.ask(*tool, files, &database)? {
                Ok(answer) => {
                    brought.migrations += answer.migrated;
                    brought.last = (tool.name(), answer.lines);
                }
                Err(wrong) => {
                    brought.differences.push(format!("{} fails: {wrong}", tool.name()));
                    return Ok(brought);
                }
            }
        }
        let look = Look::at(self.postgres, &database, &self.set.settings).await?;
        if let Some((_, files)) = steps.last() {
            brought
                .differences
                .extend(self.witness(witness, files, &database, &brought.last)?);
        }
        brought.look = Some(look);
        Ok(brought)
    }

    fn witness(
        &self,
        tool: &dyn Tool,
        files: &TempDir,
        database: &str,
        last: &(String, Vec<String>),
    ) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        let name = tool.name();
        match self.ask(tool, files, database)? {
            Err(text) => wrong.push(format!("{name} does not accept what {} has left: {text}", last.0)),
            Ok(answer) => {
                if answer.migrated != 0 {
                    wrong.push(format!("{name} ran {} more after {}", answer.migrated, last.0));
                }
                wrong.extend(difference("info", (&last.0, &last.1), (&name, &answer.lines)));
            }
        }
        Ok(wrong)
    }

    /// `migrate`, then `validate`, which must be content, then `info`.
    fn ask(&self, tool: &dyn Tool, files: &TempDir, database: &str) -> Result<Result<Answer, String>> {
        let job = Job {
            postgres: self.postgres,
            database,
            bundle: files.path(),
            settings: &self.set.settings,
        };
        let [migrated, valid, info] = [Ask::Migrate, Ask::Validate, Ask::Info].map(|ask| tool.ask(ask, &job));
        Ok(match (migrated?, valid?, info?) {
            (Err(wrong), ..) | (_, Err(wrong), _) | (.., Err(wrong)) => Err(wrong),
            (_, Ok(problems), _) if !problems.lines.is_empty() => Err(problems.lines.join("; ")),
            (Ok(Answer { migrated, .. }), _, Ok(Answer { lines, .. })) => Ok(Answer { migrated, lines }),
        })
    }
}

/// An empty database of a new name.
pub(super) async fn new_database(postgres: &Postgres) -> Result<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let database = format!("interop_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    postgres.create_database(&database, postgres.migrator()).await?;
    Ok(database)
}

/// Without Flyway's own result there is no half that could be continued.
fn not_begun(by_flyway: &Brought, by_belay: Brought) -> Vec<Told> {
    let mut alone = told(STEPS[0], by_flyway, by_belay);
    alone.differences.splice(0..0, by_flyway.differences.clone());
    let skipped = STEPS.into_iter().skip(1).map(|step| Told {
        step,
        migrations: 0,
        differences: vec!["not tried, since Flyway alone applied nothing".to_owned()],
    });
    std::iter::once(alone).chain(skipped).collect()
}

/// A step's differences: what the tools themselves said, and how the two databases differ.
fn told(step: &'static str, reference: &Brought, other: Brought) -> Told {
    let mut differences = other.differences;
    if let (Some(left), Some(right)) = (&reference.look, &other.look) {
        differences.extend(left.differences("Flyway's", right, "the other"));
    }
    if reference.migrations != other.migrations {
        differences.push(format!("{} migrations, not {}", other.migrations, reference.migrations));
    }
    Told {
        step,
        migrations: other.migrations,
        differences,
    }
}
