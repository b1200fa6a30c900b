//! What a placeholder looks like.

use serde::{Deserialize, Serialize};

/// What is around a placeholder's name, and what is between `flyway` and the name of one of Flyway's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceholderSyntax {
    /// What it begins with.
    pub prefix: String,
    /// What it ends with.
    pub suffix: String,
    /// What is between `flyway` and the name.
    pub separator: String,
}

impl PlaceholderSyntax {
    /// Whether it is `${flyway:name}`.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Flyway's: `${flyway:name}`.
impl Default for PlaceholderSyntax {
    fn default() -> Self {
        Self {
            prefix: "${".to_owned(),
            suffix: "}".to_owned(),
            separator: ":".to_owned(),
        }
    }
}
