//! Which entry is what: by its path alone.

use std::collections::{BTreeSet, HashMap};

use belay_model::{Code, Event, FlywaySettings, MigrationKind, Version};

use crate::file_name::{self, FileName, Naming};
use crate::location::{BELAY_TOML, Locations, VERIFY, is_hidden, last};
use crate::rejected::{Flaw, Problems, show};
use crate::rename;
use crate::settings::FLYWAY_SETTINGS;
use crate::unused;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// A migration.
    Migration {
        kind: MigrationKind,
        version: Option<Version>,
        description: String,
        /// The path relative to the location.
        script: String,
    },
    /// A callback.
    Callback {
        event: Event,
        description: String,
        /// The path relative to the location.
        script: String,
    },
    /// The settings of the migration or callback at this path.
    ScriptConfig(String),
    /// A file of `verify/`.
    Assertion,
    /// Our own settings.
    BelayToml,
    /// Flyway's settings, which were read before.
    FlywaySettings,
    /// Anything else.
    Ignored,
    /// Told as a problem.
    Refused,
}

/// What there is to know before a path says what it is.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    settings: &'a FlywaySettings,
    naming: Naming<'a>,
    migrations: Locations,
    callbacks: Locations,
    all: BTreeSet<&'a str>,
}

/// The role of each path, in order. `complete`: whether these are all files of the bundle.
pub(crate) fn roles(
    paths: &[&str],
    complete: bool,
    settings: &FlywaySettings,
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Vec<Role> {
    let mut found = |locations: Result<Locations, Vec<Flaw>>| {
        locations.unwrap_or_else(|flaws| {
            flaws.into_iter().for_each(|flaw| problems.of_bundle(flaw));
            Locations::None
        })
    };
    let layout = Layout {
        settings,
        naming: Naming::new(settings),
        migrations: found(Locations::of_migrations(paths, complete, settings, notes)),
        callbacks: found(Locations::of_callbacks(paths, settings, notes)),
        all: paths.iter().copied().collect(),
    };
    let mut taken = Taken::default();
    let mut with_flaws = |path| {
        layout
            .role(path, notes)
            .and_then(|role| taken.by(path, role))
            .unwrap_or_else(|flaw| {
                problems.of_entry(path, flaw);
                Role::Refused
            })
    };
    paths.iter().map(|path| with_flaws(path)).collect()
}

/// What there may be one of only.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Unique {
    Version(MigrationKind, Version),
    Repeatable(String),
    Callback(String),
}

/// Versions, descriptions and names of callbacks, with the paths that have them.
#[derive(Default)]
struct Taken<'a>(HashMap<Unique, &'a str>);

impl<'a> Taken<'a> {
    /// The role, if no earlier path has its version, description or name.
    fn by(&mut self, path: &'a str, role: Role) -> Result<Role, Flaw> {
        let (code, what, unique) = match &role {
            Role::Migration {
                kind,
                version: Some(version),
                ..
            } => {
                let unique = Unique::Version(*kind, version.clone());
                (Code::DuplicateVersion, format!("version {version}"), unique)
            }
            Role::Migration { description, .. } => {
                let unique = Unique::Repeatable(description.clone());
                (
                    Code::DuplicateRepeatable,
                    format!("description `{description}`"),
                    unique,
                )
            }
            Role::Callback { script, .. } => {
                let name = last(script).to_owned();
                (
                    Code::DuplicateName,
                    format!("name, `{}`", show(&name)),
                    Unique::Callback(name),
                )
            }
            _ => return Ok(role),
        };
        match self.0.get(&unique) {
            Some(other) => Err(Flaw::new(code, format!("`{}` has the same {what}", show(other)))),
            None => {
                self.0.insert(unique, path);
                Ok(role)
            }
        }
    }
}

impl Layout<'_> {
    fn role(&self, path: &str, notes: &mut Vec<String>) -> Result<Role, Flaw> {
        if path == BELAY_TOML {
            return Ok(Role::BelayToml);
        }
        if FLYWAY_SETTINGS.contains(&path) {
            return Ok(Role::FlywaySettings);
        }
        if is_hidden(path) {
            return Ok(Role::Ignored);
        }
        if path.starts_with(VERIFY) {
            return Ok(match file_name::sql_stem(last(path)) {
                Some(_) => Role::Assertion,
                None => Role::Ignored,
            });
        }
        if let Some(script) = self.migrations.script(path) {
            return self.in_location(path, script, notes);
        }
        if let Some(script) = self.callbacks.script(path) {
            return self.in_callback_location(path, script, notes);
        }
        if !matches!(self.migrations, Locations::None) && is_lost_assertion(path) {
            return Err(Flaw::new(
                Code::Misnamed,
                "assertions are read from `verify/` at the root of the bundle only; move it there",
            ));
        }
        Ok(Role::Ignored)
    }

    fn in_location(&self, path: &str, script: &str, notes: &mut Vec<String>) -> Result<Role, Flaw> {
        if let Some(config) = self.config_of(path) {
            return config;
        }
        match self.naming.read(last(path)) {
            FileName::Migration {
                kind,
                version,
                description,
            } => Ok(Role::Migration {
                kind,
                version,
                description,
                script: script.to_owned(),
            }),
            FileName::Callback { event, description } => {
                let script = self.callbacks_script(path, script);
                Ok(self.callback(path, script, event, description, notes))
            }
            FileName::Unsupported(kind) => Err(Flaw::new(Code::Unsupported, kind.message())),
            FileName::Misnamed(_) if !self.settings.validate_migration_naming => {
                notes.push(format!("`{}` is not run: it is not named as a migration", show(path)));
                Ok(Role::Ignored)
            }
            FileName::Misnamed(why) => Err(Flaw::new(
                Code::Misnamed,
                format!("{why}; {}", rename::advice(last(path), &self.naming)),
            )),
            FileName::Other => Ok(Role::Ignored),
        }
    }

    /// Flyway takes nothing but callbacks from there.
    fn in_callback_location(&self, path: &str, script: &str, notes: &mut Vec<String>) -> Result<Role, Flaw> {
        if let Some(config) = self.config_of(path) {
            return config;
        }
        match self.naming.read(last(path)) {
            FileName::Callback { event, description } => {
                Ok(self.callback(path, Some(script), event, description, notes))
            }
            FileName::Unsupported(kind) => Err(Flaw::new(Code::Unsupported, kind.message())),
            FileName::Migration { .. } | FileName::Misnamed(_) => {
                notes.push(format!("`{}` is not run: it is no callback", show(path)));
                Ok(Role::Ignored)
            }
            FileName::Other => Ok(Role::Ignored),
        }
    }

    /// The script of a callback that lies in a location of migrations: none, if callbacks are elsewhere.
    fn callbacks_script<'p>(&self, path: &'p str, script: &'p str) -> Option<&'p str> {
        match &self.callbacks {
            Locations::None => Some(script),
            elsewhere => elsewhere.script(path),
        }
    }

    fn callback(
        &self,
        path: &str,
        script: Option<&str>,
        event: Event,
        description: String,
        notes: &mut Vec<String>,
    ) -> Role {
        let why = match script {
            None => Some("callbacks are read from `callbackLocations` only"),
            Some(_) if self.settings.skip_default_callbacks => Some("`skipDefaultCallbacks` is set"),
            Some(_) => unused::why(event),
        };
        match (script, why) {
            (Some(script), None) => Role::Callback {
                event,
                description,
                script: script.to_owned(),
            },
            (_, why) => {
                notes.push(format!("`{}` is not run: {}", show(path), why.unwrap_or_default()));
                Role::Ignored
            }
        }
    }

    /// The role of `<script>.conf`.
    fn config_of(&self, path: &str) -> Option<Result<Role, Flaw>> {
        let of = path.strip_suffix(".conf")?;
        self.naming.stem(of)?;
        Some(match self.all.contains(of) {
            true => Ok(Role::ScriptConfig(of.to_owned())),
            false => Err(Flaw::new(
                Code::ConfigInvalid,
                format!("the settings of a script that is not there: `{}`", last(of)),
            )),
        })
    }
}

/// `db/verify/x.sql`, `Verify/x.sql`: whoever wrote it relies on it.
fn is_lost_assertion(path: &str) -> bool {
    let mut folders = path.split('/').rev().skip(1);
    file_name::sql_stem(path).is_some() && folders.any(|folder| folder.eq_ignore_ascii_case("verify"))
}
