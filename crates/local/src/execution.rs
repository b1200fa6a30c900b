//! Executions of the workflow, watched as they run.

use std::time::{Duration, Instant, SystemTime};

use aws_sdk_sfn::types::ExecutionStatus;
use tokio::time::sleep;

use crate::aws::{Aws, failed};
use crate::error::{Error, Result};

/// How often an execution is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How an execution ended, as the console would show it.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Succeeded, failed, timed out or aborted.
    pub status: ExecutionStatus,
    /// The error's name, if it failed.
    pub error: Option<String>,
    /// The error's cause, if it failed.
    pub cause: Option<String>,
    /// Its output as JSON, if it succeeded.
    pub output: Option<String>,
    /// Every state that it entered, in order.
    pub states: Vec<String>,
}

/// Waits until the execution has ended, and calls `entered` with each state as it is entered.
///
/// # Errors
/// It has not ended in time, or there is none.
pub async fn wait_for_end(aws: &Aws, arn: &str, within: Duration, mut entered: impl FnMut(&str)) -> Result<Ended> {
    let (start, mut states) = (Instant::now(), Vec::new());
    loop {
        // In this order: what is in the history of an ended execution is all that there will be.
        let found = aws.sfn.describe_execution().execution_arn(arn).send().await;
        let found = found.map_err(failed("sfn:DescribeExecution"))?;
        for state in states_entered(aws, arn).await?.into_iter().skip(states.len()) {
            entered(&state);
            states.push(state);
        }
        if found.status != ExecutionStatus::Running {
            let (error, cause, output) = (found.error, found.cause, found.output);
            return Ok(Ended {
                status: found.status,
                error,
                cause,
                output,
                states,
            });
        }
        if start.elapsed() > within {
            let (what, seen) = (format!("the end of {arn}"), format!("states {states:?}"));
            return Err(Error::TooLate {
                what,
                seconds: within.as_secs(),
                seen,
            });
        }
        sleep(LOOK).await;
    }
}

/// A state that an execution has entered.
#[derive(Debug, Clone)]
pub struct Entered {
    /// Its name.
    pub state: String,
    /// When.
    pub at: SystemTime,
}

/// The names of the states that the execution has entered until now, in order.
///
/// # Errors
/// There is no such execution.
pub async fn states_entered(aws: &Aws, arn: &str) -> Result<Vec<String>> {
    let entered = entered(aws, arn).await?;
    Ok(entered.into_iter().map(|entered| entered.state).collect())
}

/// The states that the execution has entered until now, in order.
///
/// # Errors
/// There is no such execution.
pub async fn entered(aws: &Aws, arn: &str) -> Result<Vec<Entered>> {
    let mut pages = aws
        .sfn
        .get_execution_history()
        .execution_arn(arn)
        .include_execution_data(false);
    let mut states = Vec::new();
    loop {
        let page = pages.clone().send().await.map_err(failed("sfn:GetExecutionHistory"))?;
        for event in page.events {
            let Some(details) = event.state_entered_event_details else {
                continue;
            };
            let at = SystemTime::try_from(event.timestamp).map_err(failed("sfn:GetExecutionHistory"))?;
            let state = details.name;
            states.push(Entered { state, at });
        }
        match page.next_token {
            Some(token) => pages = pages.next_token(token),
            None => return Ok(states),
        }
    }
}
