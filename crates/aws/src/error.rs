//! Everything that can go wrong at AWS, with the code under which the workflow knows it.

use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use belay_model::{Code, Failure};

/// What went wrong at AWS. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// The bundle's object or version is not there.
    #[error("s3://{bucket}/{key} has no version {version}")]
    BundleGone {
        /// The stack's bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// The version that was asked for.
        version: String,
    },
    /// The bundle's object is larger than a bundle may be.
    #[error("the bundle has {size} bytes, and a bundle may have at most {limit}")]
    BundleTooLarge {
        /// What S3 says, in bytes.
        size: u64,
        /// The most, in bytes.
        limit: u64,
    },
    /// One of the run's papers is not what was written.
    #[error("s3://{bucket}/{key} (version {version}) is not the paper that this run wrote: its SHA-256 differs")]
    PaperChanged {
        /// The stack's bucket.
        bucket: String,
        /// The paper's key.
        key: String,
        /// The paper's version.
        version: String,
    },
    /// The bucket can't be read or written.
    #[error("can't {action} s3://{bucket}/{key}: {said}")]
    Storage {
        /// `read`, `write` or `list`.
        action: &'static str,
        /// The stack's bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// What S3 said.
        said: String,
    },
    /// The parameters of targets can't be read.
    #[error("can't read the parameters under {path}: {said}")]
    Parameters {
        /// Where they are.
        path: String,
        /// What SSM said.
        said: String,
    },
    /// A secret can't be read.
    #[error("can't read the secret {arn}: {said}")]
    SecretUnreadable {
        /// The secret's ARN.
        arn: String,
        /// What Secrets Manager said.
        said: String,
    },
    /// A secret was read, and is not what it must be.
    #[error("the secret {arn} {problem}")]
    SecretUnfit {
        /// The secret's ARN.
        arn: String,
        /// What is wrong, without any of its values.
        problem: String,
    },
    /// People can't be told.
    #[error("can't publish to {topic}: {said}")]
    Notification {
        /// The topic's ARN.
        topic: String,
        /// What SNS said.
        said: String,
    },
    /// The workflow can't be asked.
    #[error("can't {action} the execution {execution}: {said}")]
    Execution {
        /// `start` or `describe`.
        action: &'static str,
        /// The execution's name or ARN.
        execution: String,
        /// What Step Functions said.
        said: String,
    },
    /// The lock table can't be read or written.
    #[error("can't {action} the lock {key}: {said}")]
    Lock {
        /// What was tried.
        action: &'static str,
        /// The item's key; `*` for all.
        key: String,
        /// What DynamoDB said.
        said: String,
    },
    /// The lock item is not this run's any more (rule K3).
    #[error("the lock {key} is not this run's any more: {found}")]
    Fenced {
        /// The item's key.
        key: String,
        /// What the item says.
        found: String,
    },
    /// RDS can't be asked, or refuses Belay: nothing about what was asked.
    #[error("RDS can't {call} {name} now: {said}")]
    Rds {
        /// What was tried.
        call: RdsCall,
        /// Of what.
        name: String,
        /// What RDS said.
        said: String,
    },
    /// RDS will never do this as it was asked.
    #[error("RDS refuses to {call} {name}: {said}")]
    RdsRefused {
        /// What was tried.
        call: RdsCall,
        /// Of what.
        name: String,
        /// Whether a quota is the reason.
        quota: bool,
        /// What RDS said.
        said: String,
    },
    /// Something that can't be, unless Belay has a bug.
    #[error("{0}")]
    Bug(String),
}

/// What RDS is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RdsCall {
    /// Describe something.
    Describe,
    /// Take a snapshot.
    Snapshot,
    /// Delete a snapshot.
    Delete,
    /// Restore a snapshot.
    Restore,
    /// Change settings.
    Modify,
    /// Give another name.
    Rename,
    /// Put tags on something.
    Tag,
}

impl fmt::Display for RdsCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Describe => "describe",
            Self::Snapshot => "create the snapshot",
            Self::Delete => "delete the snapshot",
            Self::Restore => "restore to",
            Self::Modify => "modify",
            Self::Rename => "rename",
            Self::Tag => "tag",
        })
    }
}

impl AwsError {
    /// The failure with its stable code and what to do next.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let (code, next) = match self {
            Self::BundleGone { .. } => (
                Code::BundleGone,
                "upload the bundle again: a run takes exactly the version that it was started for",
            ),
            Self::BundleTooLarge { .. } => (
                Code::BundleTooLarge,
                "split the bundle, or load large data outside of migrations",
            ),
            Self::PaperChanged { .. } => (
                Code::PlanMismatch,
                "find out who writes under runs/ in the stack's bucket, then start a new execution with the same input",
            ),
            Self::Storage { .. } => (
                Code::Storage,
                "check the bucket and the function's role, then redrive the execution",
            ),
            Self::SecretUnreadable { .. } => (
                Code::Credentials,
                "check that the secret exists and that the function's role may read it, then redrive the execution",
            ),
            Self::SecretUnfit { .. } => (
                Code::Credentials,
                "correct the secret (JSON with username and password) or the target's parameter, then redrive the \
                 execution",
            ),
            Self::Notification { .. } => (
                Code::Notification,
                "check the topic and its policy, then redrive the execution",
            ),
            Self::Parameters { .. } => (
                Code::Workflow,
                "check that SSM answers and what the function's role may read, then try again",
            ),
            Self::Execution { .. } | Self::Lock { .. } => {
                (Code::Workflow, "redrive the execution once the service answers")
            }
            Self::Fenced { .. } => (Code::Fenced, "look which run holds the lock; this one must not go on"),
            Self::Rds { .. } => (
                Code::Rds,
                "check that RDS answers and what the function's role may do, then redrive the execution",
            ),
            Self::RdsRefused { quota: true, .. } => (
                Code::SnapshotQuota,
                "delete what is not needed any more, or ask for a higher quota, then start again",
            ),
            Self::RdsRefused {
                call: RdsCall::Snapshot | RdsCall::Delete,
                ..
            } => (
                Code::SnapshotFailed,
                "mend what RDS names, then start a new execution with the same input",
            ),
            Self::RdsRefused { .. } => (
                Code::RestoreFailed,
                "mend what RDS names, then start an execution with the action restore",
            ),
            Self::Bug(_) => (Code::Bug, "report this with the execution's ARN"),
        };
        Failure::new(code, self.to_string()).next(next)
    }
}

/// What a service said, in one line: its code and message, or why there was no answer.
///
/// Only `Display` of the error chain: a `Debug` would hold the raw answer, and that of Secrets Manager is a secret.
pub(crate) fn said<E, R>(error: &SdkError<E, R>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    if let Some(code) = error.code() {
        return match error.message() {
            Some(message) => format!("{code}: {message}"),
            None => code.to_owned(),
        };
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
