//! A set with steps: Flyway alone does them, then Belay alone, then each in turn. After each step the databases and what
//! both tools say of them must be the same.

use belay_local::Result;
use tempfile::TempDir;

use super::look::{Look, difference};
use super::round::{Round, Told, new_database};
use super::set::write_settings;
use super::settings::Settings;
use super::step::Step;
use super::tool::{Answer, Ask, Job, Tool};

/// Who does the steps, in the order of the columns; the first column is Belay alone, and what is wrong with Flyway's.
const CASTS: [&str; 3] = ["each alone", "Flyway, then Belay", "Belay, then Flyway"];

/// What Belay's `validate` tells besides, as `migrate` would refuse it: Flyway has that only from `migrate` itself.
const BEFORE_FILES: [&str; 3] = [
    "NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE",
    "CONFIGURATION",
    "ERROR",
];

/// What became of the steps.
#[derive(Default)]
struct Played {
    /// After each step that asked for something.
    looks: Vec<Option<Look>>,
    migrations: usize,
    differences: Vec<String>,
}

/// A database while the steps are done.
struct Scene<'a> {
    round: &'a Round<'a>,
    database: String,
    bundle: TempDir,
    settings: Settings,
    turns: [&'a dyn Tool; 2],
}

impl Round<'_> {
    /// Every cast.
    pub(super) async fn story(&self) -> Result<Vec<Told>> {
        let (flyway, belay): (&dyn Tool, &dyn Tool) = (self.flyway, self.belay);
        let reference = self.play([flyway, flyway], None).await?;
        let mut all = Vec::new();
        for (step, turns) in CASTS
            .into_iter()
            .zip([[belay, belay], [flyway, belay], [belay, flyway]])
        {
            let played = self.play(turns, Some(&reference)).await?;
            all.push(Told {
                step,
                migrations: played.migrations,
                differences: played.differences,
            });
        }
        // Flyway's own are told once.
        if let Some(alone) = all.first_mut() {
            alone.differences.splice(0..0, reference.differences);
        }
        Ok(all)
    }

    async fn play(&self, turns: [&dyn Tool; 2], reference: Option<&Played>) -> Result<Played> {
        let mut scene = Scene {
            round: self,
            database: new_database(self.postgres).await?,
            bundle: self.set.stage()?,
            settings: self.set.settings.clone(),
            turns,
        };
        let mut played = Played::default();
        for (number, step) in self.set.steps.iter().enumerate() {
            let begun = played.differences.len();
            scene.step(step, reference, &mut played).await?;
            for told in played.differences.iter_mut().skip(begun) {
                *told = format!("step {} ({step:?}): {told}", number + 1);
            }
        }
        Ok(played)
    }
}

impl Scene<'_> {
    async fn step(&mut self, step: &Step, reference: Option<&Played>, played: &mut Played) -> Result<()> {
        match step {
            Step::Files(folder) => self.bundle = self.staged(folder)?,
            Step::Set(line) => {
                self.settings.flyway.push_str(&format!("\nflyway.{line}\n"));
                write_settings(self.bundle.path(), &self.settings)?;
            }
            Step::Sql(file) => self.sql(file, played).await?,
            Step::Belay(ask) => {
                // Flyway's own database stays as it is, so there is nothing to compare with.
                if let Some(_paid) = reference {
                    self.ask(self.round.belay, *ask, false, played)?;
                    self.opinions(played)?;
                }
                played.looks.push(None);
            }
            Step::Ask { ask, fails } => {
                let [tool, _] = self.turns;
                self.turns.rotate_left(1);
                self.ask(tool, *ask, *fails, played)?;
                self.compare(reference, played).await?;
                self.opinions(played)?;
            }
        }
        Ok(())
    }

    /// The set's folder as a bundle, with the settings as they are now.
    fn staged(&self, folder: &str) -> Result<TempDir> {
        let bundle = self.round.set.stage_folder(folder)?;
        write_settings(bundle.path(), &self.settings)?;
        Ok(bundle)
    }

    async fn sql(&self, file: &str, played: &mut Played) -> Result<()> {
        let sql = self.round.set.text(file)?;
        let postgres = self.round.postgres;
        let client = postgres.connect(postgres.migrator(), &self.database).await?;
        // It finds something else than it expects where a step before it went wrong.
        if let Err(error) = client.batch_execute(&sql).await {
            let why = error
                .as_db_error()
                .map_or_else(|| error.to_string(), ToString::to_string);
            played.differences.push(why);
        }
        Ok(())
    }

    fn job(&self) -> Job<'_> {
        Job {
            postgres: self.round.postgres,
            database: &self.database,
            bundle: self.bundle.path(),
            settings: &self.settings,
        }
    }

    fn ask(&self, tool: &dyn Tool, ask: Ask, fails: bool, played: &mut Played) -> Result<()> {
        match tool.ask(ask, &self.job())? {
            Ok(answer) if fails => {
                let name = tool.name();
                played.differences.push(format!("{name} did it: {answer:?}"));
            }
            Ok(answer) => played.migrations += answer.migrated,
            Err(_) if fails => {}
            Err(why) => played.differences.push(format!("{} fails: {why}", tool.name())),
        }
        Ok(())
    }

    /// With what Flyway alone made of the same step.
    async fn compare(&self, reference: Option<&Played>, played: &mut Played) -> Result<()> {
        let look = Look::at(self.round.postgres, &self.database, &self.settings).await?;
        let flyways = reference.and_then(|reference| reference.looks.get(played.looks.len()));
        if let Some(Some(flyways)) = flyways {
            let differences = flyways.differences("Flyway's", &look, "this");
            played.differences.extend(differences);
        }
        played.looks.push(Some(look));
        Ok(())
    }

    /// What each tool says of the database: `info`, and `validate` with the code of every problem. Where Flyway refuses to
    /// look there is nothing to compare with.
    fn opinions(&self, played: &mut Played) -> Result<()> {
        let [flyway, belay]: [&dyn Tool; 2] = [self.round.flyway, self.round.belay];
        for ask in [Ask::Info, Ask::Validate] {
            let [Ok(left), right] = [self.opinion(flyway, ask)?, self.opinion(belay, ask)?] else {
                continue;
            };
            // Flyway's validate stops there; ours goes on to what is pending.
            if left == ["SCHEMA_DOES_NOT_EXIST"] && right.as_ref().is_ok_and(|right| !right.is_empty()) {
                continue;
            }
            let right = right.unwrap_or_else(|why| vec![format!("fails: {why}")]);
            let told = difference(ask.word(), (&flyway.name(), &left), (&belay.name(), &right));
            played.differences.extend(told);
        }
        Ok(())
    }

    /// Its lines; of `validate` the codes by name, as each lists problems in an order of its own.
    fn opinion(&self, tool: &dyn Tool, ask: Ask) -> Result<Result<Vec<String>, String>> {
        let mut lines = match tool.ask(ask, &self.job())? {
            Ok(Answer { lines, .. }) => lines,
            Err(why) => return Ok(Err(why)),
        };
        if ask == Ask::Validate {
            let codes = lines.iter().filter_map(|line| line.rsplit('\t').next());
            lines = codes
                .filter(|code| !BEFORE_FILES.contains(code))
                .map(str::to_owned)
                .collect();
            lines.sort();
        }
        Ok(Ok(lines))
    }
}
