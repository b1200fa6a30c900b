//! What a database holds, as lines, and how two of them differ.

use std::process::Command;

use belay_local::{Error, Postgres, Result, psql};

use super::settings::Settings;
use super::tool::{complaint, output};

/// How many lines of a difference are told.
const LINES: usize = 6;

/// What is compared.
pub(super) struct Look {
    /// The history's rows, but for times.
    history: Vec<String>,
    /// The scripts in it, in the order in which they were applied.
    pub(super) scripts: Vec<String>,
    /// What `pg_dump` writes: everything but our own schema and the history's rows.
    dump: Vec<String>,
}

impl Look {
    pub(super) async fn at(postgres: &Postgres, database: &str, settings: &Settings) -> Result<Self> {
        let refused = |source| Error::Sql {
            doing: format!("read the history of {database}"),
            source,
        };
        let (schema, table) = settings.history();
        let client = postgres.connect(postgres.superuser(), database).await?;
        let dump = dump(postgres, database, &table, settings.rows)?;
        let there = "SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = $2";
        if client
            .query(there, &[&schema, &table])
            .await
            .map_err(refused)?
            .is_empty()
        {
            return Ok(Self {
                history: vec!["there is no table".to_owned()],
                scripts: Vec::new(),
                dump,
            });
        }
        let sql = format!(
            "SELECT (to_jsonb(h) - 'installed_on' - 'execution_time')::text, h.script, h.type FROM \"{schema}\".\"{table}\" h \
             ORDER BY installed_rank"
        );
        let rows = client.query(&sql, &[]).await.map_err(refused)?;
        let (mut history, mut scripts) = (Vec::new(), Vec::new());
        for row in rows {
            history.push(row.try_get(0).map_err(refused)?);
            let kind: String = row.try_get(2).map_err(refused)?;
            if kind == "SQL" {
                scripts.push(row.try_get(1).map_err(refused)?);
            }
        }
        Ok(Self { history, scripts, dump })
    }

    /// How another database differs from this one.
    pub(super) fn differences(&self, mine: &str, other: &Self, theirs: &str) -> Vec<String> {
        let parts = [
            ("history", &self.history, &other.history),
            ("pg_dump", &self.dump, &other.dump),
        ];
        let told =
            |(what, left, right): (_, &Vec<String>, &Vec<String>)| difference(what, (mine, left), (theirs, right));
        parts.into_iter().filter_map(told).collect()
    }
}

fn dump(postgres: &Postgres, database: &str, history: &str, rows: bool) -> Result<Vec<String>> {
    let role = postgres.superuser();
    let mut command = Command::new(psql()?.with_file_name("pg_dump"));
    command.arg(format!(
        "--dbname=postgres://{}@127.0.0.1:{}/{database}",
        role.name(),
        postgres.port()
    ));
    command.env("PGPASSWORD", role.password());
    // Else the key is another one each time.
    command.args(["--restrict-key=interop", "--exclude-schema=belay"]);
    if rows {
        command.arg(format!("--exclude-table-data=*.\"{history}\""));
    } else {
        command.arg("--schema-only");
    }
    let ran = output(&mut command)?;
    if !ran.status.success() {
        return Err(Error::Program {
            program: "pg_dump".to_owned(),
            status: ran.status,
            output: complaint(&ran),
        });
    }
    Ok(String::from_utf8_lossy(&ran.stdout)
        .lines()
        .map(str::to_owned)
        .collect())
}

/// The lines between what begins and what ends alike, of each; none if all are alike.
pub(super) fn difference(what: &str, left: (&str, &[String]), right: (&str, &[String])) -> Option<String> {
    if left.1 == right.1 {
        return None;
    }
    let same = |(a, b): &(&String, &String)| a == b;
    let begin = left.1.iter().zip(right.1).take_while(same).count();
    let rest = |lines: &[String]| lines.len() - begin;
    let ends = left.1.iter().rev().zip(right.1.iter().rev()).take_while(same).count();
    let end = ends.min(rest(left.1)).min(rest(right.1));
    let mut text = format!("{what} differs from line {}:", begin + 1);
    for (mark, (name, lines)) in [("-", left), ("+", right)] {
        text.push_str(&format!("\n  {mark} of {name}:"));
        let part = lines.get(begin..lines.len() - end).unwrap_or_default();
        for line in part.iter().take(LINES) {
            text.push_str(&format!("\n  {mark} {line}"));
        }
        if part.len() > LINES {
            text.push_str(&format!("\n  {mark} and {} more", part.len() - LINES));
        }
    }
    Some(text)
}
