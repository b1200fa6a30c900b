//! A workbench: one server for all tests, a database for each, bundles made of a few lines, and the binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use belay_local::{Aws, Emulator, Postgres, RunningEmulator, Settings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_postgres::Client;

/// Ends with the process, however that comes.
static SERVER: OnceCell<Postgres> = OnceCell::const_new();

pub(crate) async fn server() -> &'static Postgres {
    SERVER
        .get_or_init(async || Postgres::start(Settings::default()).await.unwrap())
        .await
}

/// Ends with the process, too.
static EMULATOR: OnceCell<RunningEmulator> = OnceCell::const_new();

/// The emulator's AWS, by clients of the caller's own runtime.
pub(crate) async fn aws() -> Aws {
    let emulator = EMULATOR
        .get_or_init(async || Emulator::default().start().await.unwrap())
        .await;
    Aws::at(&emulator.endpoint())
}

/// A database of a test's own, and a folder for its bundle.
pub(crate) struct Bench {
    pub(crate) database: String,
    pub(crate) folder: TempDir,
}

/// What the binary said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let database = format!("shop_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let server = server().await;
        server.create_database(&database, server.migrator()).await.unwrap();
        Self {
            database,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes files of the bundle; a path's text replaces what it had.
    pub(crate) fn files(&self, files: &[(&str, &str)]) -> &Self {
        for (path, text) in files {
            let path = self.bundle().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self
    }

    /// Lays folders of the example over what is in the bundle.
    pub(crate) fn shop(&self, layers: &[&str]) -> &Self {
        for layer in layers {
            copy(&Path::new("../../examples/shop").join(layer), &self.bundle());
        }
        self
    }

    /// Nothing but these folders of the example.
    pub(crate) fn only(&self, layers: &[&str]) -> &Self {
        fs::remove_dir_all(self.bundle()).unwrap();
        self.shop(layers)
    }

    pub(crate) fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.bundle().join(path)).unwrap();
        self
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle")
    }

    pub(crate) fn url(&self) -> String {
        let server = SERVER.get().unwrap();
        format!("{}?sslmode=disable", server.url(server.migrator(), &self.database))
    }

    /// A command on this database, with this bundle if the command takes one.
    pub(crate) fn command(&self, command: &str, options: &[&str]) -> Command {
        let mut line = belay();
        line.args([command, "--url", &self.url()]);
        if command != "keep" {
            line.arg("--bundle").arg(self.bundle());
        }
        line.args(options);
        line
    }

    /// Runs a command on this database.
    pub(crate) fn belay(&self, command: &str, options: &[&str]) -> Said {
        let said = Said::of(&self.command(command, options).output().unwrap());
        let password = SERVER.get().unwrap().migrator().password();
        assert!(!said.out.contains(password) && !said.err.contains(password), "{said:?}");
        said
    }

    /// A session of the migrator's.
    pub(crate) async fn client(&self) -> Client {
        let server = server().await;
        server.connect(server.migrator(), &self.database).await.unwrap()
    }

    /// The schema and the rows of the example, as far as a release could change them.
    pub(crate) async fn state(&self) -> String {
        self.look(
            "SELECT jsonb_build_array(
                 (SELECT jsonb_agg(c.oid::regclass::text || c.relkind::text ORDER BY c.oid) FROM pg_class c
                  WHERE relnamespace = 'public'::regnamespace),
                 (SELECT sum(hashtext(p::text)) FROM products p), (SELECT count(*) FROM gift_cards),
                 (SELECT count(*) FROM flyway_schema_history))",
        )
        .await
    }

    /// The first column of the first row, as text.
    pub(crate) async fn look(&self, sql: &str) -> String {
        let sql = format!("SELECT ({sql})::text");
        self.client()
            .await
            .query_one(&sql, &[])
            .await
            .unwrap()
            .get::<_, Option<String>>(0)
            .unwrap_or("NULL".into())
    }
}

impl Said {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// All of it, for a golden file.
    pub(crate) fn text(&self) -> String {
        format!(
            "exit code {}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.out, self.err
        )
    }
}

/// The binary, without anything of this machine's own settings.
pub(crate) fn belay() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_belay"));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/nonexistent");
    command
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
