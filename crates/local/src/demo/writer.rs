//! Somebody else, who writes through the endpoint all along as a shop's application does: one visit after the other, and
//! again as soon as it is let in again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use belay_local::{Error, FIRST_INSTANCE, FIRST_TARGET, Result, Stack};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::NoTls;

use super::look::instance;

/// How long it waits before it writes again, or tries to.
const PAUSE: Duration = Duration::from_millis(10);

/// Its own table, in a schema of its own.
const VISITS: &str = "CREATE SCHEMA IF NOT EXISTS visits;
CREATE TABLE IF NOT EXISTS visits.visit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now());
GRANT USAGE ON SCHEMA visits TO app, migrator;
GRANT INSERT, SELECT ON visits.visit TO app;
GRANT SELECT ON visits.visit TO migrator";

/// A writer at work.
pub(super) struct Writer {
    acknowledged: Arc<AtomicI64>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
    /// Rows that were there before it began.
    before: i64,
}

/// What a writer has done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    /// Rows that were there before it began.
    pub(super) before: i64,
    /// Rows that the database acknowledged.
    pub(super) acknowledged: i64,
}

impl Writer {
    /// Begins to write, and waits for its first row.
    pub(super) async fn begin(stack: &Stack) -> Result<Self> {
        let found = instance(stack, FIRST_INSTANCE).await?;
        let refused = |source| Error::Sql {
            doing: "make the writer's table".to_owned(),
            source,
        };
        let client = found.look(FIRST_TARGET).await?;
        client.batch_execute(VISITS).await.map_err(refused)?;
        let before = super::look::number(&found, "SELECT count(*) FROM visits.visit").await?;
        let url = found.url(found.app()?, FIRST_TARGET);
        let (acknowledged, stop) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
        let task = tokio::spawn(write(url, Arc::clone(&acknowledged), Arc::clone(&stop)));
        let writer = Self {
            acknowledged,
            stop,
            task,
            before,
        };
        while writer.acknowledged.load(Ordering::Relaxed) == 0 {
            sleep(PAUSE).await;
        }
        Ok(writer)
    }

    /// Waits until it is let in, then ends it.
    pub(super) async fn end(self) -> Written {
        let until = self.acknowledged.load(Ordering::Relaxed) + 1;
        while self.acknowledged.load(Ordering::Relaxed) < until {
            sleep(PAUSE).await;
        }
        self.stop.store(true, Ordering::Relaxed);
        // It ends after the row that it is at.
        let _ = self.task.await;
        Written {
            before: self.before,
            acknowledged: self.acknowledged.load(Ordering::Relaxed),
        }
    }
}

async fn write(url: String, acknowledged: Arc<AtomicI64>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        if let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
            tokio::spawn(async move { drop(connection.await) });
            while !stop.load(Ordering::Relaxed)
                && client
                    .batch_execute("INSERT INTO visits.visit DEFAULT VALUES")
                    .await
                    .is_ok()
            {
                acknowledged.fetch_add(1, Ordering::Relaxed);
                sleep(PAUSE).await;
            }
        }
        sleep(PAUSE).await;
    }
}
