//! Doors that were left closed: by a run that died before it had changed anything else, or by a person who freed the lock.

use belay_aws::AwsError;
use belay_aws::executions::Started;
use belay_aws::lock::LockItem;
use belay_model::RunId;
use serde_json::json;

use crate::{Done, Janitor};

impl Janitor {
    /// Has every door opened that nobody behind it will open (rule Q1).
    pub(crate) async fn open_doors(&self, done: &mut Done) -> Result<(), AwsError> {
        for lock in self.locks.left_closed().await? {
            self.open_door(lock, done).await?;
        }
        Ok(())
    }

    /// Starts the action `reopen`, once for each freeing of the lock: it tells people how it ended, and what it could not
    /// do now it can't do ten minutes later.
    async fn open_door(&self, lock: LockItem, done: &mut Done) -> Result<(), AwsError> {
        let Some(door) = lock.door else {
            return Ok(());
        };
        let once = RunId::of_execution(&format!("reopen {} {}", lock.key, lock.fence));
        let name = format!("reopen-{}-{once}", door.target);
        let input = json!({"action": "reopen", "target": door.target}).to_string();
        if let Started::Now(execution) = self.executions.start(&self.machine, &name, input).await? {
            tracing::warn!(execution, lock = lock.key, roles = ?door.roles, "a door was left closed");
            done.reopening.push(lock.key);
        }
        Ok(())
    }
}
