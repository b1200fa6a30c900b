//! Which of Belay's own snapshots are not kept any longer.

use std::collections::HashSet;

use belay_aws::AwsError;
use belay_aws::snapshots::{Answer, INSTANCE_TAG, RUN_TAG, STACK_TAG, Snapshots, Status, TARGET_TAG, Tags, Taken};
use belay_model::{Instance, Retention, RunHeader, RunId, SnapshotName, Verdict, Verified};
use jiff::{SignedDuration, Timestamp};

use crate::Snapshot;

impl<S: Snapshots> Snapshot<S> {
    /// Deletes what the instance's retention does not keep. One that can't be deleted is a line in the log: there will be
    /// another run.
    pub(crate) async fn prune(&self, run: &RunHeader, instance: &Instance) {
        if let Err(error) = self.try_to_prune(run, instance).await {
            tracing::warn!(error = %error, "old snapshots can't be looked through");
        }
    }

    async fn try_to_prune(&self, run: &RunHeader, instance: &Instance) -> Result<(), AwsError> {
        let tags: Tags = [
            (STACK_TAG.to_owned(), self.stack.clone()),
            (INSTANCE_TAG.to_owned(), instance.name().to_string()),
        ]
        .into();
        let mut ours = self.snapshots.snapshots(&tags).await?;
        ours.retain(|taken| taken.status == Status::Available && taken.at.is_some());
        ours.sort_by_key(|taken| std::cmp::Reverse(taken.at));
        let spare = spare(&ours, instance.retention, &run.run(), Timestamp::now());
        if spare.is_empty() {
            return Ok(());
        }
        let good = self.last_good(&ours).await?;
        for name in spare.iter().filter(|name| Some(**name) != good) {
            match self.snapshots.delete(name).await {
                Ok(Answer::Accepted | Answer::Gone) => tracing::info!(snapshot = %name, "deleted by the retention"),
                Ok(answer) => tracing::warn!(snapshot = %name, answer = ?answer, "can't be deleted now"),
                Err(error) => tracing::warn!(snapshot = %name, error = %error, "can't be deleted"),
            }
        }
        Ok(())
    }

    /// The newest snapshot of a run whose migrations are in the database.
    async fn last_good<'a>(&self, ours: &'a [Taken]) -> Result<Option<&'a SnapshotName>, AwsError> {
        let mut asked = HashSet::new();
        for taken in ours {
            let (Some(target), Some(run)) = (taken.tags.get(TARGET_TAG), run_of(taken)) else {
                continue;
            };
            if !asked.insert(run.clone()) {
                continue;
            }
            let paper = self.access.papers().find(target, &run, "verified.json").await?;
            let verified = paper.and_then(|bytes| serde_json::from_slice::<Verified>(&bytes).ok());
            if verified.is_some_and(|verified| verified.verdict == Verdict::After) {
                return Ok(Some(&taken.name));
            }
        }
        Ok(None)
    }
}

fn run_of(taken: &Taken) -> Option<RunId> {
    taken.tags.get(RUN_TAG)?.parse().ok()
}

/// Those that are beyond both the count and the days, newest first, but none of the run that asks.
fn spare<'a>(ours: &'a [Taken], retention: Retention, run: &RunId, now: Timestamp) -> Vec<&'a SnapshotName> {
    let kept = usize::try_from(retention.count).unwrap_or(usize::MAX);
    let days = SignedDuration::from_hours(24 * i64::from(retention.days));
    ours.iter()
        .skip(kept)
        .filter(|taken| taken.at.is_some_and(|at| now.duration_since(at) >= days))
        .filter(|taken| run_of(taken).as_ref() != Some(run))
        .map(|taken| &taken.name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(name: &str, run: &RunId, days: i64, now: Timestamp) -> Taken {
        Taken {
            name: name.parse().unwrap(),
            resource: "db-A".to_owned(),
            status: Status::Available,
            percent: 100,
            at: Some(now - SignedDuration::from_hours(24 * days)),
            storage_gib: 20,
            tags: [(RUN_TAG.to_owned(), run.to_string())].into(),
        }
    }

    #[test]
    fn a_snapshot_is_spare_beyond_count_and_days() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let (mine, other) = (RunId::of_execution("mine"), RunId::of_execution("other"));
        let ours = [
            taken("a", &mine, 0, now),
            taken("b", &other, 5, now),
            taken("c", &other, 40, now),
            taken("d", &mine, 50, now),
            taken("e", &other, 60, now),
        ];
        for (count, days, spared) in [
            (0, 0, vec!["b", "c", "e"]),
            (1, 0, vec!["b", "c", "e"]),
            (2, 0, vec!["c", "e"]),
            (0, 30, vec!["c", "e"]),
            (3, 30, vec!["e"]),
            (5, 0, vec![]),
            (0, 61, vec![]),
            (u32::MAX, u32::MAX, vec![]),
        ] {
            let found = spare(&ours, Retention { count, days }, &mine, now);
            let found: Vec<_> = found.iter().map(|name| name.as_str()).collect();
            assert_eq!(found, spared, "{count} {days}");
        }
    }
}
