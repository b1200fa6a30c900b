//! The ways out of a quarantine, the way back from a release that turns out bad, and what a restore leaves to do.

use belay_model::{Action, BundleRef, LeftOver, Outcome, Restored};

use crate::execution::{Input, start};
use crate::plain::{line, lines, shell_word};
use crate::report::Block;
use crate::sections::undoing;
use crate::story::{Story, Trouble};

/// The ways out of a quarantine because of this run.
pub(super) fn out(story: &Story<'_>, run: &str) -> Vec<Block> {
    let settled = matches!(story.trouble(), Some(Trouble::Door(_)));
    let named = |action| Input {
        action: Some(action),
        run: Some(run),
        ..Input::of(&story.result.target)
    };
    let restore = start(story, &named(Action::Restore))
        .filter(|_| !settled)
        .and_then(|command| Some(Block::Command(to_restore(story)?, command)));
    let unlock = story
        .lock
        .filter(|_| !settled)
        .map(|lock| Block::Command(to_unlock(story).to_owned(), unlock(story, lock, run)));
    let keep = start(story, &named(Action::Keep)).map(|command| {
        let purpose = match story.trouble() {
            Some(Trouble::Door(_)) => "To open the door and free the target",
            _ if story.result.kept_out.is_empty() => {
                "To accept the database as it is (finish or take back by hand first what is half done)"
            }
            _ => {
                "To accept the database as it is, and open the door (finish or take back by hand first what is half \
                 done)"
            }
        };
        Block::Command(purpose.to_owned(), command)
    });
    let prepare = restore.as_ref().and_then(|_| to_prepare(story));
    restore.into_iter().chain(prepare).chain(unlock).chain(keep).collect()
}

/// What a restore needs that the instance does not say yet.
fn to_prepare(story: &Story<'_>) -> Option<Block> {
    let instance = story.instance.filter(|instance| instance.quiesce.roles.is_empty())?;
    Some(Block::Words(format!(
        "Before that, let quiesce.roles in the parameter of {} name every role that can log in, but Belay's own: a \
         restore keeps them out while the databases are swapped, and is refused if another one could log in.",
        instance.name()
    )))
}

/// What a restore of the snapshot would come to; nothing where there is none to restore, or it is in its place already.
fn to_restore(story: &Story<'_>) -> Option<String> {
    let taken = story.snapshot?;
    if story.result.restored.is_some() {
        return None;
    }
    Some(format!(
        "To go back to snapshot {} of {}, with every database of {} (it {})",
        taken.snapshot,
        taken.at,
        taken.instance,
        undoing::loss(story)
    ))
}

fn to_unlock(story: &Story<'_>) -> &'static str {
    let half_done = story
        .result
        .verified
        .as_ref()
        .is_some_and(|verified| !verified.open_units.is_empty());
    if half_done {
        "To go on with the half-done file where it stopped: free the target, then upload a bundle that holds that very \
         file"
    } else if story.result.restored.is_some() {
        "To accept what was restored: free the target"
    } else {
        "To go on with a corrected bundle: free the target, then upload it; it begins with what is not in"
    }
}

fn unlock(story: &Story<'_>, lock: &str, run: &str) -> String {
    format!(
        "belay unlock --table {} --lock {} --run {}",
        shell_word(story.lock_table),
        shell_word(lock),
        shell_word(run)
    )
}

/// The same request once more.
pub(super) fn again(story: &Story<'_>, purpose: &str) -> Option<Block> {
    let bundle = story.result.bundle.as_ref()?;
    bundle.version_id.as_deref()?;
    let input = Input {
        action: Some(story.action).filter(|action| *action != Action::Migrate),
        bundle: Some(BundleRef {
            sequencer: None,
            ..bundle.clone()
        }),
        flyway: Some(story.flyway).filter(|flyway| !flyway.is_empty()),
        ..Input::of(&story.result.target)
    };
    Some(Block::Command(purpose.to_owned(), start(story, &input)?))
}

/// How to get at the database as it was, after a success.
pub(super) fn back_by_hand(story: &Story<'_>) -> Vec<Block> {
    let changed = match story.result.status.parse() {
        Ok(Outcome::Migrated) => true,
        Ok(Outcome::Done) => story.action.planned().is_some(),
        _ => false,
    };
    let Some(taken) = story.snapshot.filter(|_| changed) else {
        return Vec::new();
    };
    let settings = line(&format!("s3://{}/{}", story.bucket, taken.configuration.key));
    let mut blocks = vec![
        Block::Command(
            format!(
                "Snapshot {} holds {} as it was before this run, with every database on it. To have that beside the \
                 live one, which stays as it is",
                taken.snapshot, taken.instance
            ),
            // A snapshot's name is an instance's too, and says what it is.
            format!(
                "aws rds restore-db-instance-from-db-snapshot --db-snapshot-identifier {0} --db-instance-identifier {0}",
                taken.snapshot
            ),
        ),
        Block::Words(format!(
            "Give it the subnet group, security groups and parameter group that {settings} names: RDS's defaults are \
             others. What was written after the snapshot is not in it; the runbook says how to put it in the place of \
             {}.",
            taken.instance
        )),
    ];
    if let Some(kept) = story.instance.map(|instance| instance.retention) {
        blocks.push(Block::Words(format!(
            "Belay deletes a snapshot of its own when {} newer ones are there and it is older than {} days.",
            kept.count, kept.days
        )));
    }
    blocks
}

/// What a restore leaves to do: what it could not carry over, and the failed database.
pub(super) fn after_restore(story: &Story<'_>) -> Vec<Block> {
    let Some(restored) = &story.result.restored else {
        return Vec::new();
    };
    let mut blocks: Vec<_> = restored.left.iter().map(left_over).collect();
    blocks.extend(look_into(restored));
    blocks.extend(delete(restored));
    blocks
}

fn left_over(left: &LeftOver) -> Block {
    let what = line(&left.what);
    let what = what.trim_end_matches('.');
    Block::Command(format!("Not carried over: {what}"), lines(&left.next).join(" "))
}

fn look_into(restored: &Restored) -> Vec<Block> {
    let Restored { failed, .. } = restored;
    vec![Block::Command(
        "To look into the failed database: log in as the migration role at this address (whoever was kept out can't \
         log in there)"
            .to_owned(),
        format!(
            "aws rds describe-db-instances --db-instance-identifier {failed} --query \
             'DBInstances[0].[Endpoint.Address,Endpoint.Port]' --output text"
        ),
    )]
}

/// The way to delete the failed database. Its backups, which go back to before the run, are kept.
fn delete(restored: &Restored) -> Vec<Block> {
    let Restored { failed, lossless, .. } = restored;
    let last = if *lossless {
        "--skip-final-snapshot".to_owned()
    } else {
        format!("--final-db-snapshot-identifier {failed}-final")
    };
    let warning = if *lossless {
        "Belay never deletes it. It is the only trace of what the failed run did."
    } else {
        "Belay never deletes it. It holds the only copy of what others wrote after the snapshot: take that over first."
    };
    vec![
        Block::Words(warning.to_owned()),
        Block::Command(
            "To delete it when nobody needs it any more (first, if it is protected: aws rds modify-db-instance \
             --db-instance-identifier … --no-deletion-protection --apply-immediately)"
                .to_owned(),
            format!(
                "aws rds delete-db-instance --db-instance-identifier {failed} {last} --no-delete-automated-backups"
            ),
        ),
    ]
}
