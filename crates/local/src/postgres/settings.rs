//! What kind of server.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::certificate::Certificate;
use crate::error::{Result, file};
use crate::place;

/// Which PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Build {
    /// 18, with pgvector and no contrib, without TLS. The default.
    #[default]
    V18,
    /// 16, else as [`V18`](Self::V18).
    V16,
    /// 18 with TLS and contrib; installed by `scripts/setup tls`.
    V18Tls,
}

/// How to start a server.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Which PostgreSQL.
    pub build: Build,
    /// Whether commits reach the disk before they are acknowledged. A test doesn't need it: without, nothing is lost
    /// when processes are killed, only when the machine is.
    pub durable: bool,
    /// For [`Build::V18Tls`]: certificate chain and private key in PEM. Connections without TLS stay possible.
    pub certificate: Option<Certificate>,
    /// More settings, as in `postgresql.conf`. They win.
    pub more: Vec<(String, String)>,
}

impl Settings {
    /// Every setting by name, for a server on `port`.
    pub(super) fn all(&self, port: u16) -> Vec<(String, String)> {
        let port = port.to_string();
        let mut all = vec![
            ("port", port.as_str()),
            ("listen_addresses", "127.0.0.1"),
            // Only by TCP, as on RDS; and a socket's path may not be long.
            ("unix_socket_directories", ""),
            ("max_connections", "200"),
            // As on RDS, and not as the machine happens to be.
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("logging_collector", "off"),
        ];
        if !self.durable {
            // Not synchronous_commit: off, it loses acknowledged commits when the server is killed.
            all.extend([("fsync", "off"), ("full_page_writes", "off")]);
        }
        if self.certificate.is_some() {
            all.push(("ssl", "on"));
        }
        let mut all: Vec<_> = all
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        all.extend(self.more.iter().cloned());
        all
    }

    /// Writes the certificate where the server looks for it.
    pub(super) fn install_certificate(&self, data: &Path) -> Result<()> {
        let Some(Certificate { chain, key, .. }) = &self.certificate else {
            return Ok(());
        };
        for (name, content) in [("server.crt", chain), ("server.key", key)] {
            let path = data.join(name);
            fs::write(&path, content).map_err(file("write", &path))?;
            fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(file("close", &path))?;
            place::give(&path)?;
        }
        Ok(())
    }
}
