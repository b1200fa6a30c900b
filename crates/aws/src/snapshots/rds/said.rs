//! What an answer of RDS means: a change that can't be made now is no error, and one that never will be is another than a
//! service that does not answer.

use aws_sdk_rds::config::http::HttpResponse;
use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};

use crate::AwsError;
use crate::error::{RdsCall, said};
use crate::snapshots::Answer;

/// What RDS's word for an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::snapshots) enum Meaning {
    NotNow,
    Exists,
    Gone,
    Quota,
    Refused,
    /// Nothing about what was asked: try again.
    Unwell,
}

/// What was asked for.
pub(super) fn asked<T, E>(
    call: RdsCall,
    name: &str,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<T, AwsError>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    answer.map_err(|error| AwsError::Rds {
        call,
        name: name.to_owned(),
        said: said(&error),
    })
}

/// What was asked for, if it is there.
pub(super) fn found<T, E>(
    call: RdsCall,
    name: &str,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, AwsError>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match answer {
        Err(error) if matches!(meaning(&error), Meaning::Gone) => Ok(None),
        other => asked(call, name, other).map(Some),
    }
}

/// What came of asking for a change.
pub(super) fn answer<T, E>(
    call: RdsCall,
    name: &str,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Answer, AwsError>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match answer {
        Ok(_) => Ok(Answer::Accepted),
        Err(error) => refusal(call, name, meaning(&error), said(&error)),
    }
}

/// What a refusal comes to.
pub(in crate::snapshots) fn refusal(
    call: RdsCall,
    name: &str,
    meaning: Meaning,
    said: String,
) -> Result<Answer, AwsError> {
    let name = name.to_owned();
    match meaning {
        Meaning::NotNow => Ok(Answer::NotNow(said)),
        Meaning::Exists => Ok(Answer::Exists),
        Meaning::Gone => Ok(Answer::Gone),
        Meaning::Quota | Meaning::Refused => Err(AwsError::RdsRefused {
            call,
            name,
            quota: meaning == Meaning::Quota,
            said,
        }),
        Meaning::Unwell => Err(AwsError::Rds { call, name, said }),
    }
}

fn meaning<E>(error: &SdkError<E, HttpResponse>) -> Meaning
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match (error, error.code()) {
        (SdkError::ServiceError(answered), Some(word)) => Meaning::of(word, answered.raw().status().as_u16()),
        _ => Meaning::Unwell,
    }
}

impl Meaning {
    /// By RDS's word, which ends in `Fault` in some answers and not in others, and the HTTP status.
    pub(in crate::snapshots) fn of(word: &str, status: u16) -> Self {
        match word.strip_suffix("Fault").unwrap_or(word) {
            "InvalidDBInstanceState" | "InvalidDBSnapshotState" | "InsufficientDBInstanceCapacity" => Self::NotNow,
            "DBInstanceAlreadyExists" | "DBSnapshotAlreadyExists" => Self::Exists,
            "DBInstanceNotFound" | "DBSnapshotNotFound" => Self::Gone,
            "SnapshotQuotaExceeded" | "InstanceQuotaExceeded" | "StorageQuotaExceeded" => Self::Quota,
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "TooManyRequestsException"
            | "SlowDown"
            | "RequestTimeout"
            | "RequestTimeoutException"
            | "PriorRequestNotComplete"
            | "RequestExpired"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "OptInRequired"
            | "AccessDenied"
            | "AccessDeniedException"
            | "NotAuthorized"
            | "UnauthorizedOperation" => Self::Unwell,
            _ if (400..500).contains(&status) => Self::Refused,
            _ => Self::Unwell,
        }
    }
}
