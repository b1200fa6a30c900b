//! What a set does, where it is more than to migrate: lines of a file `steps`.
//!
//! ```text
//! migrate             both tools must do it, and agree on what is then
//! fails migrate       both must refuse
//! belay undo          only Belay can: Flyway sells it
//! files next          the migrations are those of the set's folder `next` from here on
//! sql damage.sql      somebody else changes the database
//! set outOfOrder=true a line more in flyway.conf from here on
//! ```

use super::tool::Ask;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A command of the tool whose turn it is.
    Ask { ask: Ask, fails: bool },
    /// A command that only Belay has.
    Belay(Ask),
    /// Other migrations.
    Files(String),
    /// A script that a third one runs.
    Sql(String),
    /// Another setting.
    Set(String),
}

/// Every line of the file.
///
/// # Errors
/// A line that is no step.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, String> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| step(line).ok_or_else(|| format!("no such step: {line}")))
        .collect()
}

fn step(line: &str) -> Option<Step> {
    let ask = |word: &str| Ask::ALL.into_iter().find(|ask| ask.word() == word);
    let Some((first, rest)) = line.split_once(' ') else {
        return ask(line).map(|ask| Step::Ask { ask, fails: false });
    };
    match first {
        "fails" => ask(rest).map(|ask| Step::Ask { ask, fails: true }),
        "belay" => ask(rest).map(Step::Belay),
        "files" => Some(Step::Files(rest.to_owned())),
        "sql" => Some(Step::Sql(rest.to_owned())),
        "set" => Some(Step::Set(rest.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_step_or_an_error() {
        let steps = parse("# what\n\nmigrate\n fails repair\nbelay undo\nfiles a b\nsql x.sql\nset a=b\n").unwrap();
        let ask = |ask, fails| Step::Ask { ask, fails };
        assert_eq!(
            steps,
            [
                ask(Ask::Migrate, false),
                ask(Ask::Repair, true),
                Step::Belay(Ask::Undo),
                Step::Files("a b".to_owned()),
                Step::Sql("x.sql".to_owned()),
                Step::Set("a=b".to_owned()),
            ]
        );
        for wrong in ["migrated", "fails", "fails x", "flyway undo", "sql"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
