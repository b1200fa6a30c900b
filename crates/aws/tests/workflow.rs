//! The names that cross between functions and the workflow: in the code, in `migration.asl.json` and in `docs/errors`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use belay_aws::crossing::Step;
use belay_model::Code;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn asl() -> String {
    std::fs::read_to_string(root().join("statemachine/migration.asl.json")).unwrap()
}

fn states() -> BTreeMap<String, Value> {
    let definition: Value = serde_json::from_str(&asl()).unwrap();
    serde_json::from_value(definition["States"].clone()).unwrap()
}

fn names(handlers: &Value) -> BTreeSet<String> {
    let handlers = handlers.as_array().into_iter().flatten();
    handlers
        .flat_map(|handler| handler["ErrorEquals"].as_array().unwrap())
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// The step that a task asks a function for.
fn step(state: &Value) -> Option<Step> {
    let payload = state["Arguments"].get("Payload")?;
    let Some(step) = payload.get("step") else {
        return Some(Step::Verify);
    };
    let step = Step::ALL.into_iter().find(|known| step == known.name());
    Some(step.unwrap_or_else(|| panic!("no function knows {payload}")))
}

#[test]
fn every_name_in_the_workflow_is_a_code() {
    let asl = asl();
    let mut found = 0;
    for family in ["Belay.", "Infra."] {
        for (start, _) in asl.match_indices(family) {
            let name: String = asl[start + family.len()..]
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            if name.is_empty() {
                // Prose: a family as such.
                continue;
            }
            found += 1;
            assert!(format!("{family}{name}").parse::<Code>().is_ok(), "{family}{name}");
        }
    }
    assert!(found > 20, "only {found} names were found");
}

#[test]
fn every_code_that_a_function_throws_is_caught_or_retried() {
    let mut asked = BTreeSet::new();
    for (name, state) in states() {
        let Some(step) = step(&state) else { continue };
        asked.insert(step.name());
        let retried = names(&state["Retry"]);
        let caught = names(&state["Catch"]);
        for code in step.codes() {
            let handled = caught.contains("States.ALL")
                || if code.is_infrastructure() {
                    // And not caught: what persists is left for a redrive.
                    retried.contains(code.name()) && !caught.contains(code.name())
                } else {
                    caught.contains(code.name())
                };
            assert!(handled, "{name} does not handle {code}");
        }
    }
    let every = Step::ALL.map(Step::name);
    let unasked: Vec<_> = every.iter().filter(|step| !asked.contains(**step)).collect();
    assert_eq!(unasked, [&"intake", &"janitor"], "events, not states, call these");
}

#[test]
fn nothing_is_caught_that_no_function_throws() {
    for (name, state) in states() {
        let Some(step) = step(&state) else { continue };
        let thrown: BTreeSet<_> = step.codes().iter().map(|code| code.name().to_owned()).collect();
        for caught in names(&state["Catch"]) {
            assert!(
                !caught.starts_with("Belay.") || thrown.contains(&caught),
                "{name} catches {caught}, which nobody throws"
            );
        }
    }
}

#[test]
fn every_task_ends_and_every_retry_is_polite() {
    let mut tasks = 0;
    for (name, state) in states() {
        if state["Type"] != "Task" {
            continue;
        }
        tasks += 1;
        assert!(state["TimeoutSeconds"].is_u64(), "{name} has no timeout");
        for retry in state["Retry"].as_array().into_iter().flatten() {
            let names = retry["ErrorEquals"].as_array().unwrap();
            assert!(
                names
                    .iter()
                    .all(|name| name != "States.ALL" && name != "States.TaskFailed"),
                "{name} retries whatever comes"
            );
            for (key, good) in [
                ("IntervalSeconds", retry["IntervalSeconds"].is_u64()),
                ("BackoffRate", retry["BackoffRate"].as_f64() > Some(1.0)),
                ("MaxAttempts", retry["MaxAttempts"].is_u64()),
                ("MaxDelaySeconds", retry["MaxDelaySeconds"].is_u64()),
                ("JitterStrategy", retry["JitterStrategy"] == "FULL"),
            ] {
                assert!(good, "a retry of {name} has no good {key}");
            }
        }
    }
    assert!(tasks > 10, "only {tasks} tasks were found");
}

#[test]
fn every_code_has_its_page() {
    let pages = root().join("docs/errors");
    for code in Code::ALL {
        let (_, name) = code.name().split_once('.').unwrap();
        let page = pages.join(format!("{name}.md"));
        let text = std::fs::read_to_string(&page).unwrap_or_default();
        assert!(text.contains(code.name()), "{code} has no page {}", page.display());
    }
}

#[test]
fn every_page_has_its_code() {
    let known: BTreeSet<_> = Code::ALL
        .iter()
        .filter_map(|code| code.name().split_once('.'))
        .map(|(_, name)| format!("{name}.md"))
        .collect();
    for page in std::fs::read_dir(root().join("docs/errors")).unwrap() {
        let name = page.unwrap().file_name().into_string().unwrap();
        assert!(
            known.contains(&name) || name == "README.md",
            "docs/errors/{name} is about no code"
        );
    }
}
