//! A PostgreSQL server of one's own, with the roles that a database on RDS has.

mod backup;
mod certificate;
mod role;
mod session;
mod settings;

use std::ffi::OsString;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::sleep;
use tokio_postgres::Client;

pub(crate) use self::backup::Backup;
pub use self::certificate::Certificate;
pub use self::role::Role;
pub(crate) use self::role::quote;
pub(crate) use self::session::connect;
pub use self::settings::{Build, Settings};
use crate::error::{Error, Result, file};
use crate::supervise::{Plan, Server};
use crate::{place, program, tools};

/// How long a server may take to accept connections; a recovery after [`Postgres::kill`] included.
const READY: Duration = Duration::from_secs(60);

/// A server on a loopback port. Dropping it stops it and removes its data, and so does the end of this process,
/// however that comes.
#[derive(Debug)]
pub struct Postgres {
    settings: Settings,
    programs: PathBuf,
    port: u16,
    superuser: Role,
    migrator: Role,
    app: Role,
    server: Option<Server>,
    folder: TempDir,
}

impl Postgres {
    /// Makes an empty server and starts it. About a second.
    ///
    /// It has three roles with random passwords: see [`superuser`](Self::superuser), [`migrator`](Self::migrator) and
    /// [`app`](Self::app).
    ///
    /// # Errors
    /// The build is not installed, or the server does not start.
    pub async fn start(settings: Settings) -> Result<Self> {
        let (folder, home) = tools::postgres(settings.build)?;
        let programs = place::readable(folder)?.join(home).join("bin");
        let folder = place::new_folder("belay-postgres-")?;
        place::let_pass(folder.path())?;
        let [superuser, migrator, app] = ["postgres", "migrator", "app"].map(Role::new);
        let mut postgres = Self {
            settings,
            programs,
            port: 0,
            superuser,
            migrator,
            app,
            server: None,
            folder,
        };
        postgres.initialise()?;
        postgres.run_on_some_port().await?;
        postgres.create_roles().await?;
        Ok(postgres)
    }

    /// The port on 127.0.0.1; it stays the same when the server goes down and up.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who may do everything. On RDS nobody of ours has this role: tests look with it, Belay never runs as it.
    pub fn superuser(&self) -> &Role {
        &self.superuser
    }

    /// Who migrates: like RDS's master user, may create databases and roles, and is no superuser.
    pub fn migrator(&self) -> &Role {
        &self.migrator
    }

    /// Who an application would be: may log in, and no more.
    pub fn app(&self) -> &Role {
        &self.app
    }

    /// A connection URL; it holds the password.
    pub fn url(&self, role: &Role, database: &str) -> String {
        format!(
            "postgres://{}:{}@127.0.0.1:{}/{database}",
            role.name(),
            role.password(),
            self.port
        )
    }

    /// An empty database that `owner` owns.
    ///
    /// # Errors
    /// There is one of that name, or the server is down.
    pub async fn create_database(&self, name: &str, owner: &Role) -> Result<()> {
        let client = self.connect(&self.superuser, "postgres").await?;
        let sql = format!(
            "CREATE DATABASE {} OWNER {}",
            role::quote(name),
            role::quote(owner.name())
        );
        client.batch_execute(&sql).await.map_err(refused(&sql))
    }

    /// A session without TLS. It ends when the client is dropped.
    ///
    /// # Errors
    /// The server is down, or refuses.
    pub async fn connect(&self, role: &Role, database: &str) -> Result<Client> {
        connect(self.port, role, database).await
    }

    /// Shuts the server down as an administrator would: sessions are ended, what they did not commit is rolled back.
    /// It stays down until [`up`](Self::up).
    pub fn down(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }

    /// Kills every process of the server at once, as a power failure would. It stays down until [`up`](Self::up).
    pub fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill();
        }
    }

    /// Starts the server again, on the same port and data. Nothing happens if it is up.
    ///
    /// # Errors
    /// It does not start.
    pub async fn up(&mut self) -> Result<()> {
        if self.server.is_none() {
            self.run().await?;
        }
        Ok(())
    }

    /// The process group of the server's first process; 0 while it is down.
    pub fn process_group(&self) -> u32 {
        self.server.as_ref().map_or(0, Server::process_group)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn pid_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    fn initialise(&self) -> Result<()> {
        let (data, password) = (self.data(), self.folder.path().join("password"));
        place::private_folder(&data)?;
        fs::write(&password, self.superuser.password()).map_err(file("write", &password))?;
        place::give(&password)?;
        let mut line = place::unprivileged(&self.programs.join("initdb"));
        line.extend(
            [
                "--no-sync",
                "--encoding=UTF8",
                "--no-locale",
                "--auth=scram-sha-256",
                "--username",
            ]
            .map(Into::into),
        );
        line.extend([
            self.superuser.name().into(),
            option("--pwfile=", &password),
            option("--pgdata=", &data),
        ]);
        program::run(Command::new(&line[0]).args(&line[1..]).current_dir(self.folder.path()))?;
        fs::remove_file(&password).map_err(file("remove", &password))?;
        self.settings.install_certificate(&data)
    }

    /// A port can be taken between the look and the start, so a failure is tried again with another.
    async fn run_on_some_port(&mut self) -> Result<()> {
        let mut tries = 5;
        loop {
            self.port = free_port();
            tries -= 1;
            match self.run().await {
                Err(Error::NotStarted { log, .. }) if tries > 0 && log.contains("Address already in use") => {}
                other => return other,
            }
        }
    }

    async fn run(&mut self) -> Result<()> {
        // One that a killed server left would still call it ready.
        if let Err(source) = fs::remove_file(self.pid_file())
            && source.kind() != ErrorKind::NotFound
        {
            return Err(file("remove", self.pid_file())(source));
        }
        let mut command = place::unprivileged(&self.programs.join("postgres"));
        command.extend(["-D".into(), self.data().into_os_string()]);
        for (name, value) in self.settings.all(self.port) {
            command.extend(["-c".into(), format!("{name}={value}").into()]);
        }
        let environment = vec![
            ("PATH".into(), "/usr/bin:/bin:/usr/sbin:/sbin".into()),
            ("LANG".into(), "C".into()),
        ];
        let plan = Plan {
            command,
            environment,
            folder: self.folder.path(),
            stop: "INT",
        };
        let server = Server::start(&plan)?;
        self.server = Some(self.wait_until_ready(server).await?);
        Ok(())
    }

    /// The server itself says when it is ready, in the last line of its pid file (`pg_ctl` looks there too).
    async fn wait_until_ready(&self, mut server: Server) -> Result<Server> {
        let (pid_file, start) = (self.pid_file(), Instant::now());
        loop {
            let status = fs::read_to_string(&pid_file).unwrap_or_default();
            if status.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(server);
            }
            let ended = server.has_ended();
            if ended || start.elapsed() > READY {
                let reason = if ended {
                    "it ended".to_owned()
                } else {
                    format!("not ready in {} s", READY.as_secs())
                };
                let error = server.not_started("PostgreSQL", reason);
                server.kill();
                return Err(error);
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn create_roles(&self) -> Result<()> {
        let client = self.connect(&self.superuser, "postgres").await?;
        for (role, may) in [
            (&self.migrator, "NOSUPERUSER CREATEDB CREATEROLE"),
            (&self.app, "NOSUPERUSER"),
        ] {
            let sql = format!(
                "CREATE ROLE {} LOGIN {may} PASSWORD '{}'",
                role::quote(role.name()),
                role.password()
            );
            client
                .batch_execute(&sql)
                .await
                .map_err(refused(&format!("create role {}", role.name())))?;
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The server first: it still writes to the folder.
        self.server = None;
    }
}

/// A port that is free now. Not one that the kernel hands out to clients: the server must find it free again after it
/// was down.
fn free_port() -> u16 {
    let random = RandomState::new();
    (0..1000)
        .map(|number: u32| 20_000 + (random.hash_one(number) % 10_000) as u16)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap_or(5432)
}

fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(value);
    option
}

pub(crate) fn refused(doing: &str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    let doing = doing.to_owned();
    move |source| Error::Sql { doing, source }
}
