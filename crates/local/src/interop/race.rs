//! A Flyway and a Belay that start at the same time on one database: every migration exactly once, and both end well.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use belay_local::{Error, Postgres, Result};
use tempfile::TempDir;

use super::belay::Belay;
use super::flyway::{Flyway, login};
use super::set::in_file;
use super::settings::MIGRATIONS;
use super::tool::{complaint, output};
use crate::up::say;

/// Each says in a table that it ran; the index and the view could not be made twice anyway.
const FILES: [(&str, &str); 5] = [
    (
        "V1__ran.sql",
        "CREATE TABLE ran (what text NOT NULL);\nINSERT INTO ran VALUES ('1');\n",
    ),
    ("V2__more.sql", "INSERT INTO ran VALUES ('2');\n"),
    ("V3__index.sql", "CREATE INDEX CONCURRENTLY ran_what ON ran (what);\n"),
    ("V4__more.sql", "INSERT INTO ran VALUES ('4');\n"),
    (
        "R__view.sql",
        "INSERT INTO ran VALUES ('R');\nCREATE VIEW once AS SELECT what FROM ran;\n",
    ),
];

/// Where it is in `FILES`.
const INDEX: usize = 2;

/// By how much one is let go before the other: in steps, from not at all to longer than either needs.
const STEP: Duration = Duration::from_millis(3);
const STEPS: u32 = 60;

/// How often it is told how far it is.
const TELL: u32 = 50;

/// How many races that went wrong are told in full.
const TOLD: usize = 5;

/// A bundle to race for.
struct Course {
    bundle: TempDir,
    /// Flyway's settings.
    settings: String,
    /// What the table says, when all ran.
    ran: &'static str,
    /// What the history says.
    history: &'static str,
}

/// How one race ended.
struct Ended {
    /// How many migrations each says that it ran: Flyway, Belay.
    migrated: (String, String),
    wrong: Vec<String>,
}

/// As many as `times`, each on a new database. Fails if one of them went wrong.
pub(super) async fn race(postgres: &Postgres, flyways: &[Flyway], belay: &Belay, times: u32) -> Result<ExitCode> {
    let courses = [Course::new(true)?, Course::new(false)?];
    let start = Instant::now();
    let mut ended: BTreeMap<(String, String), u32> = BTreeMap::new();
    let (mut wrong, mut failed) = (Vec::new(), 0);
    let pairs = flyways
        .iter()
        .flat_map(|flyway| courses.iter().map(move |course| (flyway, course)));
    for (number, (flyway, course)) in (0..times).zip(pairs.cycle()) {
        let race = one(postgres, flyway, belay, course, number).await?;
        *ended.entry(race.migrated).or_default() += 1;
        failed += u32::from(!race.wrong.is_empty());
        wrong.extend(race.wrong);
        if (number + 1).is_multiple_of(TELL) {
            say(format_args!("{} races, {failed} went wrong", number + 1));
        }
    }
    for ((by_flyway, by_belay), count) in ended {
        say(format_args!(
            "{count:5} times: Flyway ran {by_flyway}, Belay {by_belay}"
        ));
    }
    for text in wrong.iter().take(TOLD) {
        say(format_args!("\n{text}"));
    }
    let seconds = start.elapsed().as_secs();
    say(format_args!("\n{times} races in {seconds} s, {failed} went wrong"));
    Ok(ExitCode::from(u8::from(times == 0 || failed > 0)))
}

impl Course {
    /// With the index, Flyway must not keep its lock in a transaction: it would wait for itself.
    fn new(with_index: bool) -> Result<Self> {
        let bundle = tempfile::tempdir().map_err(in_file("make a folder in", std::env::temp_dir()))?;
        let folder = bundle.path().join(MIGRATIONS);
        std::fs::create_dir_all(&folder).map_err(in_file("make", &folder))?;
        for (number, (name, sql)) in FILES.iter().enumerate() {
            if with_index || number != INDEX {
                let file = folder.join(name);
                std::fs::write(&file, sql).map_err(in_file("write", file))?;
            }
        }
        let settings = format!(
            "flyway.locations=filesystem:{}\nflyway.postgresql.transactional.lock={}\n",
            folder.display(),
            !with_index
        );
        let history = if with_index {
            "1 V1__ran.sql t, 2 V2__more.sql t, 3 V3__index.sql t, 4 V4__more.sql t, 5 R__view.sql t"
        } else {
            "1 V1__ran.sql t, 2 V2__more.sql t, 3 V4__more.sql t, 4 R__view.sql t"
        };
        Ok(Self {
            bundle,
            settings,
            ran: "1, 2, 4, R",
            history,
        })
    }
}

async fn one(postgres: &Postgres, flyway: &Flyway, belay: &Belay, course: &Course, number: u32) -> Result<Ended> {
    let database = format!("race_{number}");
    postgres.create_database(&database, postgres.migrator()).await?;
    let properties = format!("{}{}", course.settings, login(postgres, postgres.port(), &database));
    let mut command = belay.command("migrate", postgres, postgres.port(), &database);
    command.arg("--bundle").arg(course.bundle.path());
    // Every bundle with every version has either before the other, by every step.
    let (turn, apart) = (number / 4, STEP * (number / 8 % STEPS));
    let pauses = if turn.is_multiple_of(2) {
        (apart, Duration::ZERO)
    } else {
        (Duration::ZERO, apart)
    };
    let (by_flyway, by_belay) = tokio::task::block_in_place(|| {
        thread::scope(|scope| {
            let by_flyway = scope.spawn(|| {
                thread::sleep(pauses.0);
                flyway.command("migrate", &properties)
            });
            thread::sleep(pauses.1);
            let by_belay = output(&mut command);
            (by_flyway.join(), by_belay)
        })
    });
    let mut wrong = Vec::new();
    let by_flyway = by_flyway.map_err(|_| in_file("ask", "java")(std::io::ErrorKind::Other.into()))??;
    let by_flyway = by_flyway.map(|lines| lines.join(" ").replace("migrated\t", ""));
    let by_belay = by_belay?;
    let name = format!("race {number} with Flyway {}", flyway.version());
    let ran = serde_json::from_slice::<serde_json::Value>(&by_belay.stdout);
    let ran = ran
        .map(|value| value["migrationsExecuted"].to_string())
        .unwrap_or_default();
    if !by_belay.status.success() {
        wrong.push(format!(
            "{name}: Belay ended with {}: {}",
            by_belay.status,
            complaint(&by_belay)
        ));
    }
    if let Err(why) = &by_flyway {
        wrong.push(format!("{name}: Flyway failed: {why}"));
    }
    let found = found(postgres, &database).await?;
    if found != (course.ran.to_owned(), course.history.to_owned()) {
        wrong.push(format!("{name}: {found:?}"));
    }
    Ok(Ended {
        migrated: (by_flyway.unwrap_or_else(|_| "failed".to_owned()), ran),
        wrong,
    })
}

/// What ran, and what the history says.
async fn found(postgres: &Postgres, database: &str) -> Result<(String, String)> {
    let refused = |source| Error::Sql {
        doing: format!("look at {database}"),
        source,
    };
    let client = postgres.connect(postgres.superuser(), database).await?;
    let sql = "SELECT (SELECT string_agg(what, ', ' ORDER BY what COLLATE \"C\") FROM ran), \
               (SELECT string_agg(installed_rank || ' ' || script || ' ' || success::text::char(1), ', ' ORDER BY installed_rank) \
               FROM flyway_schema_history)";
    let row = client.query_one(sql, &[]).await.map_err(refused)?;
    Ok((row.try_get(0).map_err(refused)?, row.try_get(1).map_err(refused)?))
}
