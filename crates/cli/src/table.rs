//! Tables, with Flyway's columns.

use belay_engine::InfoRow;
use belay_model::{MigrationKind, Plan, PlannedMigration, UnitKind};
use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};

/// Flyway's category; nothing for a row that never had a file.
pub(crate) fn category(kind: MigrationKind, row_type: &str) -> &'static str {
    match (kind, row_type) {
        (_, "SCHEMA" | "BASELINE" | "DELETE") => "",
        (MigrationKind::Versioned, _) => "Versioned",
        (MigrationKind::Baseline, _) => "Baseline",
        (MigrationKind::Repeatable, _) => "Repeatable",
        (MigrationKind::Undo, _) => "Undo",
    }
}

/// `info`: each row of the history, then what is not applied.
pub(crate) fn of_rows<'a>(rows: impl Iterator<Item = &'a InfoRow>) -> String {
    let mut table = table(&["Category", "Version", "Description", "Type", "Installed On", "State"]);
    for row in rows {
        table.add_row([
            category(row.kind, &row.row_type),
            row.version.as_ref().map_or("", |version| version.as_str()),
            &row.description,
            &row.row_type,
            // To the second.
            row.installed_on.as_deref().map_or("", |at| at.get(..19).unwrap_or(at)),
            row.state.as_str(),
        ]);
    }
    table.to_string()
}

/// A plan: what commits together, in order.
pub(crate) fn of_plan(plan: &Plan) -> String {
    let mut table = table(&["Unit", "Category", "Version", "Description", "Script"]);
    for (number, unit) in plan.units.iter().enumerate() {
        let mark = match unit.kind {
            UnitKind::Group => String::new(),
            UnitKind::Lone => " lone".to_owned(),
        };
        for migration in unit.migrations() {
            let [category, version, description] = names(migration);
            table.add_row([
                &format!("{}{mark}", number + 1),
                category,
                version,
                description,
                &migration.script,
            ]);
        }
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
        category(migration.kind, "SQL"),
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
