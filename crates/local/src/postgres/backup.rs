//! A consistent copy of a server's data, taken while it runs, and servers that begin with it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::{Postgres, Role, Settings, option};
use crate::error::{Result, file};
use crate::{place, program};

/// What was in a server at one moment, its roles and their passwords included. It is kept in that server's folder, and
/// is gone when the server is.
#[derive(Debug)]
pub(crate) struct Backup {
    settings: Settings,
    programs: PathBuf,
    roles: [Role; 3],
    data: TempDir,
}

impl Postgres {
    /// Copies the running server by `pg_basebackup`, which a build with TLS lacks. Some tenths of a second.
    ///
    /// # Errors
    /// The server is down, or the build has no `pg_basebackup`.
    pub(crate) async fn back_up(&self) -> Result<Backup> {
        let base = self.folder.path();
        let data = tempfile::Builder::new()
            .prefix("backup-")
            // PostgreSQL starts on no folder that others may enter.
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(base)
            .map_err(file("make a folder in", base))?;
        place::give(data.path())?;
        let mut line = place::unprivileged(&self.programs.join("pg_basebackup"));
        line.extend(["--checkpoint=fast", "--wal-method=stream", "--no-sync", "--no-manifest"].map(Into::into));
        line.extend(["--no-password", "--host=127.0.0.1"].map(Into::into));
        line.extend([
            format!("--port={}", self.port).into(),
            format!("--username={}", self.superuser.name()).into(),
            option("--pgdata=", data.path()),
        ]);
        let mut copy = Command::new(&line[0]);
        copy.args(&line[1..])
            .current_dir(base)
            .env("PGPASSWORD", self.superuser.password());
        program::run_async(copy).await?;
        Ok(Backup {
            settings: self.settings.clone(),
            programs: self.programs.clone(),
            roles: [&self.superuser, &self.migrator, &self.app].map(Clone::clone),
            data,
        })
    }

    /// Starts another server, on a port of its own, with what is in a backup. The backup stays as it is.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) async fn of_backup(backup: &Backup) -> Result<Self> {
        let folder = place::new_folder("belay-postgres-")?;
        place::let_pass(folder.path())?;
        let [superuser, migrator, app] = backup.roles.clone();
        let mut postgres = Self {
            settings: backup.settings.clone(),
            programs: backup.programs.clone(),
            port: 0,
            superuser,
            migrator,
            app,
            server: None,
            folder,
        };
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(backup.data.path()).arg(postgres.data());
        program::run_async(copy).await?;
        postgres.run_on_some_port().await?;
        Ok(postgres)
    }
}
