//! The stable codes of everything that can go wrong.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What went wrong, under a name that never changes. Each has a page in `docs/errors/`.
        ///
        /// `Belay.…` is about the bundle, the request or the state of the database: the workflow catches it and the run
        /// ends handled. `Infra.…` is about what Belay needs to work (network, credentials, storage): it is retried, and
        /// if it persists the execution fails uncaught, so that *Redrive* resumes there.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name, such as `Belay.ChecksumMismatch`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

codes! {
    // The request and the target.
    /// The execution's input is not a request.
    RequestInvalid = "Belay.RequestInvalid",
    /// A request carries a password.
    PasswordInRequest = "Belay.PasswordInRequest",
    /// There is no parameter for this target.
    TargetUnknown = "Belay.TargetUnknown",
    /// The target's parameter is not a target: bad JSON, an unknown key, a value out of range.
    TargetInvalid = "Belay.TargetInvalid",
    /// The object or its version is not in the bucket (any more).
    BundleGone = "Belay.BundleGone",

    // The bundle; found at Check, from its bytes alone.
    /// The bundle is refused; the problems say why.
    BundleRejected = "Belay.BundleRejected",
    /// The object is larger than a bundle may be.
    BundleTooLarge = "Belay.BundleTooLarge",
    /// The bytes are not a zip.
    NotAZip = "Belay.NotAZip",
    /// The zip has no entry.
    EmptyBundle = "Belay.EmptyBundle",
    /// The zip has a form that Belay does not read: zip64, several disks, or bytes that belong to no entry.
    UnsupportedZip = "Belay.UnsupportedZip",
    /// The zip ends before its end.
    Truncated = "Belay.Truncated",
    /// An entry's bytes do not match their CRC-32.
    BadCrc = "Belay.BadCrc",
    /// An entry's data can't be unpacked.
    BadData = "Belay.BadData",
    /// An entry is encrypted.
    Encrypted = "Belay.Encrypted",
    /// An entry uses a compression other than stored or deflate.
    UnsupportedCompression = "Belay.UnsupportedCompression",
    /// An entry's name has a `..`, `.` or empty component.
    PathTraversal = "Belay.PathTraversal",
    /// An entry's name is absolute, or begins with a drive.
    AbsolutePath = "Belay.AbsolutePath",
    /// An entry's name has a backslash.
    Backslash = "Belay.Backslash",
    /// An entry is a symbolic link or another special file.
    SpecialFile = "Belay.SpecialFile",
    /// An entry's name has a control character.
    ControlCharacter = "Belay.ControlCharacter",
    /// An entry's name is not UTF-8.
    NameNotUtf8 = "Belay.NameNotUtf8",
    /// Two entries have one name, or names that differ only in case.
    DuplicateName = "Belay.DuplicateName",
    /// An entry's local header and the central directory disagree.
    HeaderMismatch = "Belay.HeaderMismatch",
    /// Two entries share bytes of the archive.
    Overlap = "Belay.Overlap",
    /// An entry unpacks to another size than it says.
    SizeMismatch = "Belay.SizeMismatch",
    /// An entry unpacks to too many times its packed size.
    CompressionRatio = "Belay.CompressionRatio",
    /// The zip has too many entries.
    TooManyEntries = "Belay.TooManyEntries",
    /// One file is too large.
    FileTooLarge = "Belay.FileTooLarge",
    /// All files together are too large.
    TotalTooLarge = "Belay.TotalTooLarge",
    /// A path is too long or too deep.
    PathTooLong = "Belay.PathTooLong",
    /// Two versioned migrations have one version.
    DuplicateVersion = "Belay.DuplicateVersion",
    /// Two repeatable migrations have one description.
    DuplicateRepeatable = "Belay.DuplicateRepeatable",
    /// A file in a migration folder looks like a migration, but its name is not one.
    Misnamed = "Belay.Misnamed",
    /// A file is not UTF-8.
    NotUtf8 = "Belay.NotUtf8",
    /// A file has a NUL byte.
    NulByte = "Belay.NulByte",
    /// The bundle holds no migration.
    NoMigration = "Belay.NoMigration",
    /// Something that Flyway runs and Belay does not: a script or Java migration, a location elsewhere.
    Unsupported = "Belay.Unsupported",
    /// `flyway.toml`, `flyway.conf`, a `.sql.conf` or `belay.toml` can't be read.
    ConfigInvalid = "Belay.ConfigInvalid",
    /// A file of `verify/` has transaction control.
    AssertionControl = "Belay.AssertionControl",

    // The plan: bundle and database together; nothing was changed.
    /// The plan is refused; the problems say why.
    PlanRejected = "Belay.PlanRejected",
    /// An applied migration's file has another checksum.
    ChecksumMismatch = "Belay.ChecksumMismatch",
    /// An applied migration's file has another description.
    DescriptionMismatch = "Belay.DescriptionMismatch",
    /// An applied migration is of another type than its file.
    TypeMismatch = "Belay.TypeMismatch",
    /// An applied migration has no file.
    MigrationMissing = "Belay.MigrationMissing",
    /// The history has a failed migration.
    MigrationFailed = "Belay.MigrationFailed",
    /// A file's version is below one that is applied.
    OutOfOrder = "Belay.OutOfOrder",
    /// Asked to validate: a migration is not applied yet.
    NotApplied = "Belay.NotApplied",
    /// Asked to validate: the history's schema does not exist yet.
    SchemaMissing = "Belay.SchemaMissing",
    /// Asked to validate: a repeatable's file changed since it last ran.
    RepeatableOutdated = "Belay.RepeatableOutdated",
    /// The history is no place for a baseline.
    BaselineRefused = "Belay.BaselineRefused",
    /// A version that is to be undone has no undo file.
    UndoMissing = "Belay.UndoMissing",
    /// The schema has objects but no history.
    NonEmptySchema = "Belay.NonEmptySchema",
    /// The history table can't be read as Flyway's.
    HistoryUnreadable = "Belay.HistoryUnreadable",
    /// A unit of an earlier run is open.
    UnitOpen = "Belay.UnitOpen",
    /// The migration role may not create schema `belay`.
    JournalDenied = "Belay.JournalDenied",
    /// The migration role lacks a privilege, or may not become `set_role`.
    PrivilegeMissing = "Belay.PrivilegeMissing",
    /// The server is in recovery or read only, or too old.
    ServerUnfit = "Belay.ServerUnfit",
    /// A placeholder has no value.
    PlaceholderUnknown = "Belay.PlaceholderUnknown",
    /// The data below a `COPY … FROM STDIN` has no end, or there is more SQL behind it on its line.
    CopyFromStdin = "Belay.CopyFromStdin",
    /// A file changes how the server reads strings.
    StringSyntax = "Belay.StringSyntax",
    /// A file prepares a transaction for two-phase commit.
    TwoPhase = "Belay.TwoPhase",
    /// A quote, comment or parenthesis in a file is not closed.
    Unterminated = "Belay.Unterminated",
    /// The pending files can't share a transaction as `transaction` asks.
    NotGroupable = "Belay.NotGroupable",
    /// A file holds statements that can be in a transaction and others that can't.
    Mixed = "Belay.Mixed",
    /// The pending files create more objects than one transaction can lock.
    TooManyObjects = "Belay.TooManyObjects",

    // Migrate.
    /// PostgreSQL refused a statement.
    SqlFailed = "Belay.SqlFailed",
    /// A file ended or replaced the transaction that it ran in.
    TransactionLost = "Belay.TransactionLost",
    /// Somebody else moved the history after Plan.
    PlanStale = "Belay.PlanStale",
    /// The attempt was closed by Verify, or another attempt is open.
    AttemptClosed = "Belay.AttemptClosed",
    /// A lock could not be had within the budget.
    LockTimeout = "Belay.LockTimeout",
    /// A file dropped the database lock.
    LockLost = "Belay.LockLost",
    /// One statement took longer than an invocation lasts.
    TooLong = "Belay.TooLong",
    /// An assertion of `verify/` does not hold.
    AssertionFailed = "Belay.AssertionFailed",
    /// The plan or the bundle that was read is not the one that was planned.
    PlanMismatch = "Belay.PlanMismatch",
    /// The lock item is not this run's any more.
    Fenced = "Belay.Fenced",
    /// Somebody stopped a run by hand: Ctrl-C, or a CI job that was cancelled.
    Stopped = "Belay.Stopped",

    // The lock.
    /// Another run held the lock for too long.
    Busy = "Belay.Busy",
    /// The target is quarantined until a person decides.
    Quarantined = "Belay.Quarantined",
    /// The run that an action names is not the one that is quarantined.
    NotQuarantined = "Belay.NotQuarantined",

    // Snapshot, restore and the door.
    /// There is no parameter for this instance.
    InstanceUnknown = "Belay.InstanceUnknown",
    /// The instance's parameter is not an instance, or asks for what can't be.
    InstanceInvalid = "Belay.InstanceInvalid",
    /// The target's endpoint is not that of the instance that it names.
    InstanceMismatch = "Belay.InstanceMismatch",
    /// RDS could not snapshot or restore this instance: its state, or what it is part of.
    InstanceUnfit = "Belay.InstanceUnfit",
    /// The account has no room for a snapshot, or for the instance that a restore needs beside.
    SnapshotQuota = "Belay.SnapshotQuota",
    /// The snapshot could not be taken.
    SnapshotFailed = "Belay.SnapshotFailed",
    /// The run has no snapshot that could be restored.
    NoSnapshot = "Belay.NoSnapshot",
    /// A role can't be kept out, or somebody who is not named could log in.
    DoorRefused = "Belay.DoorRefused",
    /// A restore could lose what others wrote, and the policy forbids that.
    NotLossless = "Belay.NotLossless",
    /// What was restored is not what the snapshot was taken of. The live database was not touched.
    RestoreIncomplete = "Belay.RestoreIncomplete",
    /// RDS could not restore. Both databases are told with their names.
    RestoreFailed = "Belay.RestoreFailed",
    /// The instances are not as the run left them: somebody else restored, renamed or deleted one.
    InstanceReplaced = "Belay.InstanceReplaced",

    // What Belay needs to work.
    /// The database can't be reached, or the connection was lost.
    Database = "Infra.Database",
    /// The secret is missing, can't be read, or is refused by the database.
    Credentials = "Infra.Credentials",
    /// The bucket can't be read or written.
    Storage = "Infra.Storage",
    /// RDS can't be asked, or refuses Belay.
    Rds = "Infra.Rds",
    /// The mail can't be sent.
    Notification = "Infra.Notification",
    /// The lock table or the workflow can't be read or written.
    Workflow = "Infra.Workflow",
    /// A message between states is not what was agreed: a bug of Belay.
    Bug = "Infra.Bug",
}

impl Code {
    /// Whether the workflow retries this and then leaves it uncaught.
    #[must_use]
    pub fn is_infrastructure(self) -> bool {
        self.name().starts_with("Infra.")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.name() == text)
            .ok_or_else(|| format!("unknown code {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_serde_agrees() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
            assert_eq!(code.name().parse(), Ok(*code));
        }
    }
}
