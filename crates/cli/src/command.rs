//! The commands, one file each.

pub(crate) mod bundle;
pub(crate) mod info;
pub(crate) mod keep;
pub(crate) mod migrate;
pub(crate) mod plan;
pub(crate) mod unlock;
pub(crate) mod validate;

use belay_bundle::Bundle;
use belay_engine::Connect;

use crate::arguments::ReadOptions;
use crate::error::CliError;
use crate::request::{Request, connect};
use crate::screen::Screen;
use crate::source;

/// What every command that looks at a bundle and a database needs.
pub(crate) struct Prepared {
    pub(crate) bundle: Bundle,
    pub(crate) request: Request,
    pub(crate) connect: Connect,
    pub(crate) screen: Screen,
}

impl Prepared {
    /// Options first, as they cost nothing; then the bundle. The database is not opened.
    pub(crate) fn new(options: &ReadOptions, screen: Screen) -> Result<Self, CliError> {
        let request = Request::of(&options.settings)?;
        let connect = connect(&options.login)?;
        let bundle = source::open(&options.bundle)?;
        Ok(Self {
            bundle,
            request,
            connect,
            screen,
        })
    }

    /// Where the database is, for people: without the password.
    pub(crate) fn place(&self) -> String {
        let endpoint = &self.connect.endpoint;
        format!(
            "{} on {}:{} as {}",
            endpoint.database, endpoint.host, endpoint.port, self.connect.user
        )
    }
}
