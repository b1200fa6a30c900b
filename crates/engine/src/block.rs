//! What of a unit's files shares its settings: a migration with the callbacks around it, as on Flyway's one connection.

use belay_model::{Event, PlannedCallback, PlannedFile, PlannedMigration, Unit};

/// Files that run one after the other without a reset between them: what `beforeEachMigrate` sets (a role, a search path)
/// holds for its migration and for `afterEachMigrate`. Every other callback is by itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    pub(crate) before: Vec<&'a PlannedCallback>,
    pub(crate) migration: Option<&'a PlannedMigration>,
    pub(crate) after: Vec<&'a PlannedCallback>,
    /// Where its first file is among the unit's.
    pub(crate) first: usize,
}

/// What is done in a unit, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// Files run.
    Files(Block<'a>),
    /// The unit's changes of the history are made.
    Changes,
}

impl<'a> Block<'a> {
    /// Its callbacks, each with its number among the unit's files.
    pub(crate) fn callbacks(&self) -> impl Iterator<Item = (usize, &'a PlannedCallback)> {
        let behind = self.before.len() + usize::from(self.migration.is_some());
        let before = self.before.iter().copied().enumerate();
        let after = self.after.iter().copied().enumerate();
        before
            .chain(after.map(move |(number, callback)| (behind + number, callback)))
            .map(|(number, callback)| (self.first + number, callback))
    }

    /// The path of the file that it is about.
    pub(crate) fn path(&self) -> &'a str {
        let migration = self.migration.map(|migration| migration.path.as_str());
        let callback = || {
            self.before
                .first()
                .or(self.after.first())
                .map(|callback| callback.path.as_str())
        };
        migration.or_else(callback).unwrap_or_default()
    }

    /// Whether it is `afterEachMigrate` of a lone file, in the unit behind that.
    pub(crate) fn is_behind_lone(&self, unit: &Unit) -> bool {
        let mut until_here = unit.files.iter().take(self.first + 1);
        self.migration.is_none()
            && until_here.all(|file| matches!(file, PlannedFile::Callback(callback) if is_after_each(callback)))
    }

    /// Whether it comes before schemas are made.
    fn is_before_schemas(&self) -> bool {
        self.migration.is_none()
            && self
                .callbacks()
                .all(|(_, callback)| matches!(callback.event, Event::BeforeCreateSchema | Event::CreateSchema))
    }

    fn is_before_changes(&self) -> bool {
        self.callbacks()
            .all(|(_, callback)| matches!(callback.event, Event::BeforeRepair | Event::BeforeBaseline))
    }
}

impl Step<'_> {
    /// Whether it comes before schemas and history are made (U3).
    pub(crate) fn is_before_schemas(&self) -> bool {
        matches!(self, Self::Files(block) if block.is_before_schemas())
    }
}

/// The steps of a unit.
pub(crate) fn steps(unit: &Unit) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = blocks(&unit.files).into_iter().map(Step::Files).collect();
    if !unit.changes.is_empty() {
        let is_behind = |step: &Step<'_>| match step {
            Step::Files(block) => !block.is_before_changes() && !block.is_before_schemas(),
            Step::Changes => false,
        };
        let at = steps.iter().position(is_behind).unwrap_or(steps.len());
        steps.insert(at, Step::Changes);
    }
    steps
}

fn blocks(files: &[PlannedFile]) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    // Whether the last one waits for its migration, or for what comes after that.
    let mut is_open = false;
    for (first, file) in files.iter().enumerate() {
        let last = blocks.last_mut().filter(|_| is_open);
        match (file, last) {
            (PlannedFile::Migration(migration), Some(block)) if block.migration.is_none() && block.after.is_empty() => {
                block.migration = Some(migration);
            }
            (PlannedFile::Callback(callback), Some(block)) if is_before_each(callback) && block.migration.is_none() => {
                block.before.push(callback);
            }
            (PlannedFile::Callback(callback), Some(block)) if is_after_each(callback) && block.migration.is_some() => {
                block.after.push(callback);
            }
            (PlannedFile::Migration(migration), _) => {
                is_open = true;
                blocks.push(Block {
                    migration: Some(migration),
                    first,
                    ..Block::default()
                });
            }
            (PlannedFile::Callback(callback), _) => {
                is_open = is_before_each(callback);
                blocks.push(Block {
                    before: vec![callback],
                    first,
                    ..Block::default()
                });
            }
        }
    }
    blocks
}

/// Whether it runs right before a migration.
pub(crate) fn is_before_each(callback: &PlannedCallback) -> bool {
    matches!(callback.event, Event::BeforeEachMigrate | Event::BeforeEachUndo)
}

fn is_after_each(callback: &PlannedCallback) -> bool {
    matches!(callback.event, Event::AfterEachMigrate | Event::AfterEachUndo)
}

#[cfg(test)]
mod tests {
    use belay_model::{Checksum, FileDigest, HistoryChange, MigrationKind, UnitKind};

    use super::*;

    fn file(name: &str) -> PlannedFile {
        let sha256 = FileDigest::of(b"");
        match name.parse() {
            Ok(event) => PlannedFile::Callback(PlannedCallback {
                event,
                script: name.to_owned(),
                path: name.to_owned(),
                sha256,
            }),
            Err(_) => PlannedFile::Migration(PlannedMigration {
                kind: MigrationKind::Versioned,
                version: name.parse().ok(),
                description: String::new(),
                script: name.to_owned(),
                path: name.to_owned(),
                checksum: Checksum(0),
                sha256,
                rank: 1,
                undoes: None,
            }),
        }
    }

    fn shape(names: &str, changes: bool) -> String {
        let change = HistoryChange::RemoveFailed {
            rank: 1,
            script: String::new(),
        };
        let unit = Unit {
            kind: UnitKind::Group,
            reason: None,
            base_rank: None,
            files: names.split_whitespace().map(file).collect(),
            changes: if changes { vec![change] } else { Vec::new() },
        };
        let told = steps(&unit).into_iter().map(|step| match step {
            Step::Files(block) => {
                let mut files: Vec<&str> = block.before.iter().map(|callback| callback.path.as_str()).collect();
                files.extend(block.migration.map(|migration| migration.path.as_str()));
                files.extend(block.after.iter().map(|callback| callback.path.as_str()));
                files.join("+")
            }
            Step::Changes => "changes".to_owned(),
        });
        told.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn s13_a_migration_shares_its_settings_with_the_callbacks_around_it() {
        for (files, expected) in [
            ("1 2", "1 2"),
            (
                "beforeMigrate beforeEachMigrate beforeEachMigrate 1 afterEachMigrate beforeEachMigrate 2 afterEachMigrate afterVersioned",
                "beforeMigrate beforeEachMigrate+beforeEachMigrate+1+afterEachMigrate beforeEachMigrate+2+afterEachMigrate afterVersioned",
            ),
            // Beside a lone file.
            (
                "afterEachMigrate beforeEachMigrate",
                "afterEachMigrate beforeEachMigrate",
            ),
            (
                "1 afterEachMigrate afterEachMigrate 2",
                "1+afterEachMigrate+afterEachMigrate 2",
            ),
            (
                "beforeEachUndo 1 afterEachUndo afterUndo",
                "beforeEachUndo+1+afterEachUndo afterUndo",
            ),
        ] {
            assert_eq!(shape(files, false), expected);
        }
    }

    #[test]
    fn s10_changes_are_between_the_callbacks_of_their_action() {
        for (files, expected) in [
            ("", "changes"),
            (
                "createSchema beforeBaseline afterBaseline",
                "createSchema beforeBaseline changes afterBaseline",
            ),
            ("beforeRepair", "beforeRepair changes"),
            ("afterRepair", "changes afterRepair"),
        ] {
            assert_eq!(shape(files, true), expected);
        }
    }

    #[test]
    fn a_callback_has_its_number_among_the_units_files() {
        let files: Vec<PlannedFile> = "beforeMigrate beforeEachMigrate 1 afterEachMigrate"
            .split(' ')
            .map(file)
            .collect();
        let numbers = blocks(&files)
            .iter()
            .flat_map(|block| block.callbacks().map(|(number, _)| number))
            .collect::<Vec<_>>();
        assert_eq!(numbers, [0, 1, 3]);
    }
}
