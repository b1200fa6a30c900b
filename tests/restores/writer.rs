//! Somebody else who writes through the endpoint all the time, as an application does: it connects again when it is cut
//! off, and counts what was acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::stage::{Stage, connect};

/// A writer at work.
pub(crate) struct Writer {
    acknowledged: Arc<AtomicI64>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Writer {
    /// Begins to write as the application's role.
    pub(crate) async fn begin(stage: &Stage) -> Self {
        let (acknowledged, stop) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
        let (config, count, ended) = (stage.app(), Arc::clone(&acknowledged), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                let Ok(client) = connect(config.clone()).await else {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                };
                while !ended.load(Ordering::Relaxed)
                    && client
                        .batch_execute("INSERT INTO visits.visit DEFAULT VALUES")
                        .await
                        .is_ok()
                {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let writer = Self {
            acknowledged,
            stop,
            task,
        };
        writer.writes(1).await;
        writer
    }

    /// How many were acknowledged until now.
    pub(crate) fn acknowledged(&self) -> i64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until so many more are acknowledged.
    pub(crate) async fn writes(&self, more: i64) {
        let (wanted, give_up) = (
            self.acknowledged() + more,
            tokio::time::Instant::now() + Duration::from_secs(60),
        );
        while self.acknowledged() < wanted {
            assert!(tokio::time::Instant::now() < give_up, "nobody is let in");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Ends it, and gives how many were acknowledged.
    pub(crate) async fn end(self) -> i64 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        self.acknowledged.load(Ordering::Relaxed)
    }
}
