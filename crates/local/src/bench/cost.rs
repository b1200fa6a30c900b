//! What a run costs by AWS's list prices.

use std::collections::BTreeMap;

use belay_local::{Result, Stack};

use super::functions::Usage;

/// When the prices below were so, and where.
pub(super) const PRICES_OF: &str = "us-east-1, May 2025";
/// Dollars for a state that a standard workflow enters.
const TRANSITION: f64 = 0.025 / 1_000.0;
/// Dollars for an invocation of a Lambda.
const INVOCATION: f64 = 0.20 / 1_000_000.0;
/// Dollars for a gigabyte of a Lambda on arm64, for a second.
const GIGABYTE_SECOND: f64 = 0.000_013_333_4;

/// Each function's memory in megabytes, as deployed.
pub(super) struct Memory(BTreeMap<String, f64>);

impl Memory {
    /// Of the functions of this stack.
    pub(super) async fn of(stack: &Stack) -> Result<Self> {
        let list = [
            "lambda",
            "list-functions",
            "--query",
            "Functions[].[FunctionName,MemorySize]",
            "--output",
            "text",
        ];
        let listed = stack.aws().cli(list).await?;
        let memory = listed.lines().filter_map(|line| {
            let (name, memory) = line.split_once('\t')?;
            Some((name.to_lowercase(), memory.trim().parse().ok()?))
        });
        Ok(Self(memory.collect()))
    }

    /// The dollars of a run: the states that it entered, and what its functions used. None if the memory of one of them
    /// is not known.
    pub(super) fn dollars(&self, states: usize, usages: &[Usage]) -> Option<f64> {
        let states = f64::from(u32::try_from(states).unwrap_or(u32::MAX));
        let functions = usages.iter().map(|usage| {
            let named = format!("{}function", usage.function);
            let (_, megabytes) = self.0.iter().find(|(name, _)| name.contains(&named))?;
            Some(INVOCATION + usage.seconds() * megabytes / 1_024.0 * GIGABYTE_SECOND)
        });
        Some(states * TRANSITION + functions.sum::<Option<f64>>()?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_costs_its_states_and_the_memory_of_its_functions_for_their_time() {
        let memory = [("belay-snapshotfunction-1", 512.0), ("belay-notifyfunction-2", 1_024.0)];
        let memory = Memory(memory.map(|(name, memory)| (name.to_owned(), memory)).into());
        let usage = |function: &str, millis: u64| -> Usage {
            let usage = json!({"function": function, "step": "any", "durationMs": millis, "peakMemoryKb": 1});
            serde_json::from_value(usage).unwrap()
        };
        for (states, usages, microdollars) in [
            (0, vec![], Some(0.0)),
            (40, vec![], Some(1_000.0)),
            (0, vec![usage("snapshot", 2_000)], Some(13.533_4)),
            (
                1,
                vec![usage("notify", 1_000), usage("snapshot", 0)],
                Some(25.0 + 13.533_4 + 0.2),
            ),
            (1, vec![usage("unheard", 1)], None),
        ] {
            let dollars = memory.dollars(states, &usages);
            let close = match (dollars, microdollars) {
                (Some(dollars), Some(expected)) => (dollars * 1e6 - expected).abs() < 1e-6,
                (dollars, expected) => dollars.is_none() && expected.is_none(),
            };
            assert!(close, "{states} {usages:?}: {dollars:?}");
        }
    }
}
