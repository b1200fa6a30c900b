//! What the database and the lock table show.

use std::process::Command;

use belay_local::{Aws, DbInstance, Error, FIRST_INSTANCE, FIRST_TARGET, Result, Stack, psql};

/// The database at one moment.
pub(super) struct Look {
    /// Everything in it as `pg_dump` writes it, but for the journal, which is not part of "as it was", and for what the
    /// demo's own writer writes.
    pub(super) dump: String,
    /// The history's scripts and checksums, by rank.
    pub(super) history: Vec<String>,
    /// Rows of all tables together.
    pub(super) rows: usize,
    /// Sessions that the database ever had, as PostgreSQL counts them. A look adds its own, and takes them off again.
    pub(super) sessions: i64,
    /// RDS's own name for the very database that the instance's name leads to.
    pub(super) resource: String,
}

impl Look {
    /// Looks at what the first instance's name leads to.
    pub(super) async fn at(stack: &Stack) -> Result<Self> {
        let instance = instance(stack, FIRST_INSTANCE).await?;
        // Asked from another database, and before the dump opens this one.
        let sessions = sessions(&instance).await?;
        let dump = dump(&instance)?;
        let mut history = Vec::new();
        let (mut rows, mut table) = (0, None);
        for line in dump.lines() {
            match (table, line) {
                (None, line) => {
                    table = line
                        .strip_prefix("COPY ")
                        .map(|copy| copy.contains("flyway_schema_history"))
                }
                (Some(_), "\\.") => table = None,
                (Some(is_history), row) => {
                    rows += 1;
                    if is_history {
                        history.push(row.to_owned());
                    }
                }
            }
        }
        Ok(Self {
            dump,
            history,
            rows,
            sessions: sessions - LOOKS.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            resource: instance.resource_id,
        })
    }
}

/// Each look is one session of `pg_dump`.
static LOOKS: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);

/// An instance by its name, as RDS has it now.
pub(super) async fn instance(stack: &Stack, name: &str) -> Result<DbInstance> {
    stack.rds()?.instance(name).await
}

/// One number from an instance's database.
pub(super) async fn number(instance: &DbInstance, sql: &str) -> Result<i64> {
    let refused = |source| Error::Sql {
        doing: sql.to_owned(),
        source,
    };
    let row = instance.look(FIRST_TARGET).await?.query_one(sql, &[]).await;
    row.map_err(refused)?.try_get(0).map_err(refused)
}

fn dump(instance: &DbInstance) -> Result<String> {
    let program = psql()?.with_file_name("pg_dump");
    let mut command = Command::new(&program);
    command.arg(instance.url(instance.migrator()?, FIRST_TARGET)).args([
        "--exclude-schema=belay",
        "--exclude-schema=visits",
        "--no-sync",
    ]);
    let output = command.output().map_err(|source| Error::File {
        doing: "run",
        path: program.clone(),
        source,
    })?;
    if !output.status.success() {
        let source = std::io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned());
        return Err(Error::File {
            doing: "run",
            path: program,
            source,
        });
    }
    // Each dump has a random word of its own in these two lines.
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

async fn sessions(instance: &DbInstance) -> Result<i64> {
    let client = instance.look("postgres").await?;
    let refused = |source| Error::Sql {
        doing: "count the sessions".to_owned(),
        source,
    };
    // A session is counted when it ends.
    loop {
        let row = client
            .query_one(
                "SELECT sessions, (SELECT count(*) FROM pg_stat_activity WHERE datname = $1) FROM pg_stat_database WHERE datname = $1",
                &[&FIRST_TARGET],
            )
            .await
            .map_err(refused)?;
        if row.try_get::<_, i64>(1).map_err(refused)? == 0 {
            return row.try_get(0).map_err(refused);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A lock, as its item says.
#[derive(Debug)]
pub(super) struct Lock {
    /// Empty for a free one.
    pub(super) phase: String,
}

/// Every lock.
pub(super) async fn locks(aws: &Aws, table: &str) -> Result<Vec<Lock>> {
    let arguments = [
        "dynamodb",
        "scan",
        "--table-name",
        table,
        "--consistent-read",
        "--output",
        "text",
    ];
    let query = "Items[?!starts_with(key.S, `bundle#`)].phase.S || ''";
    let text = aws.cli(arguments.iter().chain(&["--query", query])).await?;
    Ok(text
        .split_whitespace()
        .filter(|word| *word != "None")
        .map(|phase| Lock {
            phase: phase.to_owned(),
        })
        .collect())
}
