//! What of a file decides where it goes (rule U1).

use belay_model::{Code, Problem};

use crate::classify::{StatementKind, mentions};
use crate::script::Script;

/// What of a file decides where it goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traits {
    /// Why it can't be in a transaction of ours, if it can't.
    pub(crate) lone: Option<String>,
    pub(crate) bytes: usize,
    pub(crate) relations: usize,
    pub(crate) adds_enum_value: bool,
    pub(crate) temporary: Vec<String>,
    pub(crate) defers_constraints: bool,
}

/// What is said of a file's transaction, and by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InTransaction {
    /// Its `.conf`.
    pub(crate) conf: Option<bool>,
    /// The settings.
    pub(crate) settings: bool,
    /// Whether it may hold both kinds of statements.
    pub(crate) mixed: bool,
}

impl Traits {
    /// Whether the file can't be in a transaction of ours.
    pub(crate) fn is_lone(&self) -> bool {
        self.lone.is_some()
    }

    /// Looks at a file.
    pub(crate) fn of(script: &Script, said: InTransaction) -> Self {
        let statements = script.statements();
        Self {
            lone: said.lone().or_else(|| lone_statement(script)),
            bytes: script.sql().len(),
            relations: statements.iter().filter(|s| s.nature.creates_relation).count(),
            adds_enum_value: statements.iter().any(|s| s.nature.adds_enum_value),
            temporary: statements
                .iter()
                .filter_map(|s| s.nature.temporary_table.as_deref())
                .map(str::to_owned)
                .collect(),
            defers_constraints: mentions(script.sql(), "deferred"),
        }
    }
}

impl InTransaction {
    fn lone(self) -> Option<String> {
        match (self.conf, self.settings) {
            (Some(false), _) => Some("its .conf says executeInTransaction=false".to_owned()),
            (None, false) => Some("executeInTransaction is false".to_owned()),
            _ => None,
        }
    }

    /// Statements of both kinds in one file, where the settings don't allow it: Flyway refuses that, so that nobody takes
    /// such a file for one that is rolled back whole.
    pub(crate) fn mixed_problem(self, script: &Script) -> Option<Problem> {
        if self.mixed || self.conf.is_some() || !self.settings {
            return None;
        }
        let is_alone = |kind: StatementKind| kind == StatementKind::Alone;
        let first = is_alone(script.kinds().next()?);
        let other = script.kinds().position(|kind| is_alone(kind) != first)?;
        Some(Problem {
            code: Code::Mixed,
            place: Some(script.statement_place(other)),
            message: "the file holds statements that can be in a transaction and others that can't, and mixed is false; \
                      put them into files of their own, or set mixed, or say executeInTransaction=false in the file's .conf"
                .to_owned(),
        })
    }
}

fn lone_statement(script: &Script) -> Option<String> {
    script.kinds().enumerate().find_map(|(index, kind)| {
        let why = lone_reason(kind)?;
        let place = script.statement_place(index);
        Some(format!("line {}: {why}", place.line.unwrap_or_default()))
    })
}

fn lone_reason(kind: StatementKind) -> Option<&'static str> {
    match kind {
        StatementKind::Begin | StatementKind::Commit | StatementKind::Rollback => {
            Some("it has its own transaction control")
        }
        StatementKind::SetTransaction => Some("SET TRANSACTION must come first in a transaction"),
        StatementKind::Alone => Some("PostgreSQL refuses this statement inside a transaction"),
        _ => None,
    }
}
