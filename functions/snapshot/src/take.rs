//! The attempt's snapshot: what is in the database is noted, then it is taken, then waited for.

use belay_aws::snapshots::{
    Answer, BUNDLE_TAG, Configuration, INSTANCE_TAG, RUN_TAG, STACK_TAG, Snapshots, Status, TARGET_TAG, Tags, Taken,
};
use belay_engine::{Census, horizon, take_census};
use belay_model::{
    Attempt, Code, Failure, Instance, LockRef, PaperRef, Plan, PlanDigest, Progress, RunHeader, SnapshotName,
    SnapshotReply, Snapshotted, Target,
};
use jiff::Timestamp;

use crate::Snapshot;
use crate::prepare::no_room;

/// What `snapshot` was asked to take.
pub(crate) struct Asked {
    pub(crate) name: SnapshotName,
    pub(crate) run: RunHeader,
    pub(crate) target: Target,
    pub(crate) instance: Instance,
    pub(crate) attempt: Attempt,
    pub(crate) plan: PaperRef,
    pub(crate) digest: PlanDigest,
    pub(crate) configuration: PaperRef,
    pub(crate) lock: LockRef,
}

impl<S: Snapshots> Snapshot<S> {
    /// Does what is due.
    pub(crate) async fn take(&self, asked: &Asked) -> Result<SnapshotReply, Failure> {
        self.must_be_mine(&asked.lock, &asked.run).await?;
        let configuration = self.access.papers().get_json(&asked.configuration).await;
        let configuration: Configuration = configuration.map_err(|error| error.failure())?;
        let there = self.snapshots.snapshot(&asked.name).await;
        match there.map_err(|error| error.failure())? {
            None => self.begin(asked, &configuration).await,
            Some(taken) => self.follow(asked, &configuration, &taken).await,
        }
    }

    async fn begin(&self, asked: &Asked, configuration: &Configuration) -> Result<SnapshotReply, Failure> {
        let instance = asked.instance.name();
        let described = self.snapshots.instance(instance).await;
        let described = described.map_err(|error| error.failure())?;
        let described = described.ok_or_else(|| replaced(asked, "is gone"))?;
        if described.resource != configuration.dbi_resource_id {
            return Err(replaced(asked, "is another database than when the run began"));
        }
        match &described.status {
            Status::Available => {}
            Status::Changing(word) => return Ok(pending(format!("{instance} is {word}"))),
            Status::Broken(word) => {
                let failure = Failure::new(Code::InstanceUnfit, format!("the DB instance {instance} is {word}"));
                return Err(failure.next("mend it in RDS, then start a new execution with the same input"));
            }
        }
        let quotas = self.snapshots.quotas().await.map_err(|error| error.failure())?;
        if let Some(failure) = no_room("manual snapshots", quotas.snapshots, 1) {
            return Err(failure);
        }
        let plan = self.access.plan(&asked.plan, &asked.digest).await?;
        self.count(asked, &plan).await?;
        // Counting takes its time.
        self.must_be_mine(&asked.lock, &asked.run).await?;
        let answer = self
            .snapshots
            .take(&asked.name, instance, &self.tags(asked, &plan))
            .await;
        Ok(pending(match answer.map_err(|error| error.failure())? {
            Answer::Accepted => format!("{} is begun", asked.name),
            Answer::Exists => format!("{} is there, and not described yet", asked.name),
            Answer::NotNow(why) => format!("{instance} can't be snapshotted now: {why}"),
            Answer::Gone => return Err(replaced(asked, "is gone")),
        }))
    }

    /// What is in the database, noted once for an attempt and before its snapshot is begun (rule R1).
    async fn count(&self, asked: &Asked, plan: &Plan) -> Result<(), Failure> {
        if self.counted(asked).await?.is_some() {
            return Ok(());
        }
        let quiesced = self.has_closed_the_door(&asked.run, &asked.lock).await?;
        let connect = self.access.connect(&asked.run, &asked.target).await?;
        let census = take_census(&connect, &plan.history, quiesced).await;
        let census = census.map_err(|error| error.failure())?;
        let papers = self.access.papers();
        let noted = papers
            .put_json(&asked.run, &counted_paper(asked.attempt), &census)
            .await;
        noted.map(|_| ()).map_err(|error| error.failure())
    }

    async fn counted(&self, asked: &Asked) -> Result<Option<Census>, Failure> {
        let papers = self.access.papers();
        let name = counted_paper(asked.attempt);
        let found = papers.find(&asked.run.target, &asked.run.run(), &name).await;
        let found = found.map_err(|error| error.failure())?;
        let read = found.map(|bytes| serde_json::from_slice(&bytes));
        read.transpose()
            .map_err(|error| Failure::new(Code::Bug, format!("{name}: {error}")))
    }

    async fn follow(
        &self,
        asked: &Asked,
        configuration: &Configuration,
        taken: &Taken,
    ) -> Result<SnapshotReply, Failure> {
        let name = &asked.name;
        let ours = taken.tags.get(STACK_TAG) == Some(&self.stack)
            && taken.tags.get(RUN_TAG).map(String::as_str) == Some(asked.run.run().as_str());
        if !ours {
            return Err(failed(format!(
                "there is a snapshot {name}, and this run has not taken it"
            )));
        }
        if taken.resource != configuration.dbi_resource_id {
            return Err(replaced(asked, "is another database than when the run began"));
        }
        match &taken.status {
            Status::Changing(word) => Ok(pending(format!("{name} is {word}, {} %", taken.percent))),
            Status::Broken(word) => Err(failed(format!("the snapshot {name} is {word}"))),
            Status::Available => self.finish(asked, taken).await,
        }
    }

    async fn finish(&self, asked: &Asked, taken: &Taken) -> Result<SnapshotReply, Failure> {
        let Some(mut census) = self.counted(asked).await? else {
            let message = format!("what was in the database when {} was taken is not noted", asked.name);
            return Err(failed(message));
        };
        let connect = self.access.connect(&asked.run, &asked.target).await?;
        // What was committed until now may be in the snapshot: only what comes from now on is sure to be missing there.
        census.horizon = horizon(&connect).await.map_err(|error| error.failure())?;
        let papers = self.access.papers();
        let noted = papers.put_json(&asked.run, "census.json", &census).await;
        let paper = Snapshotted {
            snapshot: asked.name.clone(),
            instance: asked.instance.name().clone(),
            resource: taken.resource.clone(),
            attempt: asked.attempt,
            plan: asked.plan.clone(),
            digest: asked.digest,
            configuration: asked.configuration.clone(),
            census: noted.map_err(|error| error.failure())?,
            quiesced: census.quiesced && self.has_closed_the_door(&asked.run, &asked.lock).await?,
            at: taken.at.unwrap_or_else(Timestamp::now),
        };
        let written = papers.put_json(&asked.run, "snapshot.json", &paper).await;
        self.prune(&asked.run, &asked.instance).await;
        Ok(SnapshotReply {
            status: Progress::Done,
            seen: format!("{} is available", asked.name),
            snapshot: Some(written.map_err(|error| error.failure())?),
        })
    }

    fn tags(&self, asked: &Asked, plan: &Plan) -> Tags {
        [
            (STACK_TAG, self.stack.clone()),
            (TARGET_TAG, asked.run.target.clone()),
            (RUN_TAG, asked.run.run().to_string()),
            (BUNDLE_TAG, plan.bundle.to_string()),
            (INSTANCE_TAG, asked.instance.name().to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }
}

fn counted_paper(attempt: Attempt) -> String {
    format!("census-{attempt}.json")
}

fn pending(seen: String) -> SnapshotReply {
    SnapshotReply {
        status: Progress::Pending,
        seen,
        snapshot: None,
    }
}

fn failed(message: String) -> Failure {
    Failure::new(Code::SnapshotFailed, message)
        .next("look at the snapshot in RDS, then start a new execution with the same input")
}

fn replaced(asked: &Asked, how: &str) -> Failure {
    let message = format!("the DB instance {} {how}", asked.instance.name());
    Failure::new(Code::InstanceReplaced, message)
        .next("find out who changes the instance, then start a new execution with the same input")
}
