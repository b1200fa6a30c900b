//! Result objects: what CI reads. `results/<target>/<version id>.json`.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use belay_model::{Action, Outcome, RunHeader, RunResult};

use crate::AwsError;
use crate::error::said;

/// How often a write is tried again because somebody else wrote meanwhile. Writers of one object are one or two runs.
const TRIES: u32 = 10;

/// The results of the stack's bucket.
#[derive(Debug, Clone)]
pub struct Results {
    client: Client,
    bucket: String,
}

/// What came of writing a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is there. With what was there before.
    Written(Option<Box<RunResult>>),
    /// A later run of the same version has its result there, which stays.
    LaterRun,
    /// This run's outcome is there, which stays; it is known that people were told of it.
    OutcomeTold,
    /// This run's outcome is there, which stays; it now says that people were not told of it.
    OutcomeUntold,
}

/// What to do about what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    Write(RunResult),
    WriteUntold(RunResult),
    Keep(Stored),
}

/// The kinds of statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `running`, `waiting`.
    Progress,
    /// `interrupted`: told by the janitor; a redrive may go on.
    Interrupted,
    /// An outcome of the run itself.
    Outcome,
}

impl Results {
    /// The results of this bucket.
    #[must_use]
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self {
            client,
            bucket: bucket.into(),
        }
    }

    /// Where a run's result is: under the bundle's version for who uploaded it. Without a version, under the event's
    /// sequencer; and what is no migration, under the run, so that it never hides a migration's result.
    #[must_use]
    pub fn key(run: &RunHeader) -> String {
        let bundle = run.bundle.as_ref().filter(|_| run.action == Action::Migrate);
        let name = bundle
            .and_then(|bundle| bundle.version_id.as_deref().or(bundle.sequencer.as_deref()))
            .filter(|name| !name.is_empty())
            .map_or_else(|| run.run().to_string(), file_name);
        format!("results/{}/{name}.json", folder(&run.target))
    }

    /// The result that is there.
    ///
    /// # Errors
    /// [`AwsError::Storage`].
    pub async fn read(&self, run: &RunHeader) -> Result<Option<RunResult>, AwsError> {
        Ok(self.current(&Self::key(run)).await?.and_then(|(result, _)| result))
    }

    /// Writes a result, unless a later run of the same version is there: the latest run of a version wins. An outcome
    /// of the same run is replaced only by an outcome: `interrupted` only adds `told: false` to it (rule V7).
    ///
    /// # Errors
    /// [`AwsError::Storage`].
    pub async fn write(&self, run: &RunHeader, result: &RunResult) -> Result<Stored, AwsError> {
        let key = Self::key(run);
        for _ in 0..TRIES {
            let current = self.current(&key).await?;
            let (existing, etag) = match &current {
                Some((existing, etag)) => (existing.as_ref(), Some(etag.as_str())),
                None => (None, None),
            };
            let (write, stored) = match decide(existing, result) {
                Decision::Write(write) => (write, Stored::Written(existing.cloned().map(Box::new))),
                Decision::WriteUntold(write) => (write, Stored::OutcomeUntold),
                Decision::Keep(stored) => return Ok(stored),
            };
            if self.put(&key, etag, &write).await? {
                return Ok(stored);
            }
        }
        Err(self.storage("write", &key, format!("somebody else wrote it, {TRIES} times in a row")))
    }

    /// The object with its ETag; an object that is not a result is like none.
    async fn current(&self, key: &str) -> Result<Option<(Option<RunResult>, String)>, AwsError> {
        let answer = match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => return Ok(None),
            Err(error) => return Err(self.storage("read", key, said(&error))),
        };
        let etag = answer.e_tag().unwrap_or_default().to_owned();
        let bytes = answer
            .body
            .collect()
            .await
            .map_err(|error| self.storage("read", key, error.to_string()))?
            .into_bytes();
        Ok(Some((serde_json::from_slice(&bytes).ok(), etag)))
    }

    /// Writes, if the object still is what was read. Whether it was.
    async fn put(&self, key: &str, etag: Option<&str>, result: &RunResult) -> Result<bool, AwsError> {
        let bytes = serde_json::to_vec_pretty(result).map_err(|error| AwsError::Bug(format!("{key}: {error}")))?;
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type("application/json")
            .body(ByteStream::from(bytes));
        let request = match etag {
            Some(etag) => request.if_match(etag),
            None => request.if_none_match("*"),
        };
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_conflict(&error) => Ok(false),
            Err(error) => Err(self.storage("write", key, said(&error))),
        }
    }

    fn storage(&self, action: &'static str, key: &str, said: String) -> AwsError {
        AwsError::Storage {
            action,
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            said,
        }
    }
}

/// 412 and 409; a 404 where If-Match found that the object was deleted.
fn is_conflict<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    matches!(
        error.code(),
        Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey")
    )
}

fn decide(existing: Option<&RunResult>, new: &RunResult) -> Decision {
    let write = || Decision::Write(new.clone());
    let Some(existing) = existing else { return write() };
    if existing.run != new.run {
        return if existing.started_at > new.started_at {
            Decision::Keep(Stored::LaterRun)
        } else {
            write()
        };
    }
    match (kind(&existing.status), kind(&new.status)) {
        (Kind::Outcome, Kind::Interrupted | Kind::Progress) if existing.told == Some(true) => {
            Decision::Keep(Stored::OutcomeTold)
        }
        (Kind::Outcome, Kind::Interrupted) => Decision::WriteUntold(RunResult {
            told: Some(false),
            ..existing.clone()
        }),
        // A late repetition of the run's first word.
        (Kind::Outcome, Kind::Progress) => Decision::Keep(Stored::Written(Some(Box::new(existing.clone())))),
        // A repetition of its last word knows no less of whether people were told.
        _ if existing.status == new.status => Decision::Write(RunResult {
            told: new.told.or(existing.told),
            ..new.clone()
        }),
        _ => write(),
    }
}

fn kind(status: &str) -> Kind {
    match status.parse() {
        Ok(Outcome::Interrupted) => Kind::Interrupted,
        Ok(_) => Kind::Outcome,
        Err(_) => Kind::Progress,
    }
}

/// A target's folder. A request may name anything as its target, and must be told even so: what is not a name of a
/// target stays one folder, made of characters that S3 and people can read.
pub(crate) fn folder(target: &str) -> String {
    if target.is_empty() {
        return "-".to_owned();
    }
    file_name(target)
}

fn file_name(text: &str) -> String {
    text.chars()
        .take(200)
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' | '!' | '+' | '=' => c,
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use belay_model::{BundleRef, RunId};

    use super::*;

    fn header(target: &str, bundle: Option<BundleRef>, action: Action) -> RunHeader {
        RunHeader {
            execution: "arn:aws:states:eu-west-1:123456789012:execution:belay:one".to_owned(),
            started_at: "2026-11-20T10:00:00Z".parse().unwrap(),
            target: target.to_owned(),
            bundle,
            action,
            flyway: belay_model::RunSettings::default(),
        }
    }

    fn bundle(version: Option<&str>, sequencer: Option<&str>) -> Option<BundleRef> {
        Some(BundleRef {
            key: "bundles/shop/b.zip".to_owned(),
            version_id: version.map(str::to_owned),
            sequencer: sequencer.map(str::to_owned),
        })
    }

    #[test]
    fn a_result_is_where_its_reader_looks() {
        let run = RunId::of_execution(&header("shop", None, Action::Migrate).execution);
        for (target, bundle, action, key) in [
            (
                "shop",
                bundle(Some("v1"), Some("00A")),
                Action::Migrate,
                "results/shop/v1.json".to_owned(),
            ),
            (
                "shop",
                bundle(None, Some("00A")),
                Action::Migrate,
                "results/shop/00A.json".to_owned(),
            ),
            (
                "shop",
                bundle(None, None),
                Action::Migrate,
                format!("results/shop/{run}.json"),
            ),
            ("shop", None, Action::Keep, format!("results/shop/{run}.json")),
            (
                "shop",
                bundle(Some("v1"), None),
                Action::Info,
                format!("results/shop/{run}.json"),
            ),
            (
                "../x\n",
                bundle(Some("a/b"), None),
                Action::Migrate,
                "results/.._x_/a_b.json".to_owned(),
            ),
            (
                "",
                bundle(Some("v1"), None),
                Action::Migrate,
                "results/-/v1.json".to_owned(),
            ),
        ] {
            assert_eq!(Results::key(&header(target, bundle, action)), key);
        }
    }

    fn result(execution: &str, minute: u8, status: &str, told: Option<bool>) -> RunResult {
        let run = RunHeader {
            execution: execution.to_owned(),
            started_at: format!("2026-11-20T10:{minute:02}:00Z").parse().unwrap(),
            ..header("shop", None, Action::Migrate)
        };
        RunResult {
            told,
            ..RunResult::of(&run, status)
        }
    }

    #[test]
    fn v7_an_outcome_is_replaced_by_an_outcome_alone() {
        let (running, interrupted, migrated) = ("running", "interrupted", "migrated");
        for (there, new, written) in [
            (running, running, true),
            (running, interrupted, true),
            (running, migrated, true),
            (interrupted, running, true),
            (interrupted, interrupted, true),
            (interrupted, migrated, true),
            (migrated, running, false),
            (migrated, migrated, true),
        ] {
            let decision = decide(Some(&result("a", 1, there, None)), &result("a", 1, new, None));
            assert_eq!(matches!(decision, Decision::Write(_)), written, "{there} then {new}");
        }
    }

    #[test]
    fn v7_an_interruption_leaves_an_outcome_and_says_that_nobody_was_told() {
        let there = result("a", 1, "migrated", None);
        let Decision::WriteUntold(written) = decide(Some(&there), &result("a", 1, "interrupted", None)) else {
            panic!("not told")
        };
        assert_eq!(written, result("a", 1, "migrated", Some(false)));
        let there = result("a", 1, "migrated", Some(true));
        assert_eq!(
            decide(Some(&there), &result("a", 1, "interrupted", None)),
            Decision::Keep(Stored::OutcomeTold)
        );
    }

    #[test]
    fn the_latest_run_of_a_version_wins() {
        for (there, new, written) in [(1, 2, true), (2, 1, false), (1, 1, true)] {
            let decision = decide(
                Some(&result("a", there, "running", None)),
                &result("b", new, "unchanged", None),
            );
            assert_eq!(
                decision != Decision::Keep(Stored::LaterRun),
                written,
                "{there} then {new}"
            );
        }
    }
}
