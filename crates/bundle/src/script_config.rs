//! The settings of one script, from the `.conf` file beside it.

use belay_model::Code;

use crate::rejected::Flaw;

/// What `<script>.conf` says of its script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScriptConfig {
    /// `executeInTransaction`: whether it may run in a transaction of ours. Absent: by what it holds.
    pub execute_in_transaction: Option<bool>,
    /// `placeholderReplacement`: whether `${name}` is replaced in it. Absent: as the target says.
    pub placeholder_replacement: Option<bool>,
}

const IN_TRANSACTION: &str = "executeInTransaction";
const REPLACEMENT: &str = "placeholderReplacement";
const ENCODING: &str = "encoding";
const SHOULD_EXECUTE: &str = "shouldExecute";

impl ScriptConfig {
    /// Reads lines of `key=value`; `#` and `!` begin comments. Every line that is wrong is told.
    pub(crate) fn read(text: &str) -> Result<Self, Vec<Flaw>> {
        let mut config = Self::default();
        let mut flaws = Vec::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', '!']) {
                continue;
            }
            if let Err(flaw) = config.set(line) {
                flaws.push(flaw.at_line(number));
            }
        }
        match flaws.is_empty() {
            true => Ok(config),
            false => Err(flaws),
        }
    }

    fn set(&mut self, line: &str) -> Result<(), Flaw> {
        let invalid = |message: String| Flaw::new(Code::ConfigInvalid, message);
        let (key, value) = line
            .split_once(['=', ':'])
            .ok_or_else(|| invalid("a line that is not `key=value`".to_owned()))?;
        let (key, value) = (key.trim(), value.trim());
        let slot = match key {
            IN_TRANSACTION => &mut self.execute_in_transaction,
            REPLACEMENT => &mut self.placeholder_replacement,
            ENCODING if value.eq_ignore_ascii_case("utf-8") => return Ok(()),
            ENCODING => {
                return Err(Flaw::new(
                    Code::Unsupported,
                    "an encoding other than UTF-8; save the script as UTF-8",
                ));
            }
            SHOULD_EXECUTE => {
                return Err(Flaw::new(
                    Code::Unsupported,
                    "`shouldExecute`, which Belay does not read yet; leave the script out where it must not run",
                ));
            }
            unknown => {
                let nearest = nearest(unknown);
                return Err(invalid(format!(
                    "unknown key `{}`; the nearest is `{nearest}`",
                    crate::rejected::show(unknown)
                )));
            }
        };
        let value = match value {
            "true" => true,
            "false" => false,
            _ => return Err(invalid(format!("`{key}` must be `true` or `false`"))),
        };
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(invalid(format!("`{key}` is there twice"))),
        }
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
