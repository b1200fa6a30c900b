//! Belay's words as types, and the messages between the states of its workflow.
//!
//! No SQL, no AWS and no I/O: everything here can be made in a test from a literal. A value that exists is valid;
//! what comes from outside goes through `FromStr` or serde, which refuse what the type does not allow.

mod callback;
mod code;
mod compensation;
mod digest;
mod failure;
mod flyway;
mod identity;
mod instance;
mod jdbc;
mod judgement;
mod messages;
mod migration;
mod outcome;
mod plan;
mod run_settings;
mod target;
mod verdict;
mod version;

pub use callback::{Event, ParseEventError};
pub use code::Code;
pub use compensation::{
    Compared, Difference, DoorReply, LeftOver, PrepareReply, Progress, RestoreReply, RestoreRequest, Restored,
    RestoredRef, SnapshotReply, SnapshotRequest, Snapshotted, Writes,
};
pub use digest::{BundleDigest, FileDigest, ParseDigestError, PlanDigest, SchemaDigest};
pub use failure::{Failure, Place, Problem, ServerError};
pub use flyway::{
    Encoding, ErrorOverride, FlywayKey, FlywayKeyError, FlywayKeys, FlywaySettings, IgnorePattern, IgnoredKind,
    IgnoredState, KeyEffect, KeyShape, MessageSeverity, MessageShown, ParseEncodingError, ParseErrorOverrideError,
    ParseIgnorePatternError, ParseTargetVersionError, TargetVersion,
};
pub use identity::{Attempt, InstanceName, ParseNameError, RunId, SnapshotName, TargetName};
pub use instance::{Instance, Quiesce, Rds, RestorePolicy, Retention, SnapshotPolicy};
pub use jdbc::{JdbcPassword, JdbcUrl, JdbcUrlError, SslMode};
pub use judgement::Judgement;
pub use messages::{
    Action, Begun, BundleRef, Caught, CheckReply, CleanupReply, Ending, InfoReply, KeepReply, LockRef, MigrateReply,
    MigrateRequest, MigrateStatus, NotifyReply, NotifyRequest, PaperRef, PlanReply, PlannedAttempt, RunHeader,
    RunResult, ValidateRequest, Verified, VerifyReply, VerifyRequest,
};
pub use migration::{Checksum, MigrationKind};
pub use outcome::Outcome;
pub use plan::{
    Aligned, FrozenPlaceholder, HistoryChange, HistoryTable, ParseHistoryTableError, PlaceholderSyntax, Plan,
    PlannedAction, PlannedAssertion, PlannedBaseline, PlannedCallback, PlannedFile, PlannedMigration, ResumedUnit,
    SecretRef, Unit, UnitKind,
};
pub use run_settings::RunSettings;
pub use target::{
    Credentials, Endpoint, Engine, LockSettings, NotifySettings, PlaceholderSource, Target, TargetError, Tls,
    TransactionMode,
};
pub use verdict::{AssertionState, Finding, FindingKind, Verdict};
pub use version::{ParseVersionError, Version};
