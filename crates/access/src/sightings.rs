//! The schema as it was seen on the way: papers from which Verify tells what this run changed and what others did.
//!
//! They lead to findings and to nothing else. So one that can't be written or read is a line in the log, and the run
//! goes on without it.

use belay_engine::{Observed, Schema};
use belay_model::{Attempt, RunHeader, RunId};

use crate::Access;

/// A moment at which the schema was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// At Plan.
    Planned,
    /// When Migrate opened the attempt.
    Started,
    /// After Migrate's last unit.
    Ended,
}

impl Sighting {
    fn paper(self, attempt: Attempt) -> String {
        let moment = match self {
            Self::Planned => "planned",
            Self::Started => "started",
            Self::Ended => "ended",
        };
        format!("schema-{moment}-{attempt}.json")
    }
}

impl Access {
    /// Notes the schema, if it was seen.
    pub async fn note(&self, run: &RunHeader, attempt: Attempt, moment: Sighting, schema: Option<&Schema>) {
        let Some(schema) = schema else { return };
        if let Err(error) = self.papers().put_json(run, &moment.paper(attempt), schema).await {
            tracing::warn!(error = %error, "what the schema was can't be noted");
        }
    }

    /// What a run noted of the schema.
    pub async fn observed(&self, target: &str, run: &RunId, attempt: Attempt) -> Observed {
        Observed {
            planned: self.seen(target, run, attempt, Sighting::Planned).await,
            started: self.seen(target, run, attempt, Sighting::Started).await,
            ended: self.seen(target, run, attempt, Sighting::Ended).await,
        }
    }

    async fn seen(&self, target: &str, run: &RunId, attempt: Attempt, moment: Sighting) -> Option<Schema> {
        match self.papers().find(target, run, &moment.paper(attempt)).await {
            Ok(bytes) => serde_json::from_slice(&bytes?).ok(),
            Err(error) => {
                tracing::warn!(error = %error, "what the schema was can't be read");
                None
            }
        }
    }
}
