//! What is to be restored: what the run noted at its snapshot, and the three names.

use belay_aws::snapshots::{Configuration, Described, MODIFIED_TAG, RUN_TAG, STACK_TAG, Snapshots};
use belay_engine::Connect;
use belay_model::{
    Action, Code, Failure, InstanceName, Progress, RestorePolicy, RestoreReply, RestoreRequest, Snapshotted,
};
use jiff::{SignedDuration, Timestamp};

use crate::Restore;
use crate::due::{Configured, Place, Seen, There, Which};

/// How long settings that were asked for may take to be described. What is another then is told in the report.
const SETTLING: SignedDuration = SignedDuration::from_mins(15);

/// What is to be restored.
pub(crate) struct Task {
    pub(crate) asked: RestoreRequest,
    pub(crate) at_snapshot: Snapshotted,
    pub(crate) configuration: Configuration,
    pub(crate) name: InstanceName,
    pub(crate) beside: InstanceName,
    pub(crate) failed: InstanceName,
}

/// What is under the three names.
pub(crate) struct World {
    pub(crate) name: Option<Described>,
    pub(crate) beside: Option<Described>,
    pub(crate) failed: Option<Described>,
}

impl Task {
    /// One of the three names.
    pub(crate) fn at(&self, place: Place) -> &InstanceName {
        match place {
            Place::Name => &self.name,
            Place::Beside => &self.beside,
            Place::Failed => &self.failed,
        }
    }

    /// Whether somebody decided that it is restored: a person, or the instance's policy.
    pub(crate) fn is_wanted(&self) -> bool {
        match self.asked.run.action {
            Action::Restore => true,
            Action::Migrate | Action::Baseline | Action::Repair | Action::Undo => {
                self.asked.instance.restore != RestorePolicy::Never
            }
            Action::Info | Action::Validate | Action::Keep | Action::Reopen => false,
        }
    }

    /// Whether nothing may be lost. A person's word is above the policy.
    pub(crate) fn must_be_lossless(&self) -> bool {
        self.asked.run.action != Action::Restore && self.asked.instance.restore == RestorePolicy::IfLossless
    }
}

impl<S: Snapshots> Restore<S> {
    /// What was noted at the snapshot of the run that is undone.
    pub(crate) async fn task(&self, asked: RestoreRequest) -> Result<Task, Failure> {
        let papers = self.access.papers();
        let found = papers.find(&asked.run.target, &asked.of, "snapshot.json").await;
        let Some(bytes) = found.map_err(|error| error.failure())? else {
            return Err(no_snapshot(format!("run {} took no snapshot", asked.of)));
        };
        let at_snapshot: Snapshotted =
            serde_json::from_slice(&bytes).map_err(|error| bug(format!("snapshot.json: {error}")))?;
        let configuration = papers.get_json(&at_snapshot.configuration).await;
        let name = asked.instance.name().clone();
        if name != at_snapshot.instance {
            let message = format!(
                "the target's instance is {name} now, and the snapshot of run {} is of {}",
                asked.of, at_snapshot.instance
            );
            return Err(Failure::new(Code::InstanceReplaced, message)
                .next("name that instance again in the target's SSM parameter, or restore by hand"));
        }
        Ok(Task {
            beside: name.beside(&asked.of),
            failed: name.failed(&asked.of),
            name,
            configuration: configuration.map_err(|error| error.failure())?,
            at_snapshot,
            asked,
        })
    }

    /// Looks under the three names; where a database that is renamed comes from before where it goes to.
    pub(crate) async fn look(&self, task: &Task) -> Result<World, Failure> {
        let look = async |name| self.snapshots.instance(name).await.map_err(|error| error.failure());
        Ok(World {
            beside: look(&task.beside).await?,
            name: look(&task.name).await?,
            failed: look(&task.failed).await?,
        })
    }

    /// What that is to this task.
    pub(crate) fn seen(&self, task: &Task, world: &World, now: Timestamp) -> Seen {
        let there = |described: &Described| There {
            which: self.which(task, described),
            status: described.status.clone(),
            settings: configured(task, described, now),
        };
        Seen {
            name: world.name.as_ref().map(there),
            beside: world.beside.as_ref().map(there),
            failed: world.failed.as_ref().map(there),
        }
    }

    fn which(&self, task: &Task, described: &Described) -> Which {
        let tagged = |key: &str, value: &str| described.tags.get(key).is_some_and(|tag| tag == value);
        if described.resource == task.at_snapshot.resource {
            Which::Old
        } else if tagged(STACK_TAG, &self.stack) && tagged(RUN_TAG, task.asked.of.as_str()) {
            Which::New
        } else {
            Which::Other
        }
    }

    /// How to log in to the database under the name, as the run that is undone: its own rows and sessions are no others'.
    pub(crate) async fn connect(&self, task: &Task) -> Result<Connect, Failure> {
        let connect = self.access.connect(&task.asked.run, &task.asked.target).await?;
        Ok(Connect {
            run: task.asked.of.clone(),
            ..connect
        })
    }

    /// K3: before each step that changes something.
    pub(crate) async fn must_be_mine(&self, task: &Task) -> Result<(), Failure> {
        let mine = self
            .locks
            .assert_mine(&task.asked.lock, &task.asked.run.execution)
            .await;
        mine.map_err(|error| error.failure())
    }
}

fn configured(task: &Task, described: &Described, now: Timestamp) -> Configured {
    let told: Option<Timestamp> = described.tags.get(MODIFIED_TAG).and_then(|at| at.parse().ok());
    let differs = !task.configuration.to_modify(&described.configuration).is_empty();
    match told {
        None if differs => Configured::No,
        Some(at) if (differs || !described.pending.is_empty()) && now.duration_since(at) < SETTLING => Configured::Soon,
        _ => Configured::Yes,
    }
}

/// Look again later.
pub(crate) fn pending(seen: String) -> RestoreReply {
    RestoreReply {
        status: Progress::Pending,
        seen,
        soon: false,
        restored: None,
    }
}

pub(crate) fn no_snapshot(message: String) -> Failure {
    Failure::new(Code::NoSnapshot, message).next("mend the database by hand, then accept it with the action keep")
}

pub(crate) fn bug(message: String) -> Failure {
    Failure::new(Code::Bug, message).next("report this with the execution's ARN")
}
