//! Whether the instance can be snapshotted and, if it comes to that, restored; and what it is set to. Only reads.

use belay_aws::snapshots::{Described, Quotas, Room, Snapshots, Status};
use belay_model::{Code, Endpoint, Failure, Instance, PrepareReply, RestorePolicy, RunHeader, Target};

use crate::Snapshot;

impl<S: Snapshots> Snapshot<S> {
    /// Notes the configuration of an instance that is fit, before anything is changed (rule R1).
    pub(crate) async fn prepare(
        &self,
        run: &RunHeader,
        target: &Target,
        instance: &Instance,
    ) -> Result<PrepareReply, Failure> {
        let name = instance.name();
        let described = self.snapshots.instance(name).await.map_err(|error| error.failure())?;
        let described = described.ok_or_else(|| {
            Failure::new(
                Code::InstanceUnfit,
                format!("there is no DB instance {name} in this region"),
            )
            .next("correct the instance's SSM parameter, then start a new execution with the same input")
        })?;
        let quotas = self.snapshots.quotas().await.map_err(|error| error.failure())?;
        let refused = not_the_targets(&described, &target.endpoint)
            .or_else(|| not_fit(&described))
            .or_else(|| too_full(&quotas, &described, instance.restore));
        if let Some(failure) = refused {
            return Err(failure);
        }
        let mut configuration = described.configuration;
        configuration.proxies = match self.snapshots.proxies(name).await {
            Ok(proxies) => Some(proxies),
            // Only words for people hang on it.
            Err(error) => {
                tracing::warn!(error = %error, "the proxies can't be asked");
                None
            }
        };
        let papers = self.access.papers();
        let paper = papers.put_json(run, "configuration.json", &configuration).await;
        Ok(PrepareReply {
            configuration: paper.map_err(|error| error.failure())?,
        })
    }
}

/// What is snapshotted must be what is changed.
fn not_the_targets(described: &Described, endpoint: &Endpoint) -> Option<Failure> {
    let plain = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
    let Some(address) = &described.address else {
        return Some(unfit(described, "it has no address"));
    };
    if plain(&address.host) == plain(&endpoint.host) && address.port == endpoint.port {
        return None;
    }
    let message = format!(
        "the target's endpoint is {}:{}, and the DB instance {} answers at {}:{}",
        endpoint.host, endpoint.port, described.name, address.host, address.port
    );
    let failure = Failure::new(Code::InstanceMismatch, message);
    Some(failure.next("name the target's own instance in its SSM parameter, or correct its endpoint, then start again"))
}

fn not_fit(described: &Described) -> Option<Failure> {
    let configuration = &described.configuration;
    if let Some(cluster) = &configuration.cluster {
        return Some(unfit(described, &format!("it is a member of the cluster {cluster}")));
    }
    if let Some(source) = &configuration.replica_of {
        return Some(unfit(described, &format!("it is a replica of {source}")));
    }
    match &described.status {
        // A backup of every night is no reason to refuse a bundle: the snapshot waits for its end.
        Status::Available | Status::Changing(_) => None,
        Status::Broken(word) => Some(unfit(described, &format!("it is {word}"))),
    }
}

fn unfit(described: &Described, why: &str) -> Failure {
    let message = format!(
        "RDS could not snapshot and restore the DB instance {}: {why}",
        described.name
    );
    Failure::new(Code::InstanceUnfit, message)
        .next("start a new execution with the same input once it is a DB instance of its own, and available")
}

fn too_full(quotas: &Quotas, described: &Described, policy: RestorePolicy) -> Option<Failure> {
    let gib = described.configuration.settings.allocated_storage.unwrap_or_default();
    let gib = u64::try_from(gib).unwrap_or_default();
    let restores = policy != RestorePolicy::Never;
    no_room("manual snapshots", quotas.snapshots, 1)
        .or_else(|| no_room("DB instances", quotas.instances.filter(|_| restores), 1))
        .or_else(|| no_room("GiB of storage", quotas.storage_gib.filter(|_| restores), gib))
}

/// Also asked right before a snapshot is taken.
pub(crate) fn no_room(of: &str, room: Option<Room>, more: u64) -> Option<Failure> {
    let room = room.filter(|room| !room.fits(more))?;
    let message = format!(
        "the account has {} of at most {} {of} in this region, and {more} more would be needed",
        room.used, room.max
    );
    Some(Failure::new(Code::SnapshotQuota, message).next(
        "delete what is not needed any more, or ask for a higher quota, then start a new execution with the same input",
    ))
}
