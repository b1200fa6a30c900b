//! What every implementation of [`Snapshots`] must do: each function is a test of one promise, on any provider. They use
//! names of their own, so that they can share one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use belay_model::{Code, InstanceName, SnapshotName};

use super::{Answer, Configuration, Described, RUN_TAG, STACK_TAG, Snapshots, Status, Tags, Taken};
use crate::RdsCall;

/// What a test does to the world besides asking the provider.
pub trait World {
    /// The provider.
    type Provider: Snapshots;

    /// The provider.
    fn provider(&self) -> &Self::Provider;

    /// Makes an instance that is available, with settings of every kind of [`Configuration::AFTERWARDS`].
    fn make(&self, name: &InstanceName) -> impl Future<Output = ()>;

    /// The next such call is refused with this error of RDS, once.
    fn fail(&self, call: RdsCall, error: &str);

    /// Lets a moment pass.
    fn pass(&self) -> impl Future<Output = ()> {
        async {}
    }
}

/// How often is looked before something counts as never coming.
const PATIENCE: u32 = 300;

/// What is not there is nothing, and can't be changed.
pub async fn what_is_not_there_is_nothing<W: World>(world: &W) {
    let provider = world.provider();
    let (instance, snapshot) = (instance("nothing"), snapshot("nothing"));
    assert_eq!(provider.instance(&instance).await.unwrap(), None);
    assert_eq!(provider.snapshot(&snapshot).await.unwrap(), None);
    assert_eq!(provider.snapshots(&tags("nothing")).await.unwrap(), Vec::new());
    assert_eq!(
        provider.take(&snapshot, &instance, &tags("nothing")).await.unwrap(),
        Answer::Gone
    );
    assert_eq!(provider.delete(&snapshot).await.unwrap(), Answer::Gone);
    assert_eq!(
        provider.rename(&instance, &"other".parse().unwrap()).await.unwrap(),
        Answer::Gone
    );
    let source = available(world, "nothing-source").await;
    let restored = provider
        .restore(&snapshot, &instance, &source.configuration, &tags("nothing"))
        .await;
    assert_eq!(restored.unwrap(), Answer::Gone);
}

/// A snapshot is of one database, has the tags that it was given, and can be deleted.
pub async fn a_snapshot_is_taken_and_deleted<W: World>(world: &W) {
    let provider = world.provider();
    let source = available(world, "taken").await;
    let (name, ours) = (snapshot("taken"), tags("taken"));
    assert_eq!(
        provider.take(&name, &source.name, &ours).await.unwrap(),
        Answer::Accepted
    );
    assert_eq!(provider.take(&name, &source.name, &ours).await.unwrap(), Answer::Exists);
    let taken = until_taken(world, &name).await;
    assert_eq!((&taken.resource, taken.percent), (&source.resource, 100));
    assert_eq!(
        ours.iter().find(|(key, value)| taken.tags.get(*key) != Some(*value)),
        None
    );
    assert!(taken.at.is_some() && taken.storage_gib > 0);
    assert_eq!(names(&provider.snapshots(&ours).await.unwrap()), [name.as_str()]);
    assert_eq!(provider.snapshots(&tags("somebody-else")).await.unwrap(), Vec::new());
    until_ready(world, &source.name).await;
    assert_eq!(provider.delete(&name).await.unwrap(), Answer::Accepted);
    until(world, async || provider.snapshot(&name).await.unwrap().is_none()).await;
    assert_eq!(provider.delete(&name).await.unwrap(), Answer::Gone);
}

/// A restore is another database with the settings and tags that it was given; the rest is given afterwards.
pub async fn a_restore_has_every_setting<W: World>(world: &W) {
    let provider = world.provider();
    let source = available(world, "restored").await;
    let name = snapshot("restored");
    let ours = tags("restored");
    assert_eq!(
        provider.take(&name, &source.name, &ours).await.unwrap(),
        Answer::Accepted
    );
    until_taken(world, &name).await;
    let to = instance("restored-beside");
    let restore = async || {
        provider
            .restore(&name, &to, &source.configuration, &ours)
            .await
            .unwrap()
    };
    assert_eq!(restore().await, Answer::Accepted);
    assert_eq!(restore().await, Answer::Exists);
    let restored = until_ready(world, &to).await;
    assert_ne!(restored.resource, source.resource);
    assert_ne!(restored.address, source.address);
    assert_eq!(
        ours.iter().find(|(key, value)| restored.tags.get(*key) != Some(*value)),
        None
    );
    let differences = source.configuration.differences(&restored.configuration);
    let by_restore = differences
        .iter()
        .filter(|difference| !Configuration::AFTERWARDS.contains(&difference.setting.as_str()));
    assert_eq!(by_restore.collect::<Vec<_>>(), Vec::<&belay_model::Difference>::new());

    let settings = source.configuration.to_modify(&restored.configuration);
    assert!(!settings.is_empty());
    let modified = provider.modify(&to, &source.configuration, &settings).await.unwrap();
    assert_eq!(modified, Answer::Accepted);
    until(world, async || {
        let now = provider.instance(&to).await.unwrap().unwrap();
        now.status == Status::Available && source.configuration.differences(&now.configuration).is_empty()
    })
    .await;
}

/// A rename keeps the database and its tags, and takes the address along.
pub async fn a_name_leads_to_one_database<W: World>(world: &W) {
    let provider = world.provider();
    let (one, other) = (available(world, "one").await, available(world, "other").await);
    let away = instance("one-away");
    assert_eq!(provider.rename(&one.name, &other.name).await.unwrap(), Answer::Exists);
    let marked: Tags = [("marked".to_owned(), "yes".to_owned())].into();
    assert_eq!(provider.tag(&one.arn, &marked).await.unwrap(), Answer::Accepted);
    assert_eq!(provider.rename(&one.name, &away).await.unwrap(), Answer::Accepted);
    let moved = until_ready(world, &away).await;
    assert_eq!(moved.resource, one.resource);
    assert_eq!(moved.tags.get("marked").map(String::as_str), Some("yes"));
    assert_ne!(moved.address, one.address);
    assert_eq!(one.configuration.differences(&moved.configuration).len(), 1, "the mark");
    until(world, async || provider.instance(&one.name).await.unwrap().is_none()).await;
    assert_eq!(provider.rename(&one.name, &away).await.unwrap(), Answer::Gone);
    assert_eq!(provider.rename(&other.name, &one.name).await.unwrap(), Answer::Accepted);
    let follower = until_ready(world, &one.name).await;
    assert_eq!(follower.resource, other.resource);
    let host = |described: &Described| described.address.clone().map(|address| address.host);
    assert_eq!(host(&follower), host(&one), "the host follows the name");
}

/// What can't be done now is told as such, and not as an error.
pub async fn a_refusal_says_whether_waiting_helps<W: World>(world: &W) {
    let provider = world.provider();
    let source = available(world, "refused").await;
    let name = snapshot("refused");
    let take = async |error: &str| {
        world.fail(RdsCall::Snapshot, error);
        let answer = provider.take(&name, &source.name, &tags("refused")).await;
        answer.map_err(|error| error.failure().code)
    };
    assert!(matches!(take("InvalidDBInstanceState").await, Ok(Answer::NotNow(_))));
    assert_eq!(take("SnapshotQuotaExceeded").await, Err(Code::SnapshotQuota));
    assert_eq!(take("KMSKeyNotAccessibleFault").await, Err(Code::SnapshotFailed));
    let rename = async |error: &str| {
        world.fail(RdsCall::Rename, error);
        let answer = provider.rename(&source.name, &instance("refused-away")).await;
        answer.map_err(|error| error.failure().code)
    };
    assert!(matches!(rename("InvalidDBInstanceState").await, Ok(Answer::NotNow(_))));
    assert_eq!(rename("AccessDenied").await, Err(Code::Rds));
    assert_eq!(rename("InvalidParameterCombination").await, Err(Code::RestoreFailed));
    assert_eq!(provider.snapshot(&name).await.unwrap(), None, "nothing of it was done");
    assert_eq!(
        provider.instance(&source.name).await.unwrap().unwrap().status,
        Status::Available
    );
}

/// Makes an instance and describes it.
async fn available<W: World>(world: &W, word: &str) -> Described {
    let name = instance(word);
    world.make(&name).await;
    until_ready(world, &name).await
}

async fn until_ready<W: World>(world: &W, name: &InstanceName) -> Described {
    until_some(world, async || {
        let described = world.provider().instance(name).await.unwrap();
        described.filter(|described| described.status == Status::Available)
    })
    .await
}

async fn until_taken<W: World>(world: &W, name: &SnapshotName) -> Taken {
    until_some(world, async || {
        let taken = world.provider().snapshot(name).await.unwrap();
        taken.filter(|taken| taken.status == Status::Available)
    })
    .await
}

async fn until<W: World>(world: &W, holds: impl AsyncFn() -> bool) {
    until_some(world, async || holds().await.then_some(())).await;
}

async fn until_some<W: World, T>(world: &W, look: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..PATIENCE {
        if let Some(seen) = look().await {
            return seen;
        }
        world.pass().await;
    }
    panic!("it did not come to pass in {PATIENCE} looks");
}

fn instance(word: &str) -> InstanceName {
    format!("conform-{word}").parse().unwrap()
}

fn snapshot(word: &str) -> SnapshotName {
    format!("belay-conform-{word}").parse().unwrap()
}

fn tags(run: &str) -> Tags {
    [(STACK_TAG, "conform"), (RUN_TAG, run)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn names(taken: &[Taken]) -> Vec<&str> {
    taken.iter().map(|taken| taken.name.as_str()).collect()
}
