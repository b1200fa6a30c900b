//! Called wrongly: exit code 64, which no outcome has.

use crate::bench::{Said, belay};

#[test]
fn a_wrong_call_is_no_outcome() {
    for line in [
        "",
        "nothing",
        "migrate",
        "migrate --bundle x",
        "migrate --url postgres://u:hunter2@h/d --placeholder hunter2",
        "migrate --url postgres://u:hunter2@h/d --bundle x --nothing",
        "migrate --url postgres://u:hunter2@h/d --bundle x --format xml",
        "migrate --url postgres://u:hunter2@h/d --bundle x --lock-timeout soon",
        "migrate --url postgres://u:hunter2@h/d --bundle x --lock-timeout -1s",
        "info --url postgres://u:hunter2@h/d --bundle x --target newest",
        "info --url postgres://u:hunter2@h/d --bundle x --ignore-migration-patterns future",
        "info --url mysql://u:hunter2@h/d --bundle x",
        "info --url postgres://u:hunter2@h/d --bundle x --placeholder hunter2",
        "info --url postgres://u:hunter2@h/d --bundle x --secret-placeholder a=NOT_THERE",
        "keep --url postgres://u:hunter2@h/d --run hunter2",
        "bundle",
        "unlock",
        "unlock --stack belay --table locks",
        "unlock --table locks --lock db",
    ] {
        let said = Said::of(&belay().args(line.split_whitespace()).output().unwrap());
        assert_eq!(said.code, 64, "{line}: {said:?}");
        assert!(said.out.is_empty() && !said.err.is_empty(), "{line}: {said:?}");
        assert!(!said.err.contains("u:hunter2"), "{line}: {said:?}");
    }
}

#[test]
fn help_and_version_are_answers() {
    for line in ["--help", "--version", "migrate --help", "unlock --help"] {
        let said = Said::of(&belay().args(line.split_whitespace()).output().unwrap());
        assert_eq!(said.code, 0, "{line}: {said:?}");
        assert!(!said.out.is_empty(), "{line}");
    }
}

#[test]
fn the_documentation_names_every_option() {
    let documentation = include_str!("../../../../docs/cli.md");
    for command in [
        "info", "validate", "plan", "migrate", "baseline", "repair", "undo", "keep", "bundle", "unlock",
    ] {
        let help = Said::of(&belay().args([command, "--help"]).output().unwrap()).out;
        assert!(documentation.contains(&format!("belay {command} ")), "{command}");
        // A line of the list of options begins with one.
        let lines = help.lines().filter(|line| line.trim_start().starts_with('-'));
        let options = lines.filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
        for option in options.filter(|option| *option != "--help" && *option != "--output") {
            assert!(documentation.contains(&option.replace("...", "")), "{command} {option}");
        }
    }
}
