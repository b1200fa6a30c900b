//! The names that cross between functions and the workflow: in the code, in `migration.asl.json` and in `docs/errors`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use belay_aws::crossing::Step;
use belay_model::{
    Action, Code, MigrateRequest, NotifyRequest, RestoreRequest, RunSettings, SnapshotRequest, ValidateRequest,
    VerifyRequest,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

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
        return Some(match state["Arguments"]["FunctionName"].as_str() {
            Some("${RestoreFunction}") => Step::Restore,
            Some("${VerifyFunction}") => Step::Verify,
            other => panic!("{other:?} must be told its step"),
        });
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

/// The text between `{%` and `%}` of every string in a value.
fn expressions(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text
            .strip_prefix("{%")
            .and_then(|text| text.strip_suffix("%}"))
            .map(str::to_owned)
            .into_iter()
            .collect(),
        Value::Array(values) => values.iter().flat_map(expressions).collect(),
        Value::Object(fields) => fields.values().flat_map(expressions).collect(),
        _ => Vec::new(),
    }
}

/// The variables of the workflow that an expression reads: not functions, and not what it defines for itself.
fn reads(expression: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String { text.chars().take_while(char::is_ascii_alphanumeric).collect() };
    // The parameters of its functions.
    let lists = expression.match_indices("function(");
    let lists = lists.filter_map(|(at, begin)| expression[at + begin.len()..].split_once(')'));
    let parameters = lists.flat_map(|(list, _)| list.split(", "));
    let parameters: BTreeSet<_> = parameters
        .map(|parameter| name(parameter.trim_start_matches('$')))
        .collect();
    let own: BTreeSet<_> = expression
        .match_indices('$')
        .map(|(at, _)| (name(&expression[at + 1..]), &expression[at + 1..]))
        .filter(|(name, rest)| rest[name.len()..].trim_start().starts_with(":="))
        .map(|(name, _)| name)
        .chain(parameters)
        .collect();
    expression
        .match_indices('$')
        .map(|(at, _)| (name(&expression[at + 1..]), &expression[at + 1..]))
        .filter(|(name, rest)| !name.is_empty() && !rest[name.len()..].starts_with('('))
        .map(|(name, _)| name)
        .filter(|name| name != "states" && !own.contains(name))
        .collect()
}

/// Every `Assign` in a state: its own and those of its handlers and choices.
fn assigns(state: &Value) -> Vec<&serde_json::Map<String, Value>> {
    let rules = ["Catch", "Choices"]
        .into_iter()
        .filter_map(|rules| state[rules].as_array());
    std::iter::once(state)
        .chain(rules.flatten())
        .filter_map(|part| part["Assign"].as_object())
        .collect()
}

#[test]
fn every_variable_is_set_in_begin() {
    let states = states();
    let set: BTreeSet<_> = states["Begin"]["Assign"].as_object().unwrap().keys().cloned().collect();
    for (name, state) in states.iter().filter(|(name, _)| *name != "Begin") {
        let read = expressions(state)
            .iter()
            .flat_map(|text| reads(text))
            .collect::<BTreeSet<_>>();
        let unset: Vec<_> = read.difference(&set).collect();
        assert!(unset.is_empty(), "{name} reads {unset:?}, and Begin does not set it");
        for assigned in assigns(state) {
            let unset: Vec<_> = assigned.keys().filter(|key| !set.contains(*key)).collect();
            assert!(unset.is_empty(), "{name} sets {unset:?}, and Begin does not");
        }
    }
    assert!(set.len() > 30, "only {} variables were found", set.len());
}

/// On AWS every expression of an `Assign` sees the old values, in an emulator the new ones: so none may look.
#[test]
fn no_assign_reads_what_it_sets() {
    for (name, state) in states() {
        for assigned in assigns(&state) {
            for (variable, value) in assigned {
                let read = expressions(value)
                    .iter()
                    .flat_map(|text| reads(text))
                    .collect::<BTreeSet<_>>();
                let others: Vec<_> = read
                    .iter()
                    .filter(|read| *read != variable && assigned.contains_key(*read))
                    .collect();
                assert!(
                    others.is_empty(),
                    "{name} sets {variable} by {others:?}, which it sets too"
                );
            }
        }
    }
}

/// The most rounds that a state's condition allows.
fn bound(states: &BTreeMap<String, Value>, state: &str, condition: &str) -> u64 {
    let conditions = expressions(&states[state]);
    let found = conditions.iter().find_map(|text| text.split_once(condition));
    let (_, rest) = found.unwrap_or_else(|| panic!("{state} has no bound {condition:?}"));
    rest.chars()
        .take_while(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .unwrap()
}

/// An execution with 25,000 events is ended by Step Functions, and can't be redriven.
#[test]
fn all_loops_together_stay_below_the_limit_of_events() {
    let states = states();
    let events = |names: &[&str]| -> u64 {
        // Entered, scheduled, started, ended, left; or entered and left.
        names
            .iter()
            .map(|name| if states[*name]["Type"] == "Task" { 5 } else { 2 })
            .sum()
    };
    let waiting = [
        "ReadLock",
        "Who holds the lock?",
        "AskAfterHolder",
        "Does the holder live?",
        "WaitForLock",
        "LookForNewer",
        "Superseded?",
        "Lock",
    ];
    let sum = bound(&states, "Who holds the lock?", "$lockRounds > ") * events(&waiting)
        + bound(&states, "More to do?", "$migrateRounds < ") * events(&["Migrate", "More to do?"])
        + bound(&states, "Is the snapshot there?", "$snapshotRounds >= ")
            * events(&["Snapshot", "Is the snapshot there?", "WaitForSnapshot"])
        + bound(&states, "Is it restored?", "$restoreRounds >= ")
            * events(&["Restore", "Is it restored?", "WaitForRestore"]);
    let once: Vec<_> = states.keys().map(String::as_str).collect();
    // Planning again is bounded by three attempts.
    let whole = sum + 3 * events(&once);
    assert!((20_000..24_500).contains(&whole), "{whole} events");
    assert!(
        asl().contains("are 23,000"),
        "{sum} events, and the comment at the top says something else"
    );
}

/// Something that fits where a payload has this name.
fn sample(key: &str) -> Value {
    let paper = json!({"key": "runs/shop/r/p.json", "versionId": "v", "sha256": "0".repeat(64)});
    let caught = json!({"Error": "Belay.SqlFailed", "Cause": "{}"});
    match key {
        "run" => json!({"execution": "arn:x", "startedAt": "2026-11-20T10:00:00Z", "target": "shop", "action": "keep"}),
        "target" => json!({
            "engine": "postgresql", "endpoint": {"host": "h", "port": 5432, "database": "d"},
            "credentials": {"secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s"},
        }),
        "instance" => json!({"rds": {"instance": "shop-db"}}),
        "lock" => json!({"key": "shop-db", "fence": 7}),
        "attempt" => json!(1),
        "digest" => json!("0".repeat(64)),
        "plan" | "report" | "configuration" | "snapshot" => paper,
        // `verify` is told that there was a restore, `notify` which paper tells of it.
        "restored" => json!(true),
        "of" | "keep" => json!("ie5czvwdrs2x"),
        "failure" | "compensation" => caught,
        "outcome" => json!("restored"),
        "keptOut" | "cleaned" => json!(["x"]),
        "topic" | "holder" | "lockKey" | "supersededBy" => json!("x"),
        other => panic!("no message has a {other:?}"),
    }
}

/// That the message reads and has every field; those of a nested part are that part's own matter.
fn agrees<T: DeserializeOwned + Serialize>(state: &str, payload: &Value) {
    let read: T = serde_json::from_value(payload.clone()).unwrap_or_else(|error| panic!("{state}: {error}"));
    let whole = serde_json::to_value(read).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(payload), keys(&whole), "{state}");
}

#[test]
fn every_payload_is_the_message_that_was_agreed() {
    for (name, state) in states() {
        let Some(step) = step(&state) else { continue };
        let mut payload = state["Arguments"]["Payload"].clone();
        for (key, value) in payload.as_object_mut().unwrap() {
            if key != "step" {
                *value = sample(key);
            }
        }
        match step {
            Step::Check | Step::Plan | Step::Info => agrees::<ValidateRequest>(&name, &payload),
            Step::Migrate | Step::Cleanup | Step::Keep => agrees::<MigrateRequest>(&name, &payload),
            Step::Prepare | Step::Quiesce | Step::Snapshot | Step::Reopen => {
                agrees::<SnapshotRequest>(&name, &payload);
            }
            Step::Restore => agrees::<RestoreRequest>(&name, &payload),
            Step::Verify => agrees::<VerifyRequest>(&name, &payload),
            Step::Begun | Step::Waiting => agrees::<NotifyRequest>(&name, &payload),
            Step::Ended => {
                payload["restored"] = sample("plan");
                agrees::<NotifyRequest>(&name, &payload);
            }
            Step::Intake | Step::Janitor => panic!("{name} calls what only events call"),
        }
    }
}

/// The settings that a request may bring are listed in the workflow, too, which can't read the code.
#[test]
fn the_workflow_takes_the_settings_that_a_run_can_have() {
    let names: Vec<_> = RunSettings::NAMES.iter().map(|name| format!("'{name}'")).collect();
    let list = format!("[{}]", names.join(", "));
    assert_eq!(asl().matches(&list).count(), 3, "{list}");
    assert_eq!(asl().matches("'cherryPick'").count(), 3, "another list");
}

/// What the workflow's first Choice takes; and each action has its sample.
#[test]
fn every_sample_input_is_a_request() {
    let mut actions = BTreeSet::new();
    for file in std::fs::read_dir(root().join("events")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let Some(action) = name.strip_prefix("input-") else {
            continue;
        };
        let input: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let keys: Vec<_> = input.as_object().unwrap().keys().map(String::as_str).collect();
        let expected: &[&str] = match action {
            "migrate" => &["bundle", "target"],
            "info" | "validate" | "repair" => &["action", "bundle", "target"],
            "baseline" | "undo" => &["action", "bundle", "flyway", "target"],
            "keep" | "restore" => &["action", "run", "target"],
            _ => &["action", "target"],
        };
        assert_eq!(
            keys.iter().collect::<BTreeSet<_>>(),
            expected.iter().collect(),
            "{name}"
        );
        assert_eq!(
            input.get("action").map_or("migrate", |action| action.as_str().unwrap()),
            action
        );
        assert!(serde_json::from_value::<Action>(json!(action)).is_ok(), "{name}");
        if let Some(flyway) = input.get("flyway") {
            let settings: RunSettings = serde_json::from_value(flyway.clone()).unwrap();
            assert!(settings.keys().is_ok(), "{name}");
        }
        assert!(asl().contains(&format!("'{action}'")), "{name}");
        actions.insert(action.to_owned());
    }
    assert_eq!(actions.len(), 9, "{actions:?}");
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
