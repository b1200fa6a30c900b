//! What must wake somebody up: a metric in the function's own log (CloudWatch's embedded format), so that no call can
//! fail on the way.

use std::io::Write;

use jiff::Timestamp;
use serde_json::json;

/// The metrics' namespace.
pub const NAMESPACE: &str = "Belay";

/// What must wake somebody up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// A run ended and nobody could be told.
    Untold,
    /// A run ended without a handler while it was changing the database.
    Quarantined,
}

impl Alarm {
    /// The metric's name.
    #[must_use]
    pub fn metric(self) -> &'static str {
        match self {
            Self::Untold => "Untold",
            Self::Quarantined => "Quarantined",
        }
    }
}

/// Counts one, with what a reader of the log needs to know.
pub fn raise(stack: &str, alarm: Alarm, run: &str, message: &str) {
    let line = line(Timestamp::now(), stack, alarm, run, message);
    // Nothing is left to be done if the log itself can't be written.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn line(now: Timestamp, stack: &str, alarm: Alarm, run: &str, message: &str) -> serde_json::Value {
    json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["Stack"]],
                "Metrics": [{"Name": alarm.metric(), "Unit": "Count"}],
            }],
        },
        "Stack": stack,
        (alarm.metric()): 1,
        "level": "ERROR",
        "run": run,
        "message": message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_names_a_value_and_a_dimension_that_are_there() {
        let line = line(Timestamp::UNIX_EPOCH, "belay", Alarm::Untold, "r", "nobody knows");
        let metric = &line["_aws"]["CloudWatchMetrics"][0];
        let name = metric["Metrics"][0]["Name"].as_str().unwrap();
        let dimension = metric["Dimensions"][0][0].as_str().unwrap();
        assert_eq!(line[name], 1);
        assert_eq!(line[dimension], "belay");
        assert_eq!(metric["Namespace"], NAMESPACE);
    }
}
