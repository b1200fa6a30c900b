//! What is shipped, how each run must end, and how the database proves it.

use std::fmt;
use std::pin::Pin;

use belay_local::{Mail, Mailbox, Result, Stack};
use belay_model::{Outcome, RunResult};
use serde_json::{Value, json};

use super::look::Look;
use super::proofs;
use super::writer::Written;

/// A bundle to ship.
pub(super) struct Case {
    pub(super) title: &'static str,
    /// The object's name.
    pub(super) name: &'static str,
    pub(super) content: Content,
    pub(super) policy: Policy,
    /// Whether somebody else writes all along.
    pub(super) writer: bool,
    pub(super) outcome: Outcome,
    /// What [`Case::prove`] has looked at.
    pub(super) proof: &'static str,
    /// What is wrong in the database, if anything is.
    pub(super) prove: for<'a> fn(&'a Seen<'a>) -> Proving<'a>,
}

type Proving<'a> = Pin<Box<dyn Future<Output = Result<Option<String>>> + 'a>>;

/// What there is to prove an outcome with.
pub(super) struct Seen<'a> {
    pub(super) stack: &'a Stack,
    pub(super) mailbox: &'a Mailbox,
    pub(super) before: &'a Look,
    pub(super) result: &'a RunResult,
    pub(super) mail: &'a Mail,
    pub(super) written: Option<Written>,
}

/// What a zip is made of.
#[derive(Clone, Copy)]
pub(super) enum Content {
    /// Folders of `examples/shop`, laid over each other.
    Folders(&'static [&'static str]),
    /// An entry that would be unpacked outside.
    PathTraversal,
}

/// What the instance's parameter says.
#[derive(Clone, Copy)]
pub(super) struct Policy {
    restore: &'static str,
    roles: &'static [&'static str],
}

impl Policy {
    pub(super) fn json(self) -> Value {
        json!({"restore": self.restore, "quiesce": {"roles": self.roles}})
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "restore = {}", self.restore)?;
        if self.restore == "if-lossless" && self.roles.is_empty() {
            f.write_str(", nobody named to be kept out")?;
        }
        Ok(())
    }
}

const FIRST: Content = Content::Folders(&["first-release"]);
const SECOND: Content = Content::Folders(&["first-release", "second-release"]);
/// V18 commits by itself, and V19 fails.
const LONE: Content = Content::Folders(&["first-release", "second-release", "lone-then-fails"]);

const NEVER: Policy = Policy {
    restore: "never",
    roles: &["app"],
};
const ALWAYS: Policy = Policy {
    restore: "always",
    roles: &["app"],
};
const IF_LOSSLESS: Policy = Policy {
    restore: "if-lossless",
    roles: &["app"],
};
const NOBODY_NAMED: Policy = Policy {
    restore: "if-lossless",
    roles: &[],
};

/// Every case, in order.
pub(super) fn cases() -> Vec<Case> {
    let case = |title, name, content, outcome, proof, prove| Case {
        title,
        name,
        content,
        policy: NEVER,
        writer: false,
        outcome,
        proof,
        prove,
    };
    let same = "a dump of the database is the same to the byte";
    vec![
        case(
            "first release",
            "release",
            FIRST,
            Outcome::Migrated,
            "15 rows in the history, more than 100,000 in the tables; a snapshot was taken",
            |seen| Box::pin(proofs::first_release(seen)),
        ),
        case(
            "the same object again",
            "release",
            FIRST,
            Outcome::UpToDate,
            "a dump of the database is the same to the byte; no snapshot was taken",
            |seen| Box::pin(proofs::up_to_date(seen)),
        ),
        case(
            "a second release",
            "second",
            SECOND,
            Outcome::Migrated,
            "its migrations are in the history",
            |seen| Box::pin(proofs::second_release(seen)),
        ),
        case(
            "an error in its last file",
            "error",
            Content::Folders(&["first-release", "second-release", "error-in-last-file"]),
            Outcome::Unchanged,
            same,
            |seen| Box::pin(proofs::error_in_last_file(seen)),
        ),
        case(
            "an assertion of verify/ fails",
            "assertion",
            Content::Folders(&["first-release", "second-release", "assertion-fails"]),
            Outcome::Unchanged,
            "it ran before COMMIT: a dump of the database is the same to the byte",
            |seen| Box::pin(proofs::assertion_fails(seen)),
        ),
        Case {
            policy: ALWAYS,
            ..case(
                "a lone file commits, a later one fails",
                "restored",
                LONE,
                Outcome::Restored,
                "another database has the name; a dump of it is the same to the byte; the failed one is beside",
                |seen| Box::pin(proofs::restored(seen)),
            )
        },
        Case {
            policy: IF_LOSSLESS,
            writer: true,
            ..case(
                "the same, while somebody writes",
                "lossless",
                LONE,
                Outcome::Restored,
                "… and every row that was acknowledged to the writer is there",
                |seen| Box::pin(proofs::nothing_is_lost(seen)),
            )
        },
        Case {
            policy: NOBODY_NAMED,
            ..case(
                "the same, a role not named",
                "unnamed",
                LONE,
                Outcome::Rejected,
                "the mail lists the role; a dump of the database is the same to the byte",
                |seen| Box::pin(proofs::role_is_listed(seen)),
            )
        },
        Case {
            writer: true,
            ..case(
                "the same, to be restored by a person",
                "by-hand",
                LONE,
                Outcome::NeedsOperator,
                "no write is lost; then {\"action\":\"restore\"} as the mail says: as before, every write in the failed one",
                |seen| Box::pin(proofs::restored_by_hand(seen)),
            )
        },
        case(
            "the same, to be mended by a person",
            "lone",
            LONE,
            Outcome::NeedsOperator,
            "V18 is in and V19 is not; quarantined, and freed by belay unlock",
            |seen| Box::pin(proofs::lone_then_fails(seen)),
        ),
        case(
            "a zip with ../ in it",
            "hostile",
            Content::PathTraversal,
            Outcome::Rejected,
            "the database was not opened: PostgreSQL counted no new session",
            |seen| Box::pin(proofs::not_opened(seen)),
        ),
    ]
}
