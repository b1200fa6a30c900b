//! Flyway's events: when a callback runs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! events {
    ($($variant:ident = $name:literal,)*) => {
        /// One of Flyway's events. A file `<event>[__<description>].sql` is a callback.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Event {
            $(
                #[doc = concat!("`", $name, "`")]
                #[serde(rename = $name)]
                $variant,
            )*
        }

        impl Event {
            /// Every event.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Flyway's name of it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

events! {
    BeforeConnect = "beforeConnect",
    AfterConnect = "afterConnect",
    BeforeCreateSchema = "beforeCreateSchema",
    CreateSchema = "createSchema",
    BeforeMigrate = "beforeMigrate",
    BeforeEachMigrate = "beforeEachMigrate",
    BeforeEachMigrateStatement = "beforeEachMigrateStatement",
    AfterEachMigrateStatement = "afterEachMigrateStatement",
    AfterEachMigrateStatementError = "afterEachMigrateStatementError",
    AfterEachMigrate = "afterEachMigrate",
    AfterEachMigrateError = "afterEachMigrateError",
    AfterVersioned = "afterVersioned",
    BeforeRepeatables = "beforeRepeatables",
    AfterMigrate = "afterMigrate",
    AfterMigrateApplied = "afterMigrateApplied",
    AfterMigrateError = "afterMigrateError",
    AfterMigrateOperationFinish = "afterMigrateOperationFinish",
    BeforeUndo = "beforeUndo",
    BeforeEachUndo = "beforeEachUndo",
    BeforeEachUndoStatement = "beforeEachUndoStatement",
    AfterEachUndoStatement = "afterEachUndoStatement",
    AfterEachUndoStatementError = "afterEachUndoStatementError",
    AfterEachUndo = "afterEachUndo",
    AfterEachUndoError = "afterEachUndoError",
    AfterUndo = "afterUndo",
    AfterUndoError = "afterUndoError",
    AfterUndoOperationFinish = "afterUndoOperationFinish",
    BeforeValidate = "beforeValidate",
    AfterValidate = "afterValidate",
    AfterValidateError = "afterValidateError",
    AfterValidateOperationFinish = "afterValidateOperationFinish",
    BeforeBaseline = "beforeBaseline",
    AfterBaseline = "afterBaseline",
    AfterBaselineError = "afterBaselineError",
    AfterBaselineOperationFinish = "afterBaselineOperationFinish",
    BeforeRepair = "beforeRepair",
    AfterRepair = "afterRepair",
    AfterRepairError = "afterRepairError",
    AfterRepairOperationFinish = "afterRepairOperationFinish",
    BeforeInfo = "beforeInfo",
    AfterInfo = "afterInfo",
    AfterInfoError = "afterInfoError",
    AfterInfoOperationFinish = "afterInfoOperationFinish",
    BeforeClean = "beforeClean",
    AfterClean = "afterClean",
    AfterCleanError = "afterCleanError",
    AfterCleanOperationFinish = "afterCleanOperationFinish",
    BeforeDeploy = "beforeDeploy",
    AfterDeploy = "afterDeploy",
    AfterDeployError = "afterDeployError",
    AfterDeployOperationFinish = "afterDeployOperationFinish",
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no event of Flyway's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an event of Flyway's")]
pub struct ParseEventError(String);

/// As Flyway reads it: with its capitals.
impl FromStr for Event {
    type Err = ParseEventError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|event| event.as_str() == text);
        found.ok_or_else(|| ParseEventError(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s13_serde_and_display_agree() {
        for event in Event::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
            assert_eq!(event.as_str().parse(), Ok(*event));
        }
        for wrong in ["", "beforemigrate", "beforeMigrat", "BEFOREMIGRATE"] {
            assert!(wrong.parse::<Event>().is_err(), "{wrong:?}");
        }
    }
}
