//! What several files say, laid over each other.

use std::collections::{BTreeMap, BTreeSet};

use belay_model::{FlywayKey, FlywayKeys, FlywaySettings, KeyEffect, KeyShape};

use super::{Read, Written, connection, invalid, variable};
use crate::rejected::{Flaw, Problems, show};

/// What was written where, in the order in which later ones win.
pub(super) struct Layers<'a> {
    above: &'a FlywayKeys,
    written: Vec<Written<'a>>,
    environments: BTreeSet<String>,
    notes: &'a mut Vec<String>,
}

/// What the files come to.
#[derive(Default)]
struct Own {
    keys: FlywayKeys,
    /// Keys whose values are somewhere else, as long as nothing that comes later says them: the file, and what is wrong.
    elsewhere: BTreeMap<String, (String, Flaw)>,
}

/// Keys of an environment that are nowhere else.
const OF_ENVIRONMENTS: [(&str, &str); 3] = [
    ("displayName", "it is Flyway Desktop's"),
    ("provisioner", "it is for a command that Belay does not have"),
    ("resolvers", "secrets come from the target"),
];

const DEFAULT_ENVIRONMENT: &str = "default";

impl<'a> Layers<'a> {
    pub(super) fn new(above: &'a FlywayKeys, notes: &'a mut Vec<String>) -> Self {
        for (key, why) in above.without_effect() {
            notes.push(format!("`flyway.{}` has no effect here: {why}", show(key)));
        }
        Self {
            above,
            written: Vec::new(),
            environments: BTreeSet::new(),
            notes,
        }
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(super) fn add(&mut self, path: &str, read: Read<'a>, problems: &mut Problems) {
        for flaw in read.flaws {
            problems.of_entry(path, flaw);
        }
        self.notes.extend(read.notes);
        self.written.extend(read.written);
        self.environments.extend(read.environments);
    }

    /// All of it, under what comes before it.
    pub(super) fn merge(mut self, problems: &mut Problems) -> FlywaySettings {
        let environment = self.environment(problems);
        let mut written = std::mem::take(&mut self.written);
        for one in &written {
            self.tell_of_secret(one);
        }
        written.retain(|one| one.environment.as_ref().is_none_or(|of| *of == environment));
        // An environment's own come after all others; what Flyway no longer knows adds to what it knows now.
        written.sort_by_key(|one| (is_old(&one.key), one.environment.is_some()));
        let mut own = Own::default();
        let mut schema = None;
        for one in written {
            match one.key.as_str() {
                "url" => schema = self.url(&one).or(schema),
                _ => self.set(&mut own, one, problems),
            }
        }
        for (file, flaw) in own.elsewhere.into_values() {
            problems.of_entry(&file, flaw);
        }
        let both = self.above.over(&own.keys);
        let mut settings = both.settings().unwrap_or_default();
        if settings.default_schema.is_none() && settings.schemas.is_empty() {
            settings.default_schema = schema;
        }
        settings
    }

    /// Which environment is meant: by what comes before the files, else by the files.
    fn environment(&mut self, problems: &mut Problems) -> String {
        let above = self.above.settings().unwrap_or_default().environment;
        let is_choice = |one: &&Written<'_>| one.environment.is_none() && one.key == "environment";
        let own = self.written.iter().rfind(is_choice);
        let chosen = above.clone().or_else(|| Some(own?.value.as_str()?.to_owned()));
        let Some(chosen) = chosen else {
            return DEFAULT_ENVIRONMENT.to_owned();
        };
        let refers = own.is_some_and(|one| above.is_none() && variable::of(&one.value, is_toml(one)).is_some());
        // Without a single one the name is only what `${flyway:environment}` is.
        let is_there = self.environments.is_empty() || self.environments.contains(&chosen);
        if !refers && !is_there && chosen != DEFAULT_ENVIRONMENT {
            let known: Vec<&str> = self.environments.iter().map(String::as_str).collect();
            let message = format!(
                "there is no environment `{}`; there are: {}",
                show(&chosen),
                show(&known.join(", "))
            );
            let of_bundle = self.written.first().map_or("flyway.toml", |one| one.file);
            let (file, line) = own.map_or((of_bundle, 1), |one| (one.file, one.line));
            problems.of_entry(file, invalid(message, line));
        }
        chosen
    }

    fn set(&mut self, own: &mut Own, one: Written<'_>, problems: &mut Problems) {
        let of_environment = OF_ENVIRONMENTS.into_iter().find(|(name, _)| {
            let rest = one.key.strip_prefix(name);
            one.environment.is_some() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        let effect = FlywayKey::find(&one.key).map(|key| key.effect);
        match (of_environment, effect) {
            (Some((_, why)), _) | (None, Some(KeyEffect::Nothing(why))) => self.without_effect(&one, why),
            (None, effect) => {
                if let Some(name) = variable::of(&one.value, is_toml(&one)) {
                    return self.elsewhere(&one, name, effect, own);
                }
                own.elsewhere.remove(&one.key);
                if let Err(error) = own.keys.set(&one.key, one.value) {
                    problems.of_entry(one.file, invalid(show(&error.to_string()), one.line));
                }
            }
        }
    }

    fn without_effect(&mut self, one: &Written<'_>, why: &str) {
        self.note(format!("`{}`: `{}` has no effect here: {why}", one.file, name(one)));
    }

    /// A value that is somewhere else. It is needed here only if nobody says it before, and a placeholder only if a file
    /// has it.
    fn elsewhere(&mut self, one: &Written<'_>, at: &str, effect: Option<KeyEffect>, own: &mut Own) {
        if self.above.has(&one.key) {
            return;
        }
        let (key, at) = (name(one), show(at));
        if effect == Some(KeyEffect::Setting(KeyShape::Map)) {
            self.note(format!(
                "`{}`: `{key}` has no value here, as that is in `{at}`: put it into the target's `placeholders`",
                one.file
            ));
            return;
        }
        let message =
            format!("the value of `{key}` is in `{at}`, which is not here; put it into the target's `flyway`");
        let flaw = (one.file.to_owned(), invalid(message, one.line));
        own.elsewhere.insert(one.key.clone(), flaw);
    }

    fn url(&mut self, one: &Written<'_>) -> Option<String> {
        let (schema, notes) = connection::of_url(&one.value);
        let why = match schema {
            Some(_) => "where the database is and who logs in is the target's; only its `currentSchema` counts",
            None => "where the database is and who logs in is the target's",
        };
        self.without_effect(one, why);
        for note in notes {
            self.note(format!("`{}`: `{}`: {note}", one.file, name(one)));
        }
        schema
    }

    fn tell_of_secret(&mut self, one: &Written<'_>) {
        let is_written = one.value.as_str().is_some_and(|text| !text.is_empty());
        if connection::is_secret(&one.key) && is_written && variable::of(&one.value, is_toml(one)).is_none() {
            self.note(format!("`{}`: `{}`: {}", one.file, name(one), connection::READABLE));
        }
    }
}

fn is_toml(one: &Written<'_>) -> bool {
    one.file.ends_with(".toml")
}

fn is_old(key: &str) -> bool {
    FlywayKey::find(key).is_some_and(|key| matches!(key.effect, KeyEffect::Ignores(_)))
}

/// The key as its reader knows it.
fn name(one: &Written<'_>) -> String {
    match &one.environment {
        None => show(&format!("flyway.{}", one.key)),
        Some(environment) => show(&format!("environments.{environment}.{}", one.key)),
    }
}
