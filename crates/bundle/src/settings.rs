//! Flyway's own settings in a bundle: `flyway.toml`, else `flyway.conf`.

mod conf;
mod connection;
mod layers;
mod toml;
mod variable;

use std::collections::BTreeMap;

use belay_model::{Code, FlywayKeys, FlywaySettings};
use serde_json::Value;

use crate::rejected::{Flaw, Problems};
use layers::Layers;

/// Where they are; what comes later wins.
const TOML: [&str; 3] = ["conf/flyway.toml", "flyway.toml", "flyway.user.toml"];
const CONF: [&str; 2] = ["conf/flyway.conf", "flyway.conf"];
/// Both of them.
pub(crate) const FLYWAY_SETTINGS: [&str; 5] = [
    "flyway.toml",
    "flyway.conf",
    "flyway.user.toml",
    "conf/flyway.toml",
    "conf/flyway.conf",
];

/// A key as somebody wrote it.
#[derive(Debug, Clone, PartialEq)]
struct Written<'a> {
    /// The path in the bundle.
    file: &'a str,
    /// Counted from 1.
    line: u32,
    /// For which environment; for every one if absent.
    environment: Option<String>,
    /// The name without `flyway.` and without the environment.
    key: String,
    value: Value,
}

/// What one file says, and what is wrong with it.
#[derive(Debug, Default)]
struct Read<'a> {
    written: Vec<Written<'a>>,
    /// Environments that are there, whatever they say.
    environments: Vec<String>,
    flaws: Vec<Flaw>,
    notes: Vec<String>,
}

/// The bundle's own settings with what comes before them. `files` are the texts of those of [`FLYWAY_SETTINGS`] that
/// are there.
pub(crate) fn read(
    files: &BTreeMap<&str, String>,
    above: &FlywayKeys,
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> FlywaySettings {
    let there = |paths: &[&'static str]| {
        let found = paths.iter().filter_map(|path| Some((*path, files.get(path)?.as_str())));
        found.collect::<Vec<_>>()
    };
    let (toml, conf) = (there(&TOML), there(&CONF));
    let mut layers = Layers::new(above, notes);
    for (path, text) in &toml {
        layers.add(path, toml::read(path, text), problems);
    }
    for (path, text) in &conf {
        match toml.first() {
            None => layers.add(path, conf::read(path, text), problems),
            Some((other, _)) => layers.note(format!(
                "`{path}` is not read, as `{other}` is there: Flyway never mixes them"
            )),
        }
    }
    layers.merge(problems)
}

fn invalid(message: impl Into<String>, line: u32) -> Flaw {
    Flaw::new(Code::ConfigInvalid, message).at_line(line)
}
