//! Flyway's `errorOverrides`: what a message of the server is taken for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One rule, `STATE:CODE:BEHAVIOR`: what messages with this SQLSTATE and error code are taken for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ErrorOverride {
    /// The five characters of an SQLSTATE. Absent: any.
    state: Option<String>,
    /// The vendor's number. Absent: any. PostgreSQL's is always 0.
    code: Option<i32>,
    /// What they are taken for.
    pub severity: MessageSeverity,
    /// How much of them is told.
    pub shown: MessageShown,
}

/// What a message is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageSeverity {
    /// `D`
    Debug,
    /// `I`
    Info,
    /// `W`
    Warning,
    /// `E`
    Error,
}

/// How much of a message is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageShown {
    /// Text and SQLSTATE.
    All,
    /// `-`: the text alone.
    Text,
    /// `+`: the SQLSTATE alone.
    State,
}

/// A text that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no error override: it must be STATE:CODE:BEHAVIOR, such as 42P07:0:W; STATE is the five characters of an \
     SQLSTATE or *, CODE is 0 (PostgreSQL has no other) or *, BEHAVIOR is D, I, W or E, or one of them with - or + behind it"
)]
pub struct ParseErrorOverrideError(String);

impl ErrorOverride {
    /// The first of the rules that is about this SQLSTATE of PostgreSQL.
    #[must_use]
    pub fn find<'r>(rules: &'r [Self], state: &str) -> Option<&'r Self> {
        let is_about = |rule: &&Self| {
            rule.state.as_deref().is_none_or(|of_rule| of_rule == state) && matches!(rule.code, None | Some(0))
        };
        rules.iter().find(is_about)
    }
}

impl FromStr for ErrorOverride {
    type Err = ParseErrorOverrideError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseErrorOverrideError(text.chars().take(80).collect());
        let mut parts = text.split(':').map(str::trim);
        let (Some(state), Some(code), Some(behavior), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let is_state = state.len() == 5 && state.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_state && state != "*" {
            return Err(wrong());
        }
        let code = match code {
            "*" => None,
            number => Some(number.parse().map_err(|_| wrong())?),
        };
        let severity = match behavior.trim_end_matches(['-', '+']) {
            "D" => MessageSeverity::Debug,
            "I" => MessageSeverity::Info,
            "W" => MessageSeverity::Warning,
            "E" => MessageSeverity::Error,
            _ => return Err(wrong()),
        };
        let shown = match behavior.get(1..) {
            Some("") => MessageShown::All,
            Some("-") => MessageShown::Text,
            Some("+") => MessageShown::State,
            _ => return Err(wrong()),
        };
        Ok(Self {
            state: is_state.then(|| state.to_ascii_uppercase()),
            code,
            severity,
            shown,
        })
    }
}

/// As it is parsed.
impl fmt::Display for ErrorOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.state.as_deref().unwrap_or("*"))?;
        match self.code {
            Some(code) => write!(f, "{code}:")?,
            None => f.write_str("*:")?,
        }
        f.write_str(match self.severity {
            MessageSeverity::Debug => "D",
            MessageSeverity::Info => "I",
            MessageSeverity::Warning => "W",
            MessageSeverity::Error => "E",
        })?;
        f.write_str(match self.shown {
            MessageShown::All => "",
            MessageShown::Text => "-",
            MessageShown::State => "+",
        })
    }
}

impl TryFrom<String> for ErrorOverride {
    type Error = ParseErrorOverrideError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ErrorOverride> for String {
    fn from(rule: ErrorOverride) -> Self {
        rule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &str) -> Vec<ErrorOverride> {
        texts.split(',').map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn s14_an_error_override_is_a_state_a_code_and_a_behavior() {
        for (text, same) in [
            ("42P07:0:W", "42P07:0:W"),
            ("*:*:E", "*:*:E"),
            (" 42p07 : 0 : I- ", "42P07:0:I-"),
            ("S0001:0:I-", "S0001:0:I-"),
            ("99999:17110:E", "99999:17110:E"),
            ("*:-123:D+", "*:-123:D+"),
            ("00000:*:E-", "00000:*:E-"),
        ] {
            assert_eq!(text.parse::<ErrorOverride>().unwrap().to_string(), same);
        }
        for wrong in [
            "",
            "42P07",
            "42P07:W",
            "42P07:0:",
            "42P07:0:X",
            "42P07:0:w",
            "42P07:0:W--",
            "42P07:0:-",
            "42P07:0:WE",
            "42P07:x:W",
            "42P0:0:W",
            "42P07x:0:W",
            "42-07:0:W",
            "42P07:0:W:x",
            "?:0:W",
        ] {
            assert!(wrong.parse::<ErrorOverride>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn s14_the_first_error_override_about_a_state_counts() {
        let of = |texts: &str, state: &str| ErrorOverride::find(&rules(texts), state).map(ToString::to_string);
        for (texts, state, found) in [
            ("42P07:0:W", "42P07", Some("42P07:0:W")),
            ("42P07:0:W", "42P06", None),
            ("42P07:*:W,*:*:E", "42P06", Some("*:*:E")),
            ("*:0:E,42P07:0:W", "42P07", Some("*:0:E")),
            // PostgreSQL's number is 0.
            ("42P07:7:W,*:123:W", "42P07", None),
        ] {
            assert_eq!(of(texts, state).as_deref(), found, "{texts} {state}");
        }
    }
}
