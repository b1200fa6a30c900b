//! What surrounds every handler: the log, reading the event, throwing failures, and a line on what the invocation took.

use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use belay_model::Failure;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::crossing::{Ask, thrown};

/// One invocation of a function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's id of it; the same when Lambda itself tries again.
    pub id: String,
    /// The moment at which Lambda ends it.
    pub deadline: Instant,
}

/// Answers invocations until the environment ends.
///
/// # Errors
/// If Lambda's runtime can't be reached.
pub async fn serve<E, R, H, F>(name: &'static str, handler: H) -> Result<(), Error>
where
    E: DeserializeOwned + Ask,
    R: Serialize,
    H: Fn(E, Invocation) -> F,
    F: Future<Output = Result<R, Failure>>,
{
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let deadline = instant(event.context.deadline());
        let id = event.context.request_id;
        answer(name, event.payload, Invocation { id, deadline }, &handler)
    }))
    .await
}

async fn answer<E, R, H, F>(
    name: &'static str,
    event: Value,
    invocation: Invocation,
    handler: &H,
) -> Result<R, Diagnostic>
where
    E: DeserializeOwned + Ask,
    H: Fn(E, Invocation) -> F,
    F: Future<Output = Result<R, Failure>>,
{
    let started = Instant::now();
    let event = E::deserialize(&event).map_err(|error| {
        let (step, failure) = E::unreadable(&event, &error);
        tracing::warn!(step = step.name(), failure = %failure, "the event can't be read");
        thrown(step, failure)
    })?;
    let step = event.step();
    // Boxed: a handler's future holds the states of every call below it.
    let handling: Pin<Box<dyn Future<Output = Result<R, Failure>> + '_>> = Box::pin(handler(event, invocation));
    let answer = handling.await.map_err(|failure| {
        tracing::warn!(step = step.name(), code = failure.code.name(), failure = %failure, "thrown");
        thrown(step, failure)
    });
    let usage = json!({
        "usage": {
            "function": name,
            "step": step.name(),
            "durationMs": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "peakMemoryKb": peak_memory_kb(),
        }
    });
    // A line that can't be written is no reason to fail.
    let _ = writeln!(std::io::stdout(), "{usage}");
    answer
}

/// Sets the log up: one JSON object a line. Our own events from the level that Lambda's `AWS_LAMBDA_LOG_LEVEL` says;
/// those of libraries only from `warn`: their debug logs hold statements and answers, and so could hold secrets.
pub fn log() {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL")
        .ok()
        .and_then(|level| level.parse::<LevelFilter>().ok())
        .unwrap_or(LevelFilter::INFO);
    let ours = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("belay", level);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .without_time();
    // Only a second subscriber could fail here, and there is none.
    let _ = tracing_subscriber::registry().with(ours).with(lines).try_init();
}

fn instant(deadline: SystemTime) -> Instant {
    let left = deadline.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
    Instant::now() + left
}

/// The most memory that this process ever had, in kilobytes; nothing where the system does not tell.
fn peak_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use belay_model::{Caught, Code, NotifyRequest};

    use super::*;

    async fn ask(event: Value) -> Result<u8, Diagnostic> {
        let handler = async |_: NotifyRequest, _: Invocation| Err::<u8, _>(Failure::new(Code::Storage, "no bucket"));
        let invocation = Invocation {
            id: "i".to_owned(),
            deadline: Instant::now(),
        };
        answer("notify", event, invocation, &handler).await
    }

    #[tokio::test]
    async fn an_event_of_another_shape_is_a_bug() {
        for event in [json!({}), json!("x"), json!({"step": "begun", "run": {"execution": 1}})] {
            let thrown = ask(event).await.unwrap_err();
            assert_eq!(thrown.error_type, "Infra.Bug");
        }
    }

    #[tokio::test]
    async fn a_failure_is_thrown_under_its_name() {
        let run = json!({"execution": "arn:x", "startedAt": "2026-11-20T10:00:00Z", "target": "shop"});
        let thrown = ask(json!({"step": "begun", "run": run})).await.unwrap_err();
        assert_eq!(thrown.error_type, "Infra.Storage");
        let caught = Caught {
            error: thrown.error_type.clone(),
            cause: serde_json::to_string(&thrown).unwrap(),
        };
        assert_eq!(caught.failure(Code::Bug), Failure::new(Code::Storage, "no bucket"));
    }

    #[test]
    fn the_peak_of_memory_is_known() {
        assert!(peak_memory_kb().unwrap() > 500);
    }
}
