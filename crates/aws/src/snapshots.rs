//! What a provider must do for an instance so that it can be snapshotted, restored beside and swapped.
//!
//! Whoever calls looks at the world and does one due step, again and again. So a change that can't be made now, or that
//! somebody made already, is an [`Answer`] and no error: look again. What is described may be older than what was done.

mod configuration;
#[cfg(feature = "double")]
pub mod conformance;
#[cfg(feature = "double")]
pub mod memory;
mod rds;

use std::collections::BTreeMap;

use belay_model::{InstanceName, SnapshotName};
use jiff::Timestamp;

pub use configuration::{Configuration, Domain, Role, Settings};
pub use rds::Rds;

use crate::AwsError;

/// Tags, by their keys.
pub type Tags = BTreeMap<String, String>;

/// The tag that says which stack made something.
pub const STACK_TAG: &str = "belay:stack";
/// The tag that says for which target something was made.
pub const TARGET_TAG: &str = "belay:target";
/// The tag that says for which run something was made.
pub const RUN_TAG: &str = "belay:run";
/// The tag with the digest of the bundle that something was made for.
pub const BUNDLE_TAG: &str = "belay:bundle";
/// The tag that says of which instance something was made.
pub const INSTANCE_TAG: &str = "belay:instance";
/// The tag of a database that a restore took the place of, with the run that was undone.
pub const FAILED_TAG: &str = "belay:failed-run";
/// The tag that says when a restored instance was given the settings that a restore can't give.
pub const MODIFIED_TAG: &str = "belay:modified";
/// What every tag of Belay begins with.
pub const TAG_PREFIX: &str = "belay:";

/// An instance as it is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name now.
    pub name: InstanceName,
    /// The provider's own name for that very database, which a rename keeps and a restore does not.
    pub resource: String,
    /// How tags are put on it.
    pub arn: String,
    /// What it is doing.
    pub status: Status,
    /// Where it answers; nothing while it has no address.
    pub address: Option<Address>,
    /// Its tags.
    pub tags: Tags,
    /// Settings that were asked for and are not in force yet.
    pub pending: Vec<String>,
    /// Everything that it is set to.
    pub configuration: Configuration,
}

/// Where an instance answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The host's name.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What an instance or a snapshot is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It can be used.
    Available,
    /// It is being created, changed, renamed, …, in the provider's word: wait.
    Changing(String),
    /// It does not get better by waiting, in the provider's word.
    Broken(String),
}

/// A snapshot as it is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its name.
    pub name: SnapshotName,
    /// The provider's own name for the database that it was taken of.
    pub resource: String,
    /// What it is doing.
    pub status: Status,
    /// How much of it is there, in percent.
    pub percent: u8,
    /// When it was begun; nothing before it was.
    pub at: Option<Timestamp>,
    /// The storage that a restore of it needs, in GiB.
    pub storage_gib: u32,
    /// Its tags.
    pub tags: Tags,
}

/// How much of something an account may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// How much it has.
    pub used: u64,
    /// How much it may have.
    pub max: u64,
}

/// An account's room; nothing where no limit is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quotas {
    /// For snapshots taken by hand.
    pub snapshots: Option<Room>,
    /// For instances.
    pub instances: Option<Room>,
    /// For the storage of all instances, in GiB.
    pub storage_gib: Option<Room>,
}

/// What came of asking for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is going to be done.
    Accepted,
    /// Not in the state that it is in now, in the provider's words.
    NotNow(String),
    /// The name is taken.
    Exists,
    /// What was to be changed is not there.
    Gone,
}

/// What a provider must do. Every error is [`AwsError::Rds`] (try again later) or, of a change, [`AwsError::RdsRefused`]
/// (the provider will never do this as it was asked).
pub trait Snapshots: Sync {
    /// An instance by its name; nothing if there is none.
    fn instance(&self, name: &InstanceName) -> impl Future<Output = Result<Option<Described>, AwsError>> + Send;

    /// The proxies that have the instance among their targets, each with its target group.
    fn proxies(&self, name: &InstanceName) -> impl Future<Output = Result<Vec<(String, String)>, AwsError>> + Send;

    /// The account's room.
    fn quotas(&self) -> impl Future<Output = Result<Quotas, AwsError>> + Send;

    /// A snapshot by its name; nothing if there is none.
    fn snapshot(&self, name: &SnapshotName) -> impl Future<Output = Result<Option<Taken>, AwsError>> + Send;

    /// Every snapshot that was taken by hand and has all of these tags.
    fn snapshots(&self, tags: &Tags) -> impl Future<Output = Result<Vec<Taken>, AwsError>> + Send;

    /// Takes a snapshot.
    fn take(
        &self,
        snapshot: &SnapshotName,
        of: &InstanceName,
        tags: &Tags,
    ) -> impl Future<Output = Result<Answer, AwsError>> + Send;

    /// Deletes a snapshot.
    fn delete(&self, snapshot: &SnapshotName) -> impl Future<Output = Result<Answer, AwsError>> + Send;

    /// Restores a snapshot as a new instance, with every setting that a restore can give and these tags besides its own.
    fn restore(
        &self,
        snapshot: &SnapshotName,
        to: &InstanceName,
        wanted: &Configuration,
        tags: &Tags,
    ) -> impl Future<Output = Result<Answer, AwsError>> + Send;

    /// Gives an instance these settings, of [`Configuration::to_modify`], at once.
    fn modify(
        &self,
        name: &InstanceName,
        wanted: &Configuration,
        settings: &[&'static str],
    ) -> impl Future<Output = Result<Answer, AwsError>> + Send;

    /// Gives an instance another name, at once. Its address follows the name.
    fn rename(&self, from: &InstanceName, to: &InstanceName) -> impl Future<Output = Result<Answer, AwsError>> + Send;

    /// Puts tags on an instance, besides those that it has.
    fn tag(&self, arn: &str, tags: &Tags) -> impl Future<Output = Result<Answer, AwsError>> + Send;
}

impl Room {
    /// Whether there is room for so many more.
    #[must_use]
    pub fn fits(self, more: u64) -> bool {
        self.used.saturating_add(more) <= self.max
    }
}

impl Status {
    /// An instance's status by RDS's word for it.
    #[must_use]
    pub fn of_instance(word: &str) -> Self {
        match word {
            "available" | "storage-optimization" => Self::Available,
            "failed"
            | "deleting"
            | "deleted"
            | "stopped"
            | "storage-full"
            | "restore-error"
            | "insufficient-capacity" => Self::Broken(word.to_owned()),
            _ if word.starts_with("incompatible-") || word.starts_with("inaccessible-") => {
                Self::Broken(word.to_owned())
            }
            _ => Self::Changing(word.to_owned()),
        }
    }

    /// A snapshot's status by RDS's word for it.
    #[must_use]
    pub fn of_snapshot(word: &str) -> Self {
        match word {
            "available" => Self::Available,
            "failed" | "deleting" | "deleted" => Self::Broken(word.to_owned()),
            _ => Self::Changing(word.to_owned()),
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Available => "available",
            Self::Changing(word) | Self::Broken(word) => word,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_good_passing_or_bad() {
        for (word, good, bad) in [
            ("available", true, false),
            ("storage-optimization", true, false),
            ("creating", false, false),
            ("backing-up", false, false),
            ("renaming", false, false),
            ("a-status-of-next-year", false, false),
            ("incompatible-parameters", false, true),
            ("inaccessible-encryption-credentials-recoverable", false, true),
            ("stopped", false, true),
            ("deleting", false, true),
        ] {
            let status = Status::of_instance(word);
            assert_eq!(status == Status::Available, good, "{word}");
            assert_eq!(matches!(status, Status::Broken(_)), bad, "{word}");
        }
        assert_eq!(Status::of_snapshot("creating").to_string(), "creating");
        assert_eq!(Status::of_snapshot("failed"), Status::Broken("failed".to_owned()));
    }

    #[test]
    fn there_is_room_up_to_the_last_one() {
        let room = Room { used: 99, max: 100 };
        assert!(room.fits(1) && !room.fits(2) && !room.fits(u64::MAX));
    }
}
