//! Tables, with Flyway's columns.

use belay_bundle::Bundle;
use belay_engine::InfoRow;
use belay_model::{MigrationKind, Plan, PlannedFile, PlannedMigration, UnitKind};
use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};

/// Flyway's category of a file.
pub(crate) fn category(kind: MigrationKind) -> &'static str {
    match kind {
        MigrationKind::Versioned => "Versioned",
        MigrationKind::Baseline => "Baseline",
        MigrationKind::Repeatable => "Repeatable",
        MigrationKind::Undo => "Undo",
    }
}

/// `info`: each row of the history, then what is not applied.
pub(crate) fn of_rows<'a>(rows: impl Iterator<Item = &'a InfoRow>) -> String {
    let mut table = table(&[
        "Category",
        "Version",
        "Description",
        "Type",
        "Installed On",
        "State",
        "Undoable",
    ]);
    for row in rows {
        table.add_row([
            row.category,
            row.version.as_ref().map_or("", |version| version.as_str()),
            &row.description,
            &row.row_type,
            // To the second.
            row.installed_on.as_deref().map_or("", |at| at.get(..19).unwrap_or(at)),
            row.state.as_str(),
            undoable(row),
        ]);
    }
    table.to_string()
}

/// `Yes`, `No`, or nothing for what is never undone.
pub(crate) fn undoable(row: &InfoRow) -> &'static str {
    match row.undoable {
        Some(true) => "Yes",
        Some(false) => "No",
        None => "",
    }
}

/// A plan: what commits together, in order.
pub(crate) fn of_plan(plan: &Plan) -> String {
    let mut table = table(&["Unit", "Category", "Version", "Description", "Script"]);
    for (number, unit) in plan.units.iter().enumerate() {
        let mark = match unit.kind {
            UnitKind::Group => String::new(),
            UnitKind::Lone => " lone".to_owned(),
        };
        for file in &unit.files {
            let [category, version, description] = match file {
                PlannedFile::Migration(migration) => names(migration),
                PlannedFile::Callback(callback) => ["Callback", "", callback.event.as_str()],
            };
            table.add_row([
                &format!("{}{mark}", number + 1),
                category,
                version,
                description,
                file.script(),
            ]);
        }
    }
    table.to_string()
}

/// A bundle: what is in it, in the order in which it would run.
pub(crate) fn of_bundle(bundle: &Bundle) -> String {
    let mut table = table(&["Category", "Version", "Description", "File"]);
    for file in bundle.migrations() {
        let version = file.version.as_ref().map_or("", |version| version.as_str());
        table.add_row([category(file.kind), version, &file.description, &file.path]);
    }
    for callback in bundle.callbacks() {
        table.add_row(["Callback", "", callback.event.as_str(), &callback.path]);
    }
    for assertion in bundle.assertions() {
        table.add_row(["Assertion", "", "", &assertion.path]);
    }
    table.to_string()
}

/// Migrations by what is known of them: scripts with their state.
pub(crate) fn of_states<'a>(migrations: impl Iterator<Item = (&'a PlannedMigration, &'static str)>) -> String {
    let mut table = table(&["Category", "Version", "Description", "Type", "State"]);
    for (migration, state) in migrations {
        let [category, version, description] = names(migration);
        table.add_row([category, version, description, "SQL", state]);
    }
    table.to_string()
}

fn names(migration: &PlannedMigration) -> [&str; 3] {
    [
        category(migration.kind),
        migration.version.as_ref().map_or("", |version| version.as_str()),
        &migration.description,
    ]
}

/// Never wrapped: a line is a migration, also for `grep`.
fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(ASCII_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(columns);
    table
}
