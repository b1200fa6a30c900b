//! What is shipped to measure: one migration, five hundred, five megabytes, and what must be restored.

use std::io::Write;

use belay_local::{Error, Result};
use tempfile::NamedTempFile;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Migrations to measure with.
pub(super) struct Set {
    pub(super) title: &'static str,
    /// Short, for targets and databases.
    pub(super) name: &'static str,
    files: Vec<(String, String)>,
}

/// Every set.
pub(super) fn sets() -> Vec<Set> {
    let table = |n: usize| format!("CREATE TABLE t_{n} (id bigint PRIMARY KEY, name text NOT NULL);\n");
    vec![
        Set {
            title: "1 migration",
            name: "one",
            files: vec![file(1, table(1))],
        },
        Set {
            title: "500 migrations",
            name: "many",
            files: (1..=500).map(|n| file(n, table(n))).collect(),
        },
        Set {
            title: "1 migration of 5 MB, 22,000 rows",
            name: "big",
            files: vec![file(1, big())],
        },
    ]
}

/// What migrates, and the same with a file that commits by itself and one that then fails.
pub(super) fn on_rds() -> (Set, Set) {
    let files = vec![
        file(1, big()),
        file(2, "CREATE INDEX CONCURRENTLY big_name ON big (name);\n".to_owned()),
        file(3, "ALTER TABLE big ADD UNIQUE (name);\n".to_owned()),
    ];
    let set = |title, name, files| Set { title, name, files };
    let migrates = set("on RDS, migrates", "migrates", files.iter().take(1).cloned().collect());
    (migrates, set("on RDS, fails", "fails", files))
}

/// 22,000 rows, no two with one id, all with one name.
fn big() -> String {
    let table = "CREATE TABLE big (id bigint PRIMARY KEY, name text NOT NULL);\n".to_owned();
    let row = |n: usize| format!("INSERT INTO big VALUES ({n}, '{}');\n", "x".repeat(200));
    std::iter::once(table).chain((0..22_000).map(row)).collect()
}

fn file(version: usize, sql: String) -> (String, String) {
    (format!("migrations/V{version}__bench.sql"), sql)
}

impl Set {
    /// The set as a bundle.
    pub(super) fn bundle(&self) -> Result<NamedTempFile> {
        let write = |mut file: NamedTempFile| -> zip::result::ZipResult<NamedTempFile> {
            let mut zip = ZipWriter::new(&mut file);
            for (path, sql) in &self.files {
                zip.start_file(path, SimpleFileOptions::default())?;
                zip.write_all(sql.as_bytes())?;
            }
            zip.finish()?;
            Ok(file)
        };
        let file = tempfile::Builder::new().suffix(".zip").tempfile().map_err(failed)?;
        write(file).map_err(|error| failed(std::io::Error::other(error)))
    }

    /// The set as one file for psql.
    pub(super) fn script(&self) -> Result<NamedTempFile> {
        let mut file = NamedTempFile::new().map_err(failed)?;
        for (_, sql) in &self.files {
            file.write_all(sql.as_bytes()).map_err(failed)?;
        }
        Ok(file)
    }
}

fn failed(source: std::io::Error) -> Error {
    Error::File {
        doing: "write a bundle to",
        path: std::env::temp_dir(),
        source,
    }
}
