//! A database of one's own, and the engine's doors with what every test gives them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};

use belay_bundle::{Bundle, Limits};
use belay_engine::{
    Budget, CleanupInput, Connect, EngineError, Given, MigrateInput, Migrated, Observed, OpenGate, Placeholders,
    PlanRequest, Planned, VerifyInput,
};
use belay_local::{Build, Postgres, Settings};
use belay_model::{
    Attempt, Endpoint, FlywayKeys, FlywaySettings, Instance, LockSettings, PlannedAction, RunId, Tls, TransactionMode,
    Verdict, Verified,
};
use tokio::sync::OnceCell;
use tokio_postgres::SimpleQueryMessage;

static SERVER: OnceCell<Postgres> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(1);

async fn start() -> Postgres {
    let build = match std::env::var("BELAY_TEST_POSTGRES").as_deref() {
        Ok("16") => Build::V16,
        _ => Build::V18,
    };
    Postgres::start(Settings {
        build,
        ..Settings::default()
    })
    .await
    .unwrap()
}

/// A database of one's own, and what a run on it is given.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) postgres: &'static Postgres,
    pub(crate) database: String,
    pub(crate) connect: Connect,
    pub(crate) flyway: FlywaySettings,
    pub(crate) transaction: TransactionMode,
    pub(crate) placeholders: BTreeMap<String, Given>,
    pub(crate) instance: Option<Instance>,
    pub(crate) budget: Budget,
    pub(crate) attempt: Attempt,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::on(SERVER.get_or_init(start).await).await
    }

    /// On a server that nobody else uses; it ends with the tests.
    pub(crate) async fn alone() -> Self {
        Self::on(Box::leak(Box::new(start().await))).await
    }

    /// Another database on the same server.
    pub(crate) async fn beside(&self) -> Self {
        Self::on(self.postgres).await
    }

    async fn on(postgres: &'static Postgres) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let database = format!("d{number}");
        postgres.create_database(&database, postgres.migrator()).await.unwrap();
        let world = Self {
            postgres,
            connect: Connect {
                endpoint: Endpoint {
                    host: "127.0.0.1".to_owned(),
                    port: postgres.port(),
                    database: database.clone(),
                },
                user: postgres.migrator().name().to_owned(),
                password: postgres.migrator().password().to_owned(),
                tls: Tls::Off,
                set_role: None,
                run: RunId::of_execution(&database),
                locks: LockSettings {
                    lock_timeout_ms: 300,
                    budget_s: 20,
                },
            },
            database,
            flyway: FlywaySettings::default(),
            transaction: TransactionMode::Auto,
            placeholders: BTreeMap::new(),
            instance: None,
            budget: Budget::UNLIMITED,
            attempt: Attempt::FIRST,
        };
        // As on RDS since PostgreSQL 15: only who is granted it creates in public.
        world.sql("GRANT ALL ON SCHEMA public TO migrator").await;
        world
    }

    /// The same database, as another run.
    pub(crate) fn run(&self, name: &str) -> Self {
        let run = RunId::of_execution(&format!("{} {name}", self.database));
        Self {
            connect: Connect {
                run,
                ..self.connect.clone()
            },
            ..self.clone()
        }
    }

    /// What a superuser sees: the rows of the last statement, columns joined by `|`.
    pub(crate) async fn sql(&self, sql: &str) -> Vec<String> {
        let client = self
            .postgres
            .connect(self.postgres.superuser(), &self.database)
            .await
            .unwrap();
        let messages = client
            .simple_query(sql)
            .await
            .unwrap_or_else(|e| panic!("{e:?}: {sql}"));
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|i| row.get(i).unwrap_or("null"))
                    .collect::<Vec<_>>()
                    .join("|"),
            ),
            _ => None,
        };
        messages.iter().filter_map(row).collect()
    }

    /// One value.
    pub(crate) async fn value(&self, sql: &str) -> String {
        self.sql(sql).await.join("\n")
    }

    pub(crate) async fn has(&self, relation: &str) -> bool {
        self.value(&format!("SELECT to_regclass('{relation}') IS NOT NULL"))
            .await
            == "t"
    }

    /// Waits until a condition holds in the database.
    pub(crate) async fn wait_for(&self, condition: &str) {
        let give_up = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while self.value(&format!("SELECT ({condition})")).await != "t" {
            assert!(tokio::time::Instant::now() < give_up, "never true: {condition}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// The bundle with this world's settings over its own.
    pub(crate) fn opened(&self, bundle: &Bundle) -> Bundle {
        let above = FlywayKeys::from(&self.flyway);
        let above = if self.flyway == FlywaySettings::default() {
            FlywayKeys::default()
        } else {
            above
        };
        Bundle::from_zip(bundle.zip().to_vec(), &Limits::default(), &above).unwrap_or_else(|e| panic!("{e}"))
    }

    pub(crate) async fn plan(&self, bundle: &Bundle) -> Result<Planned, EngineError> {
        let request = PlanRequest {
            action: PlannedAction::Migrate,
            transaction: self.transaction,
            placeholders: &self.placeholders,
            instance: self.instance.as_ref(),
        };
        belay_engine::plan(&self.connect, &self.opened(bundle), &request).await
    }

    pub(crate) fn values(&self, planned: &Planned) -> Placeholders {
        let secret = |given: &Given| match given {
            Given::Secret { at, value } => Some((at.clone(), value.clone())),
            Given::Value(_) => None,
        };
        let secrets: HashMap<_, _> = self.placeholders.values().filter_map(secret).collect();
        Placeholders::of_plan(&planned.plan, &secrets).unwrap()
    }

    pub(crate) async fn migrate(&self, bundle: &Bundle, planned: &Planned) -> Result<Migrated, EngineError> {
        belay_engine::migrate(MigrateInput {
            connect: &self.connect,
            bundle,
            plan: &planned.plan,
            placeholders: &self.values(planned),
            attempt: self.attempt,
            budget: self.budget,
            gate: &OpenGate,
        })
        .await
    }

    pub(crate) async fn cleanup(&self, planned: &Planned) -> Result<Vec<String>, EngineError> {
        belay_engine::cleanup(CleanupInput {
            connect: &self.connect,
            plan: &planned.plan,
            budget: self.budget,
            gate: &OpenGate,
        })
        .await
    }

    pub(crate) async fn verify(&self, bundle: &Bundle, planned: &Planned, migrated: Option<&Migrated>) -> Verified {
        let observed = Observed {
            planned: planned.before.clone(),
            started: migrated.and_then(|m| m.started.clone()),
            ended: migrated.and_then(|m| m.ended.clone()),
        };
        belay_engine::verify(VerifyInput {
            connect: &self.connect,
            bundle: Some(bundle),
            plan: &planned.plan,
            placeholders: &self.values(planned),
            run: &self.connect.run,
            attempt: self.attempt,
            restored: false,
            observed: &observed,
        })
        .await
        .unwrap()
    }

    /// Plan, migrate, verify.
    pub(crate) async fn ship(&self, files: &[(&str, &str)]) -> Ran {
        let bundle = self.opened(&bundle(files));
        let planned = self.plan(&bundle).await.unwrap_or_else(|e| panic!("{}", e.failure()));
        let migrated = self.migrate(&bundle, &planned).await;
        let verified = self.verify(&bundle, &planned, migrated.as_ref().ok()).await;
        Ran {
            migrated,
            verified,
            planned,
        }
    }

    /// Ships what must go in.
    pub(crate) async fn shipped(&self, files: &[(&str, &str)]) -> Ran {
        let ran = self.ship(files).await;
        assert_eq!(ran.verified.verdict, Verdict::After, "{ran:?}");
        ran.migrated.as_ref().unwrap();
        ran
    }
}

/// A run, whole.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) planned: Planned,
    pub(crate) migrated: Result<Migrated, EngineError>,
    pub(crate) verified: Verified,
}

impl Ran {
    /// What stopped Migrate, for people.
    pub(crate) fn failure(&self) -> String {
        self.migrated
            .as_ref()
            .map_or_else(|error| error.failure().to_string(), |_| "nothing".to_owned())
    }

    /// The verdict and what stopped Migrate, by its code.
    pub(crate) fn told(&self) -> String {
        let code = self
            .migrated
            .as_ref()
            .map_or_else(|e| e.failure().code.to_string(), |m| format!("{:?}", m.status));
        format!("{} {code}", self.verified.verdict)
    }
}

/// A bundle of these files.
pub(crate) fn bundle(files: &[(&str, &str)]) -> Bundle {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Bundle::from_folder(folder.path(), &Limits::default(), &FlywayKeys::default()).unwrap_or_else(|e| panic!("{e:?}"))
}

/// The codes of what keeps a plan from being made.
pub(crate) fn codes(planned: Result<Planned, EngineError>) -> Vec<String> {
    match planned {
        Ok(_) => Vec::new(),
        Err(EngineError::Rejected(problems)) => problems.iter().map(|problem| problem.code.to_string()).collect(),
        Err(error) => vec![error.failure().code.to_string()],
    }
}
