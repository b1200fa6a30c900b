//! What commits together: pending files as groups and lone files (rules U1 and U2).

use std::collections::HashSet;

use belay_model::{Code, Place, PlannedFile, PlannedMigration, Problem, TransactionMode, Unit, UnitKind};

use crate::classify::{StatementKind, mentions};
use crate::script::Script;

/// How many files `auto` puts into one group at most.
const GROUP_FILES: usize = 20;

/// How many bytes of SQL `auto` puts into one group at most.
const GROUP_BYTES: usize = 16 << 20;

/// What of a file decides where it goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traits {
    lone: Option<String>,
    bytes: usize,
    relations: usize,
    adds_enum_value: bool,
    temporary: Vec<String>,
    pub(crate) defers_constraints: bool,
}

impl Traits {
    /// Whether the file can't be in a transaction of ours.
    pub(crate) fn is_lone(&self) -> bool {
        self.lone.is_some()
    }

    /// Looks at a file. `in_transaction` is what its `.conf` says.
    pub(crate) fn of(script: &Script, in_transaction: Option<bool>) -> Self {
        let lone = match in_transaction {
            Some(false) => Some("its .conf says executeInTransaction=false".to_owned()),
            _ => script.kinds().enumerate().find_map(|(index, kind)| {
                let why = lone_reason(kind)?;
                let place = script.statement_place(index);
                Some(format!("line {}: {why}", place.line.unwrap_or_default()))
            }),
        };
        let statements = script.statements();
        Self {
            lone,
            bytes: script.sql().len(),
            relations: statements.iter().filter(|s| s.nature.creates_relation).count(),
            adds_enum_value: statements.iter().any(|s| s.nature.adds_enum_value),
            temporary: statements
                .iter()
                .filter_map(|s| s.nature.temporary_table.as_deref())
                .map(str::to_owned)
                .collect(),
            defers_constraints: mentions(script.sql(), "deferred"),
        }
    }
}

fn lone_reason(kind: StatementKind) -> Option<&'static str> {
    match kind {
        StatementKind::Begin | StatementKind::Commit | StatementKind::Rollback => {
            Some("it has its own transaction control")
        }
        StatementKind::SetTransaction => Some("SET TRANSACTION must come first in a transaction"),
        StatementKind::Alone => Some("PostgreSQL refuses this statement inside a transaction"),
        _ => None,
    }
}

/// The units of the pending files, and why they are so.
#[derive(Debug)]
pub(crate) struct Units {
    pub(crate) units: Vec<Unit>,
    pub(crate) reason: String,
}

/// Puts the pending files into units. `relation_cap` is how many relations one transaction may create, `base` the highest
/// rank of the history.
///
/// # Errors
/// With [`TransactionMode::All`], what only grouping would break.
pub(crate) fn units(
    pending: Vec<(PlannedMigration, Traits)>,
    mode: TransactionMode,
    relation_cap: usize,
    base: Option<i32>,
) -> Result<Units, Vec<Problem>> {
    let obstacle = obstacle(&pending, relation_cap);
    let (together, reason) = match (mode, obstacle) {
        (TransactionMode::Each, _) => (false, "transaction = each".to_owned()),
        (TransactionMode::All, Some(obstacle)) => return Err(vec![obstacle]),
        (TransactionMode::All, None) => (true, "transaction = all".to_owned()),
        (TransactionMode::Auto, _) if pending.len() <= 1 => (true, "one file is pending".to_owned()),
        (TransactionMode::Auto, Some(obstacle)) => (false, obstacle.message),
        (TransactionMode::Auto, None) => auto(&pending),
    };
    let mut units: Vec<Unit> = Vec::new();
    for (migration, traits) in pending {
        let kind = if traits.lone.is_some() {
            UnitKind::Lone
        } else {
            UnitKind::Group
        };
        match units.last_mut() {
            Some(last) if together && kind == UnitKind::Group && last.kind == UnitKind::Group => {
                last.files.push(PlannedFile::Migration(migration))
            }
            _ => units.push(Unit {
                kind,
                reason: traits.lone,
                // Before the first: as Plan found it.
                base_rank: if units.is_empty() {
                    base
                } else {
                    Some(migration.rank - 1)
                },
                files: vec![PlannedFile::Migration(migration)],
                changes: Vec::new(),
            }),
        }
    }
    Ok(Units { units, reason })
}

fn auto(pending: &[(PlannedMigration, Traits)]) -> (bool, String) {
    let bytes: usize = pending.iter().map(|(_, traits)| traits.bytes).sum();
    let lone = pending
        .iter()
        .find_map(|(migration, traits)| Some((migration, traits.lone.as_ref()?)));
    if pending.len() > GROUP_FILES {
        (
            false,
            format!(
                "{} files are pending, more than {GROUP_FILES}: each commits by itself",
                pending.len()
            ),
        )
    } else if let Some((migration, why)) = lone {
        (
            false,
            format!(
                "{} can't be in a transaction of ours ({why}): each file commits by itself",
                migration.path
            ),
        )
    } else if bytes > GROUP_BYTES {
        (
            false,
            format!("{bytes} bytes are pending, more than {GROUP_BYTES}: each file commits by itself"),
        )
    } else {
        (
            true,
            format!("{} files are pending and all can share one transaction", pending.len()),
        )
    }
}

/// What works file by file and breaks in one transaction.
fn obstacle(pending: &[(PlannedMigration, Traits)], relation_cap: usize) -> Option<Problem> {
    let at = |migration: &PlannedMigration, code: Code, message: String| Problem {
        code,
        place: Some(Place::file(&migration.path)),
        message,
    };
    let mut temporary: HashSet<&str> = HashSet::new();
    let last = pending.len().saturating_sub(1);
    for (index, (migration, traits)) in pending.iter().enumerate() {
        if traits.adds_enum_value && index < last {
            let message = format!(
                "{} adds a value to an enum, which later files can't use in the same transaction: each file commits by itself",
                migration.path
            );
            return Some(at(migration, Code::NotGroupable, message));
        }
        for name in &traits.temporary {
            if !temporary.insert(name) {
                let message = format!(
                    "{} creates temporary table {} again, which is still there in the same transaction: each file commits by itself",
                    migration.path,
                    name.to_lowercase()
                );
                return Some(at(migration, Code::NotGroupable, message));
            }
        }
    }
    let relations: usize = pending.iter().map(|(_, traits)| traits.relations).sum();
    let (migration, _) = pending.last()?;
    (relations > relation_cap && pending.len() > 1).then(|| {
        let message = format!(
            "{relations} relations are created, and one transaction can lock about {relation_cap} (raise max_locks_per_transaction): each file commits by itself"
        );
        at(migration, Code::TooManyObjects, message)
    })
}

#[cfg(test)]
mod tests {
    use belay_model::{Checksum, FileDigest, MigrationKind};

    use super::*;

    fn pending(files: &[&str]) -> Vec<(PlannedMigration, Traits)> {
        let planned = |(index, sql): (usize, &&str)| {
            let path = format!("V{}__x.sql", index + 1);
            let script = Script::new(&path, (*sql).to_owned(), None).unwrap();
            let migration = PlannedMigration {
                kind: MigrationKind::Versioned,
                version: (index + 1).to_string().parse().ok(),
                description: "x".to_owned(),
                script: path.clone(),
                path,
                checksum: Checksum(0),
                sha256: FileDigest::of(sql.as_bytes()),
                rank: 1,
            };
            (migration, Traits::of(&script, None))
        };
        files.iter().enumerate().map(planned).collect()
    }

    fn shape(files: &[&str], mode: TransactionMode) -> String {
        match units(pending(files), mode, 100, None) {
            Ok(units) => units
                .units
                .iter()
                .map(|unit| match unit.kind {
                    UnitKind::Group => format!("[{}]", unit.files.len()),
                    UnitKind::Lone => "!".to_owned(),
                })
                .collect(),
            Err(problems) => problems[0].code.to_string(),
        }
    }

    #[test]
    fn u2_units_are_made_by_the_mode() {
        use TransactionMode::{All, Auto, Each};
        const LONE: &str = "CREATE INDEX CONCURRENTLY i ON t (a)";
        let many = vec!["SELECT 1"; 21];
        let tables = ["CREATE TABLE a (b int);"; 60].concat();
        for (files, mode, expected) in [
            (vec![], Auto, ""),
            (vec!["SELECT 1", "SELECT 2"], Auto, "[2]"),
            (vec!["SELECT 1", "SELECT 2"], Each, "[1][1]"),
            (vec!["SELECT 1", LONE, "SELECT 2", "SELECT 3"], Auto, "[1]![1][1]"),
            (vec!["SELECT 1", LONE, "SELECT 2", "SELECT 3"], All, "[1]![2]"),
            (many.clone(), Auto, &"[1]".repeat(21)),
            (many, All, "[21]"),
            (vec!["ALTER TYPE t ADD VALUE 'x'", "SELECT 1"], Auto, "[1][1]"),
            (vec!["SELECT 1", "ALTER TYPE t ADD VALUE 'x'"], Auto, "[2]"),
            (
                vec!["ALTER TYPE t ADD VALUE 'x'", "SELECT 1"],
                All,
                "Belay.NotGroupable",
            ),
            (
                vec!["CREATE TEMP TABLE a (b int)", "create temporary table A (b int)"],
                Auto,
                "[1][1]",
            ),
            (vec![&tables, &tables], Auto, "[1][1]"),
            (vec![&tables, &tables], All, "Belay.TooManyObjects"),
            (vec![&tables], Auto, "[1]"),
        ] {
            assert_eq!(shape(&files, mode), expected, "{mode:?} {files:?}");
        }
    }

    #[test]
    fn u1_a_lone_file_says_why() {
        let units = units(pending(&["SELECT 1;\nCOMMIT"]), TransactionMode::Auto, 1, None).unwrap();
        assert_eq!(
            units.units[0].reason.as_deref(),
            Some("line 2: it has its own transaction control")
        );
    }
}
