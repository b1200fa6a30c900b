//! What others wrote since the snapshot: words for people, and nothing else hangs on it.

use belay_aws::AwsError;
use belay_engine::{Census, Connect, writes_by_others};
use belay_model::{Attempt, RunId, Snapshotted, Writes};

use crate::Access;

impl Access {
    /// What others wrote to this server since the snapshot of a run's attempt, if there is one, by database and table: at
    /// least so much. What can't be read is a line in the log.
    pub async fn writes_by_others(
        &self,
        target: &str,
        run: &RunId,
        attempt: Attempt,
        connect: &Connect,
    ) -> Vec<Writes> {
        let written = match self.census(target, run, attempt).await {
            Ok(None) => Ok(Vec::new()),
            Ok(Some(census)) => writes_by_others(connect, run, attempt, census.horizon)
                .await
                .map_err(|error| error.failure()),
            Err(error) => Err(error.failure()),
        };
        written.unwrap_or_else(|failure| {
            tracing::warn!(error = %failure, "what others wrote can't be counted");
            Vec::new()
        })
    }

    /// The census of an attempt's snapshot.
    async fn census(&self, target: &str, run: &RunId, attempt: Attempt) -> Result<Option<Census>, AwsError> {
        let found = self.papers().find(target, run, "snapshot.json").await?;
        let snapshotted: Option<Snapshotted> = found.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        match snapshotted.filter(|snapshotted| snapshotted.attempt == attempt) {
            Some(snapshotted) => self.papers().get_json(&snapshotted.census).await.map(Some),
            None => Ok(None),
        }
    }
}
