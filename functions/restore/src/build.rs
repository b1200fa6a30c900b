//! Beside the live database, which is not touched: the snapshot is restored there, and set to what was noted.

use belay_aws::snapshots::{
    Answer, BUNDLE_TAG, Described, INSTANCE_TAG, MODIFIED_TAG, RUN_TAG, STACK_TAG, Snapshots, Status, TARGET_TAG, Tags,
};
use belay_model::{Failure, RestoreReply};
use jiff::Timestamp;

use crate::Restore;
use crate::task::{Task, no_snapshot, pending};

impl<S: Snapshots> Restore<S> {
    /// Restores the snapshot beside.
    pub(crate) async fn build(&self, task: &Task) -> Result<RestoreReply, Failure> {
        self.must_be_allowed(task).await?;
        let (snapshot, beside) = (&task.at_snapshot.snapshot, &task.beside);
        let taken = self.snapshots.snapshot(snapshot).await;
        let Some(taken) = taken.map_err(|error| error.failure())? else {
            return Err(no_snapshot(format!("the snapshot {snapshot} is not there any more")));
        };
        match &taken.status {
            Status::Available => {}
            Status::Changing(word) => return Ok(pending(format!("{snapshot} is {word}"))),
            Status::Broken(word) => return Err(no_snapshot(format!("the snapshot {snapshot} is {word}"))),
        }
        let mut wanted = task.configuration.clone();
        // Storage that grew by itself before the snapshot can't shrink.
        let least = i32::try_from(taken.storage_gib).unwrap_or_default();
        let storage = &mut wanted.settings.allocated_storage;
        *storage = storage.map(|gib| gib.max(least));
        self.must_be_mine(task).await?;
        let tags = self.tags(task, taken.tags.get(BUNDLE_TAG));
        let answer = self.snapshots.restore(snapshot, beside, &wanted, &tags).await;
        Ok(pending(match answer.map_err(|error| error.failure())? {
            Answer::Accepted => format!("{beside} is creating"),
            Answer::Exists => format!("{beside} is there, and not described yet"),
            Answer::NotNow(why) => format!("{snapshot} can't be restored now: {why}"),
            Answer::Gone => format!("{snapshot} is not found"),
        }))
    }

    /// Gives the restored database the settings that a restore can't take.
    pub(crate) async fn configure(&self, task: &Task, beside: &Described) -> Result<RestoreReply, Failure> {
        let settings = task.configuration.to_modify(&beside.configuration);
        self.must_be_mine(task).await?;
        let answer = self
            .snapshots
            .modify(&task.beside, &task.configuration, &settings)
            .await;
        let name = &task.beside;
        match answer.map_err(|error| error.failure())? {
            Answer::Accepted => {}
            Answer::NotNow(why) => return Ok(pending(format!("{name} can't be modified now: {why}"))),
            Answer::Exists | Answer::Gone => return Ok(pending(format!("{name} is not found"))),
        }
        // Should this not come to pass, it is told once more.
        let told = [(MODIFIED_TAG.to_owned(), Timestamp::now().to_string())].into();
        let answer = self.snapshots.tag(&beside.arn, &told).await;
        answer.map_err(|error| error.failure())?;
        Ok(pending(format!("{name} is given {}", settings.join(", "))))
    }

    fn tags(&self, task: &Task, bundle: Option<&String>) -> Tags {
        let mut tags: Tags = [
            (STACK_TAG, self.stack.clone()),
            (TARGET_TAG, task.asked.run.target.clone()),
            (RUN_TAG, task.asked.of.to_string()),
            (INSTANCE_TAG, task.name.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        tags.extend(bundle.map(|digest| (BUNDLE_TAG.to_owned(), digest.clone())));
        tags
    }
}
