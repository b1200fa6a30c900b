//! What commits together: files as groups and lone files (rules U1 and U2), with the callbacks beside them.

use std::collections::HashSet;

use belay_model::{Code, Place, PlannedFile, PlannedMigration, Problem, TransactionMode, Unit, UnitKind};

use crate::ranks::Ranks;
use crate::traits::Traits;

/// How many files `auto` puts into one group at most.
const GROUP_FILES: usize = 20;

/// How many bytes of SQL `auto` puts into one group at most.
const GROUP_BYTES: usize = 16 << 20;

/// A callback at its place.
#[derive(Debug, Clone)]
pub(crate) struct Beside {
    pub(crate) file: PlannedFile,
    pub(crate) traits: Traits,
}

/// A migration, and the callbacks that run right before and right after it.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) before: Vec<Beside>,
    pub(crate) migration: PlannedMigration,
    pub(crate) traits: Traits,
    pub(crate) after: Vec<Beside>,
}

impl Step {
    /// With no callbacks.
    pub(crate) fn new(migration: PlannedMigration, traits: Traits) -> Self {
        Self {
            before: Vec::new(),
            migration,
            traits,
            after: Vec::new(),
        }
    }

    /// Whether one of its files says so of a constraint.
    pub(crate) fn defers_constraints(&self) -> bool {
        self.files().any(|(_, traits)| traits.defers_constraints)
    }

    /// Each file's path and traits, in the order in which they run.
    fn files(&self) -> impl Iterator<Item = (&str, &Traits)> {
        let own = std::iter::once((self.migration.path.as_str(), &self.traits));
        self.before
            .iter()
            .map(Beside::parts)
            .chain(own)
            .chain(self.after.iter().map(Beside::parts))
    }
}

impl Beside {
    fn parts(&self) -> (&str, &Traits) {
        (self.file.path(), &self.traits)
    }
}

/// The units of the files, and why they are so.
#[derive(Debug, Default)]
pub(crate) struct Units {
    pub(crate) units: Vec<Unit>,
    pub(crate) reason: String,
}

/// Puts files into units. `relation_cap` is how many relations one transaction may create.
///
/// Callbacks share the transaction of their migration. Those beside a lone file have one of their own.
///
/// # Errors
/// With [`TransactionMode::All`], what only grouping would break.
pub(crate) fn units(
    steps: Vec<Step>,
    mode: TransactionMode,
    relation_cap: usize,
    ranks: &mut Ranks,
) -> Result<Units, Vec<Problem>> {
    let obstacle = obstacle(&steps, relation_cap);
    let (together, reason) = match (mode, obstacle) {
        (TransactionMode::Each, _) => (false, "transaction = each".to_owned()),
        (TransactionMode::All, Some(obstacle)) => return Err(vec![obstacle]),
        (TransactionMode::All, None) => (true, "transaction = all".to_owned()),
        (TransactionMode::Auto, _) if steps.len() <= 1 => (true, "one file is pending".to_owned()),
        (TransactionMode::Auto, Some(obstacle)) => (false, obstacle.message),
        (TransactionMode::Auto, None) => auto(&steps),
    };
    let mut making = Making {
        together,
        ranks,
        units: Vec::new(),
    };
    for step in steps {
        making.push(step);
    }
    Ok(Units {
        units: making.units,
        reason,
    })
}

struct Making<'a> {
    together: bool,
    ranks: &'a mut Ranks,
    units: Vec<Unit>,
}

impl Making<'_> {
    fn push(&mut self, step: Step) {
        let files = |beside: Vec<Beside>| beside.into_iter().map(|beside| beside.file);
        let migration = PlannedFile::Migration(step.migration);
        match step.traits.lone {
            None => {
                let whole = files(step.before).chain([migration]).chain(files(step.after));
                self.group(whole.collect());
            }
            Some(reason) => {
                self.group(files(step.before).collect());
                self.unit(UnitKind::Lone, Some(reason), vec![migration]);
                self.group(files(step.after).collect());
            }
        }
    }

    fn group(&mut self, files: Vec<PlannedFile>) {
        if files.is_empty() {
            return;
        }
        match self.units.last_mut() {
            Some(last) if self.together && last.kind == UnitKind::Group => {
                self.ranks.apply(&files);
                last.files.extend(files);
            }
            _ => self.unit(UnitKind::Group, None, files),
        }
    }

    fn unit(&mut self, kind: UnitKind, reason: Option<String>, files: Vec<PlannedFile>) {
        let base_rank = self.ranks.before_unit();
        self.ranks.apply(&files);
        self.units.push(Unit {
            kind,
            reason,
            base_rank,
            files,
            changes: Vec::new(),
        });
    }
}

fn auto(steps: &[Step]) -> (bool, String) {
    let bytes: usize = steps.iter().flat_map(Step::files).map(|(_, traits)| traits.bytes).sum();
    let lone = steps
        .iter()
        .find_map(|step| Some((&step.migration, step.traits.lone.as_ref()?)));
    if steps.len() > GROUP_FILES {
        (
            false,
            format!(
                "{} files are pending, more than {GROUP_FILES}: each commits by itself",
                steps.len()
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
            format!("{} files are pending and all can share one transaction", steps.len()),
        )
    }
}

/// What works file by file and breaks in one transaction.
fn obstacle(steps: &[Step], relation_cap: usize) -> Option<Problem> {
    let at = |path: &str, code: Code, message: String| Problem {
        code,
        place: Some(Place::file(path)),
        message,
    };
    let mut temporary: HashSet<&str> = HashSet::new();
    let last = steps.len().saturating_sub(1);
    for (index, step) in steps.iter().enumerate() {
        if step.traits.adds_enum_value && index < last {
            let path = &step.migration.path;
            let message = format!(
                "{path} adds a value to an enum, which later files can't use in the same transaction: each file commits by itself"
            );
            return Some(at(path, Code::NotGroupable, message));
        }
        for (path, traits) in step.files() {
            for name in &traits.temporary {
                if !temporary.insert(name) {
                    let message = format!(
                        "{path} creates temporary table {} again, which is still there in the same transaction: each file commits by itself",
                        name.to_lowercase()
                    );
                    return Some(at(path, Code::NotGroupable, message));
                }
            }
        }
    }
    let files = || steps.iter().flat_map(Step::files);
    let relations: usize = files().map(|(_, traits)| traits.relations).sum();
    let last = &steps.last()?.migration.path;
    (relations > relation_cap && steps.len() > 1).then(|| {
        let message = format!(
            "{relations} relations are created, and one transaction can lock about {relation_cap} (raise max_locks_per_transaction): each file commits by itself"
        );
        at(last, Code::TooManyObjects, message)
    })
}

#[cfg(test)]
mod tests {
    use belay_model::{Checksum, Event, FileDigest, MigrationKind, PlannedCallback};

    use super::*;
    use crate::script::Script;
    use crate::traits::InTransaction;

    const SAID: InTransaction = InTransaction {
        conf: None,
        settings: true,
        mixed: true,
    };

    fn pending(files: &[&str]) -> Vec<Step> {
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
                rank: i32::try_from(index).unwrap() + 1,
                undoes: None,
            };
            Step::new(migration, Traits::of(&script, SAID))
        };
        files.iter().enumerate().map(planned).collect()
    }

    fn shape(files: &[&str], mode: TransactionMode) -> String {
        match units(pending(files), mode, 100, &mut Ranks::new([], [])) {
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
        let units = units(
            pending(&["SELECT 1;\nCOMMIT"]),
            TransactionMode::Auto,
            1,
            &mut Ranks::new([], []),
        )
        .unwrap();
        assert_eq!(
            units.units[0].reason.as_deref(),
            Some("line 2: it has its own transaction control")
        );
    }

    fn callback(event: Event, sql: &str) -> Beside {
        let path = format!("{event}.sql");
        let script = Script::new(&path, sql.to_owned(), None).unwrap();
        Beside {
            file: PlannedFile::Callback(PlannedCallback {
                event,
                script: path.clone(),
                path,
                sha256: FileDigest::of(sql.as_bytes()),
            }),
            traits: Traits::of(&script, SAID),
        }
    }

    /// Each migration with a callback before and after it: `<` and `>`, a migration `.`, a unit in brackets.
    fn surrounded(files: &[&str], mode: TransactionMode, sql: &str) -> String {
        let mut steps = pending(files);
        for step in &mut steps {
            step.before.push(callback(Event::BeforeEachMigrate, sql));
            step.after.push(callback(Event::AfterEachMigrate, sql));
        }
        let sign = |file: &PlannedFile| match file {
            PlannedFile::Migration(_) => '.',
            PlannedFile::Callback(callback) if callback.event == Event::BeforeEachMigrate => '<',
            PlannedFile::Callback(_) => '>',
        };
        let units = units(steps, mode, 100, &mut Ranks::new([7], [])).unwrap().units;
        let bases: Vec<i32> = units.iter().filter_map(|unit| unit.base_rank).collect();
        assert_eq!(bases.len(), units.len());
        assert!(bases.is_sorted() && bases[0] == 7, "{bases:?}");
        let shape = |unit: &Unit| format!("[{}]", unit.files.iter().map(sign).collect::<String>());
        units.iter().map(shape).collect()
    }

    #[test]
    fn s13_callbacks_share_the_transaction_of_their_migration() {
        use TransactionMode::{All, Auto, Each};
        const LONE: &str = "CREATE INDEX CONCURRENTLY i ON t (a)";
        for (files, mode, sql, expected) in [
            (&["SELECT 1"][..], Auto, "SELECT 1", "[<.>]"),
            (&["SELECT 1", "SELECT 2"], Auto, "SELECT 1", "[<.><.>]"),
            (&["SELECT 1", "SELECT 2"], Each, "SELECT 1", "[<.>][<.>]"),
            (&[LONE], Auto, "SELECT 1", "[<][.][>]"),
            (&["SELECT 1", LONE, "SELECT 2"], Auto, "SELECT 1", "[<.>][<][.][>][<.>]"),
            (
                &["SELECT 1", LONE, LONE, "SELECT 2"],
                All,
                "SELECT 1",
                "[<.><][.][><][.][><.>]",
            ),
            // What a callback makes for the time of a transaction would be there again.
            (
                &["SELECT 1", "SELECT 2"],
                Auto,
                "CREATE TEMP TABLE IF NOT EXISTS x ()",
                "[<.><.>]",
            ),
        ] {
            assert_eq!(surrounded(files, mode, sql), expected, "{mode:?} {files:?}");
        }
        let mut twice = pending(&["SELECT 1", "SELECT 2"]);
        for step in &mut twice {
            step.before
                .push(callback(Event::BeforeEachMigrate, "CREATE TEMP TABLE x (a int)"));
        }
        let made = units(twice, Auto, 100, &mut Ranks::new([], [])).unwrap();
        assert_eq!(made.units.len(), 2, "{}", made.reason);
    }
}
