//! `belay migrate` beside psql and the real Flyway, each as a program that is started, does it and ends: many small
//! migrations, and then nothing to do; on this machine, and over a line as long as one to a server elsewhere.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use belay_local::{Error, Postgres, Result, Settings, checkout, psql};
use tempfile::TempDir;

use super::median;
use super::process::{Spent, spent};
use super::wire::Wire;
use crate::interop::{Belay, compile, java, login};
use crate::up::say;

/// To the server and back, as within a region.
const ROUND_TRIP: Duration = Duration::from_micros(2_500);

/// A cell is not measured again once it took so long altogether.
const ENOUGH: f64 = 60.0;

/// As `scripts/setup flyway` installs it.
const FLYWAYS: [&str; 2] = ["13.12.0", "9.22.3"];

/// Who is measured.
enum Runner {
    /// Its own way to run files in one transaction; it keeps no history, so it never has nothing to do.
    Psql,
    /// With these options.
    Belay(&'static [&'static str]),
    /// With our few lines of Java, compiled.
    Flyway(&'static str, TempDir),
}

/// The migrations, as each wants them.
struct Work {
    bundle: TempDir,
    script: PathBuf,
    belay: Belay,
    postgres: Postgres,
    runs: usize,
}

/// A row of the table on one line: medians.
struct Row {
    migrate: f64,
    megabytes: f64,
    turns: u64,
    /// Seconds and turns.
    nothing: Option<(f64, u64)>,
}

/// Measures with so many migrations and tells.
pub(super) async fn bench(profile: &str, migrations: usize, runs: usize) -> Result<()> {
    build(profile)?;
    let work = Work::new(profile, migrations, runs).await?;
    let mut runners = vec![
        ("psql -1", Runner::Psql),
        ("belay, one transaction", Runner::Belay(&["--transaction=all"])),
        ("belay", Runner::Belay(&[])),
    ];
    for (title, version) in ["Flyway 13.12.0", "Flyway 9.22.3"].into_iter().zip(FLYWAYS) {
        match compile(version) {
            Ok(classes) => runners.push((title, Runner::Flyway(version, classes))),
            Err(error) => say(format_args!("{title} is not measured: {error}")),
        }
    }
    for (line, delay) in [("loopback", Duration::ZERO), ("2.5 ms of round trip", ROUND_TRIP / 2)] {
        say(format_args!(
            "\n{:34} {:>10} {:>9} {:>8} {:>10} {:>13} {:>8}",
            format!("{migrations} migrations, {line}"),
            "migrate",
            "x psql -1",
            "waits",
            "peak",
            "nothing to do",
            "waits"
        ));
        let mut reference = None;
        for (title, runner) in &runners {
            let row = work.row(runner, delay).await?;
            let psql = *reference.get_or_insert(row.migrate);
            say(format_args!("{title:34} {}", row.text(psql)));
        }
    }
    say(format_args!(
        "\nEach from the start of its program to its end, medians of up to {runs} runs, each on a new database. Peak: of \
         the client. Waits: how often it asked the server and waited, once logged in.\n\
         psql keeps no history. Flyway has each migration in a transaction of its own, as `belay` with so many."
    ));
    Ok(())
}

impl Row {
    fn text(&self, psql: f64) -> String {
        let (nothing, waits) = self.nothing.map_or_else(
            || ("-".to_owned(), "-".to_owned()),
            |(seconds, turns)| (format!("{seconds:.3} s"), turns.to_string()),
        );
        format!(
            "{:>8.2} s {:>8.2}x {:>8} {:>7.0} MB {nothing:>13} {waits:>8}",
            self.migrate,
            self.migrate / psql,
            self.turns,
            self.megabytes,
        )
    }
}

impl Work {
    async fn new(profile: &str, migrations: usize, runs: usize) -> Result<Self> {
        let bundle = tempfile::tempdir().map_err(failed)?;
        let folder = bundle.path().join("migrations");
        std::fs::create_dir(&folder).map_err(failed)?;
        let mut all = String::new();
        for n in 1..=migrations {
            let sql = format!("CREATE TABLE t_{n} (id bigint PRIMARY KEY, name text NOT NULL);\n");
            std::fs::write(folder.join(format!("V{n}__bench.sql")), &sql).map_err(failed)?;
            all.push_str(&sql);
        }
        let script = bundle.path().join("all.txt");
        std::fs::write(&script, all).map_err(failed)?;
        // Room for the locks of a transaction with so many tables.
        let more = vec![("max_locks_per_transaction".to_owned(), "512".to_owned())];
        let settings = Settings {
            more,
            ..Settings::default()
        };
        Ok(Self {
            bundle,
            script,
            belay: Belay::of(profile)?,
            postgres: Postgres::start(settings).await?,
            runs,
        })
    }

    async fn row(&self, runner: &Runner, delay: Duration) -> Result<Row> {
        let (mut migrate, mut nothing, mut megabytes, mut turns, mut idle) = (Vec::new(), Vec::new(), 0.0_f64, 0, 0);
        for _ in 0..self.runs {
            let wire = Wire::open(self.postgres.port(), delay).map_err(failed)?;
            let database = self.new_database().await?;
            let first = self.run(runner, &wire, &database)?;
            turns = wire.turns();
            megabytes = megabytes.max(first.megabytes);
            migrate.push(first.seconds);
            if !matches!(runner, Runner::Psql) {
                nothing.push(self.run(runner, &wire, &database)?.seconds);
                idle = wire.turns();
            }
            if migrate.iter().sum::<f64>() > ENOUGH {
                break;
            }
        }
        Ok(Row {
            migrate: median(migrate),
            megabytes,
            turns,
            nothing: Some((median(nothing), idle)).filter(|(seconds, _)| seconds.is_finite()),
        })
    }

    async fn new_database(&self) -> Result<String> {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let database = format!("beside_{number}");
        self.postgres
            .create_database(&database, self.postgres.migrator())
            .await?;
        Ok(database)
    }

    fn run(&self, runner: &Runner, wire: &Wire, database: &str) -> Result<Spent> {
        let port = wire.port();
        match runner {
            Runner::Psql => {
                let role = self.postgres.migrator();
                let mut command = Command::new(psql()?);
                command.arg(format!("postgres://{}@127.0.0.1:{port}/{database}", role.name()));
                command.env("PGPASSWORD", role.password());
                command
                    .args(["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f"])
                    .arg(&self.script);
                spent(command, "")
            }
            Runner::Belay(options) => {
                let mut command = self.belay.command("migrate", &self.postgres, port, database);
                command.arg("--bundle").arg(self.bundle.path()).args(*options);
                spent(command, "")
            }
            Runner::Flyway(version, classes) => self.flyway(version, classes, port, database),
        }
    }

    fn flyway(&self, version: &str, classes: &TempDir, port: u16, database: &str) -> Result<Spent> {
        let settings = classes.path().join("flyway.conf");
        let migrations = self.bundle.path().join("migrations");
        let text = format!(
            "{}flyway.locations=filesystem:{}\n",
            login(&self.postgres, port, database),
            migrations.display()
        );
        std::fs::write(&settings, text).map_err(failed)?;
        let command = java(version, classes.path());
        let ran = spent(command, &format!("migrate\t{}\n", settings.display()))?;
        // It ends well whatever it answered.
        if !ran.output.starts_with("migrated\t") {
            return Err(Error::Program {
                program: format!("Flyway {version}"),
                status: std::process::ExitStatus::default(),
                output: ran.output,
            });
        }
        Ok(ran)
    }
}

/// `belay` itself; in the profile `local` the script has built it.
fn build(profile: &str) -> Result<()> {
    if profile == "local" {
        return Ok(());
    }
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--locked", "--profile", profile, "--package", "belay-cli"]);
    let status = command
        .current_dir(checkout())
        .status()
        .map_err(|source| Error::Spawn {
            program: "cargo".to_owned(),
            source,
        })?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Program {
        program: "cargo".to_owned(),
        status,
        output: "see above".to_owned(),
    })
}

fn failed(source: std::io::Error) -> Error {
    Error::File {
        doing: "prepare the measuring in",
        path: std::env::temp_dir(),
        source,
    }
}
