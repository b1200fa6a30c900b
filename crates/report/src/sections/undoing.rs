//! What a restore did, and why there was none.

use belay_model::{Code, Compared, Outcome, Rds, RestorePolicy, Restored, SnapshotPolicy, Verdict, Writes};

use crate::plain::{amount, line, thousands};
use crate::report::Block;
use crate::sections::what::quote;
use crate::story::{Story, Trouble};

/// Why the run was not undone, or the door not opened: belongs to what happened.
pub(super) fn trouble(story: &Story<'_>) -> Vec<Block> {
    if story.result.status.parse() != Ok(Outcome::NeedsOperator) {
        return Vec::new();
    }
    let Some(compensation) = &story.result.compensation else {
        return not_tried(story).into_iter().map(Block::Words).collect();
    };
    let heading = match story.trouble() {
        Some(Trouble::Door(_)) => "The door could not be opened:",
        _ => "It was not restored:",
    };
    let mut blocks = vec![Block::Words(heading.to_owned())];
    blocks.extend(quote(compensation));
    blocks
}

/// Why Belay did not try to restore.
fn not_tried(story: &Story<'_>) -> Option<String> {
    let instance = story.instance?;
    let name = instance.name();
    let verdict = story.result.verified.as_ref().map(|verified| verified.verdict)?;
    if story.trouble().is_some() {
        return None;
    }
    if instance.snapshot == SnapshotPolicy::Never {
        return Some(format!(
            "There is no snapshot to go back to: {name} is never snapshotted."
        ));
    }
    match (verdict, instance.restore) {
        (_, RestorePolicy::Never) => Some(format!(
            "Belay restores nothing by itself here: that is the policy of {name}."
        )),
        (Verdict::Between, _) => None,
        _ => Some("Belay restores by itself only what is half in.".to_owned()),
    }
}

/// The section on what a restore did.
pub(super) fn restored(story: &Story<'_>) -> Vec<Block> {
    let Some(restored) = &story.result.restored else {
        return Vec::new();
    };
    let mut blocks = vec![
        Block::Words(format!(
            "Snapshot {} was restored beside {}, checked, and then put in its place; the endpoint is the same.",
            restored.snapshot, restored.instance
        )),
        Block::Words(compared(restored.compared)),
        Block::Words(format!(
            "The failed database is kept as {}. It costs as much as before until somebody deletes it.",
            restored.failed
        )),
        Block::Words(written(restored)),
    ];
    if !restored.writes.is_empty() {
        blocks.push(Block::List("At least".to_owned(), writes(&restored.writes)));
    }
    let differences = restored
        .differences
        .iter()
        .map(|d| format!("{}: was {}, is {}", line(&d.setting), line(&d.before), line(&d.after)))
        .collect::<Vec<_>>();
    if differences.is_empty() {
        blocks.push(Block::Words(
            "Every setting of the instance that was noted is as it was.".to_owned(),
        ));
    } else {
        blocks.push(Block::List(
            "Settings that are not as they were".to_owned(),
            differences,
        ));
    }
    blocks.push(Block::Words(
        "For RDS it is a new database: its backups and point-in-time recovery begin anew, and its first queries are \
         slow, since blocks are loaded when they are first read."
            .to_owned(),
    ));
    blocks
}

fn compared(compared: Compared) -> String {
    let Compared { tables, counted, rows } = compared;
    let there = format!(
        "Compared with what was noted at the snapshot: {} there and can be read",
        amount(tables, "table is", "tables are")
    );
    match counted {
        0 => format!("{there}; their rows were not counted."),
        all if all == tables => format!(
            "{there}, with {}, as many in each as before.",
            amount(rows, "row", "rows")
        ),
        some => format!(
            "{there}; in {} of them the rows were counted: {}, as many in each as before.",
            thousands(some),
            amount(rows, "row", "rows")
        ),
    }
}

fn written(restored: &Restored) -> String {
    let failed = &restored.failed;
    if restored.lossless {
        "Nothing that others wrote is lost: they were kept out since before the snapshot.".to_owned()
    } else if restored.writes.is_empty() {
        format!("What others may have written after the snapshot is only in {failed}; no such write was seen.")
    } else {
        format!("What others wrote after the snapshot is only in {failed}.")
    }
}

/// A line for each table or database that others wrote to.
pub(super) fn writes(writes: &[Writes]) -> Vec<String> {
    let told = writes.iter().map(|w| {
        let rows = amount(w.rows, "row", "rows");
        match &w.table {
            Some(table) => format!("{rows} in {}.{}", line(&w.database), line(table)),
            None => format!("{rows} in {}", line(&w.database)),
        }
    });
    told.collect()
}

/// What a restore by a person would lose.
pub(super) fn loss(story: &Story<'_>) -> String {
    let quiesced = story.snapshot.is_some_and(|snapshot| snapshot.quiesced);
    let closed = quiesced && !story.result.kept_out.is_empty();
    let opened = story
        .result
        .compensation
        .as_ref()
        .is_some_and(|c| c.code == Code::NotLossless);
    let seen: u64 = story
        .result
        .verified
        .iter()
        .flat_map(|verified| &verified.writes)
        .fold(0, |sum, w| sum.saturating_add(w.rows));
    match seen {
        0 if closed && !opened => "loses nothing of others: they are kept out since before it".to_owned(),
        0 => "loses what others wrote after it: no such write was seen, which does not prove that there is none"
            .to_owned(),
        rows => format!(
            "loses what others wrote after it: at least {}, see above",
            amount(rows, "row", "rows")
        ),
    }
}

/// Which databases there can be, and how to see which there are.
pub(super) fn databases(story: &Story<'_>) -> Vec<Block> {
    let undone = matches!(story.trouble(), Some(Trouble::NotUndone | Trouble::RestoredOtherwise));
    let (Some(instance), true) = (story.instance, undone) else {
        return Vec::new();
    };
    let Rds::Instance(name) = &instance.rds else {
        return Vec::new();
    };
    let run = story.of.unwrap_or(&story.result.run);
    let (beside, failed) = (name.beside(run), name.failed(run));
    vec![
        Block::Words(format!(
            "Belay deletes no database. Under {name} is the one that the endpoint leads to; a restore is built as \
             {beside}; after the swap the failed one is {failed}."
        )),
        Block::Command(
            "To see which of them are there".to_owned(),
            format!(
                "aws rds describe-db-instances --query \"DBInstances[?contains(['{name}','{beside}','{failed}'], \
                 DBInstanceIdentifier)].[DBInstanceIdentifier,DBInstanceStatus,InstanceCreateTime]\" --output text"
            ),
        ),
    ]
}
