//! An instance: what a snapshot and a restore replace, with every database on it. The platform team owns its policy.

use serde::{Deserialize, Serialize};

use crate::{Attempt, InstanceName, RunId, SnapshotName, TargetName};

/// What the SSM parameter `/<stack>/instances/<identifier>` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// What it is in RDS; the name is that of the parameter.
    pub rds: Rds,
    /// When a snapshot is taken.
    #[serde(default)]
    pub snapshot: SnapshotPolicy,
    /// How long Belay's own snapshots are kept.
    #[serde(default)]
    pub retention: Retention,
    /// Whether a failed run is undone by restoring the snapshot.
    #[serde(default)]
    pub restore: RestorePolicy,
    /// Who is kept out.
    #[serde(default)]
    pub quiesce: Quiesce,
}

/// What an instance is in RDS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rds {
    /// A DB instance.
    Instance(InstanceName),
    /// A DB cluster. Not supported yet: Check refuses it.
    Cluster(InstanceName),
}

/// When a snapshot is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotPolicy {
    /// Before each attempt that has something to change.
    #[default]
    Always,
    /// Never; then nothing can be restored either.
    Never,
}

/// How long Belay's own snapshots are kept. One is deleted only if it is beyond both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// So many of the newest are kept.
    pub count: u32,
    /// Those that are younger than so many days are kept.
    pub days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { count: 10, days: 30 }
    }
}

/// Whether a failed run is undone by restoring the snapshot, which loses what others wrote since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestorePolicy {
    /// A person decides; the action `restore` does it.
    #[default]
    Never,
    /// If nobody else could write since before the snapshot: `quiesce.roles` are kept out for the whole run (Q2).
    IfLossless,
    /// Others' writes may be lost. `quiesce.roles` are kept out only while the databases are swapped (Q3).
    Always,
}

/// Who is kept out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quiesce {
    /// Roles that get NOLOGIN and whose sessions are ended.
    pub roles: Vec<String>,
}

impl Instance {
    /// The identifier of the instance or cluster.
    #[must_use]
    pub fn name(&self) -> &InstanceName {
        match &self.rds {
            Rds::Instance(name) | Rds::Cluster(name) => name,
        }
    }
}

/// The longest identifier that RDS takes for an instance.
const INSTANCE_LENGTH: usize = 63;

impl InstanceName {
    /// Where a run's restore is built, beside the live database.
    #[must_use]
    pub fn beside(&self, run: &RunId) -> Self {
        self.with("-belay-", run)
    }

    /// Where the failed database of a run is kept after the swap.
    #[must_use]
    pub fn failed(&self, run: &RunId) -> Self {
        self.with("-failed-", run)
    }

    /// The name, cut so that word and run fit behind it.
    fn with(&self, word: &str, run: &RunId) -> Self {
        let room = INSTANCE_LENGTH.saturating_sub(word.len() + run.as_str().len());
        let kept: String = self.as_str().chars().take(room).collect();
        Self::joined(format!("{}{word}{run}", kept.trim_end_matches('-')))
    }
}

impl SnapshotName {
    /// The snapshot that an attempt of a run takes.
    #[must_use]
    pub fn of(target: &TargetName, run: &RunId, attempt: Attempt) -> Self {
        let mut words = target.as_str().split('-').filter(|word| !word.is_empty());
        let target = words.next().map_or_else(String::new, |first| {
            words.fold(first.to_owned(), |joined, word| format!("{joined}-{word}"))
        });
        Self::joined(format!("belay-{target}-{run}-{attempt}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RunId {
        RunId::of_execution("arn:x")
    }

    #[test]
    fn the_identifier_is_enough() {
        let instance: Instance = serde_json::from_str(r#"{"rds": {"instance": "shop-db"}}"#).unwrap();
        assert_eq!(instance.name().as_str(), "shop-db");
        assert_eq!(instance.snapshot, SnapshotPolicy::Always);
        assert_eq!(instance.restore, RestorePolicy::Never);
        assert_eq!(instance.retention, Retention { count: 10, days: 30 });
    }

    #[test]
    fn an_unknown_key_is_an_error_anywhere() {
        for wrong in [
            r#"{}"#,
            r#"{"rds": {"db": "x"}}"#,
            r#"{"rds": {"instance": "x"}, "restor": "always"}"#,
            r#"{"rds": {"instance": "x"}, "restore": "sometimes"}"#,
            r#"{"rds": {"instance": "x"}, "retention": {"weeks": 1}}"#,
            r#"{"rds": {"instance": "x"}, "quiesce": {"users": []}}"#,
        ] {
            assert!(serde_json::from_str::<Instance>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_derived_from_a_name_is_a_name() {
        for name in ["db", "shop-db", &"d".repeat(63), &format!("{}-b", "d".repeat(43))] {
            let name: InstanceName = name.parse().unwrap();
            for derived in [name.beside(&run()), name.failed(&run())] {
                assert_eq!(derived.as_str().parse(), Ok(derived.clone()));
                assert!(derived.as_str().ends_with(run().as_str()));
            }
        }
        for target in ["shop", "a--b-", "s-----------"] {
            let snapshot = SnapshotName::of(&target.parse().unwrap(), &run(), Attempt(2));
            assert_eq!(snapshot.as_str().parse(), Ok(snapshot.clone()));
        }
    }
}
