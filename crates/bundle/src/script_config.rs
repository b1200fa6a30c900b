//! The settings of one script, from the `.conf` file beside it.

use belay_model::{Code, Encoding};

use crate::properties::{self, Property};
use crate::rejected::{Flaw, show};

/// What `<script>.conf` says of its script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScriptConfig {
    /// `executeInTransaction`: whether it may run in a transaction of ours. Absent: by what it holds.
    pub execute_in_transaction: Option<bool>,
    /// `placeholderReplacement`: whether `${name}` is replaced in it. Absent: as the settings say.
    pub placeholder_replacement: Option<bool>,
    /// `shouldExecute`, as it was written: [`crate::should_execute`] says whether it holds, once its placeholders are
    /// replaced. Absent: it runs.
    pub should_execute: Option<String>,
    /// `encoding`: how it is to be read. Absent: as the settings say.
    pub encoding: Option<Encoding>,
}

const IN_TRANSACTION: &str = "executeInTransaction";
const REPLACEMENT: &str = "placeholderReplacement";
const ENCODING: &str = "encoding";
const SHOULD_EXECUTE: &str = "shouldExecute";

impl ScriptConfig {
    /// Reads properties. Every one that is wrong is told.
    pub(crate) fn read(text: &str) -> Result<Self, Vec<Flaw>> {
        let mut config = Self::default();
        let mut flaws = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        for property in properties::read(text) {
            let set = match seen.contains(&property.key) {
                true => Err(invalid(format!("`{}` is there twice", show(&property.key)))),
                false => config.set(&property),
            };
            flaws.extend(set.err().map(|flaw| flaw.at_line(property.line)));
            // Of more keys than there are none is right, so that this stays short.
            if seen.len() < 8 {
                seen.push(property.key);
            }
        }
        match flaws.is_empty() {
            true => Ok(config),
            false => Err(flaws),
        }
    }

    fn set(&mut self, property: &Property) -> Result<(), Flaw> {
        let Property { key, value, .. } = property;
        match key.as_str() {
            IN_TRANSACTION => self.execute_in_transaction = Some(switch(key, value)?),
            REPLACEMENT => self.placeholder_replacement = Some(switch(key, value)?),
            SHOULD_EXECUTE if value.is_empty() => {
                return Err(invalid(
                    "`shouldExecute` says nothing; write `true`, `false` or a comparison".to_owned(),
                ));
            }
            SHOULD_EXECUTE => self.should_execute = Some(value.clone()),
            ENCODING => {
                let read = value.parse::<Encoding>();
                self.encoding = Some(read.map_err(|error| Flaw::new(Code::Unsupported, error.to_string()))?);
            }
            unknown => {
                let nearest = nearest(unknown);
                return Err(invalid(format!(
                    "unknown key `{}`; the nearest is `{nearest}`",
                    show(unknown)
                )));
            }
        }
        Ok(())
    }
}

fn invalid(message: String) -> Flaw {
    Flaw::new(Code::ConfigInvalid, message)
}

fn switch(key: &str, value: &str) -> Result<bool, Flaw> {
    match value {
        _ if value.eq_ignore_ascii_case("true") => Ok(true),
        _ if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(invalid(format!("`{key}` must be `true` or `false`"))),
    }
}

fn nearest(unknown: &str) -> &'static str {
    // A key as long as a file would take as long to compare as it is long; what is near is short.
    let unknown: String = unknown.chars().take(64).collect::<String>().to_ascii_lowercase();
    let distance = |key: &&str| strsim::levenshtein(&key.to_ascii_lowercase(), &unknown);
    [REPLACEMENT, ENCODING, SHOULD_EXECUTE]
        .into_iter()
        .fold(IN_TRANSACTION, |best, key| match distance(&key) < distance(&best) {
            true => key,
            false => best,
        })
}
