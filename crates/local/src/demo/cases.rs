//! What is shipped, how each run must end, and how the database proves it.

use std::pin::Pin;
use std::process::Command;

use belay_local::{Aws, Mail, Result, Stack, checkout};
use belay_model::{Outcome, RunResult};

use super::look::{Look, locks};

/// A bundle to ship.
pub(super) struct Case {
    pub(super) title: &'static str,
    /// The object's name.
    pub(super) name: &'static str,
    pub(super) content: Content,
    pub(super) outcome: Outcome,
    /// What [`Case::prove`] has looked at.
    pub(super) proof: &'static str,
    /// What is wrong in the database, if anything is.
    pub(super) prove: for<'a> fn(&'a Stack, &'a Look, &'a RunResult, &'a Mail) -> Proving<'a>,
}

type Proving<'a> = Pin<Box<dyn Future<Output = Result<Option<String>>> + 'a>>;

/// What a zip is made of.
#[derive(Clone, Copy)]
pub(super) enum Content {
    /// Folders of `examples/shop`, laid over each other.
    Folders(&'static [&'static str]),
    /// An entry that would be unpacked outside.
    PathTraversal,
}

const FIRST: Content = Content::Folders(&["first-release"]);
const SECOND: Content = Content::Folders(&["first-release", "second-release"]);

/// Every case, in order.
pub(super) fn cases() -> [Case; 7] {
    [
        Case {
            title: "first release",
            name: "release",
            content: FIRST,
            outcome: Outcome::Migrated,
            proof: "15 rows in the history, more than 100,000 in the tables",
            prove: |stack, _, _, _| Box::pin(first_release(stack)),
        },
        Case {
            title: "the same object again",
            name: "release",
            content: FIRST,
            outcome: Outcome::UpToDate,
            proof: "a dump of the database is the same to the byte",
            prove: |stack, before, _, _| Box::pin(same_as(stack, before)),
        },
        Case {
            title: "a second release",
            name: "second",
            content: SECOND,
            outcome: Outcome::Migrated,
            proof: "its migrations are in the history",
            prove: |stack, before, _, _| Box::pin(second_release(stack, before)),
        },
        Case {
            title: "an error in its last file",
            name: "error",
            content: Content::Folders(&["first-release", "second-release", "error-in-last-file"]),
            outcome: Outcome::Unchanged,
            proof: "a dump of the database is the same to the byte",
            prove: |stack, before, _, mail| Box::pin(error_in_last_file(stack, before, mail)),
        },
        Case {
            title: "an assertion of verify/ fails",
            name: "assertion",
            content: Content::Folders(&["first-release", "second-release", "assertion-fails"]),
            outcome: Outcome::Unchanged,
            proof: "it ran before COMMIT: a dump of the database is the same to the byte",
            prove: |stack, before, _, mail| Box::pin(assertion_fails(stack, before, mail)),
        },
        Case {
            title: "a lone file commits, a later one fails",
            name: "lone",
            content: Content::Folders(&["first-release", "second-release", "lone-then-fails"]),
            outcome: Outcome::NeedsOperator,
            proof: "V18 is in and V19 is not; quarantined, and freed by belay unlock",
            prove: |stack, _, result, mail| Box::pin(lone_then_fails(stack, result, mail)),
        },
        Case {
            title: "a zip with ../ in it",
            name: "hostile",
            content: Content::PathTraversal,
            outcome: Outcome::Rejected,
            proof: "the database was not opened: PostgreSQL counted no new session",
            prove: |stack, before, _, _| Box::pin(not_opened(stack, before)),
        },
    ]
}

async fn first_release(stack: &Stack) -> Result<Option<String>> {
    let now = Look::at(stack).await?;
    Ok(expect(&[
        (
            now.history.len() == 15,
            format!("the history has {} rows", now.history.len()),
        ),
        (now.rows > 100_000, format!("the tables have {} rows", now.rows)),
    ]))
}

async fn same_as(stack: &Stack, before: &Look) -> Result<Option<String>> {
    let now = Look::at(stack).await?;
    Ok(expect(&[(
        now.dump == before.dump,
        "a dump of the database is not the same as before".to_owned(),
    )]))
}

async fn second_release(stack: &Stack, before: &Look) -> Result<Option<String>> {
    let now = Look::at(stack).await?;
    let new = now.history.len().saturating_sub(before.history.len());
    Ok(expect(&[
        (
            now.history.starts_with(&before.history),
            "rows of the history have changed".to_owned(),
        ),
        (new >= 2, format!("the history has {new} new rows")),
    ]))
}

async fn error_in_last_file(stack: &Stack, before: &Look, mail: &Mail) -> Result<Option<String>> {
    let told = expect(&[(
        mail.text.contains("V20__gift_card_balances.sql:7:15"),
        "the mail does not say where".to_owned(),
    )]);
    Ok(told.or(same_as(stack, before).await?))
}

async fn assertion_fails(stack: &Stack, before: &Look, mail: &Mail) -> Result<Option<String>> {
    let told = expect(&[(
        mail.text.contains("verify/prices_cover_costs.sql"),
        "the mail does not say which".to_owned(),
    )]);
    Ok(told.or(same_as(stack, before).await?))
}

/// The mail says what is in, what is not, and the ways out; the lock is quarantined until a person frees it.
async fn lone_then_fails(stack: &Stack, result: &RunResult, mail: &Mail) -> Result<Option<String>> {
    let aws = stack.aws();
    let now = Look::at(stack).await?;
    let has = |script: &str| now.history.iter().any(|row| row.contains(script));
    let quarantined = locks(&aws, stack.lock_table()?).await?;
    let mut wrong = expect(&[
        (
            has("V18__index_orders_by_customer.sql"),
            "V18 is not in the history".to_owned(),
        ),
        (
            !has("V19__one_phone_one_customer.sql"),
            "V19 is in the history".to_owned(),
        ),
        (
            now.dump.contains("orders_customer_id_idx"),
            "V18's index is not there".to_owned(),
        ),
        (
            mail.text.contains("V18__index_orders_by_customer.sql"),
            "the mail does not say what is in".to_owned(),
        ),
        (
            mail.text.contains("V19__one_phone_one_customer.sql"),
            "the mail does not say what is not".to_owned(),
        ),
        (
            mail.text.contains("belay unlock"),
            "the mail does not say the ways out".to_owned(),
        ),
        (
            quarantined.iter().any(|lock| lock.phase == "quarantined"),
            format!("no lock is quarantined: {quarantined:?}"),
        ),
    ]);
    if wrong.is_none() {
        wrong = unlock(stack, &aws, result);
    }
    let freed = locks(&aws, stack.lock_table()?).await?;
    Ok(wrong.or(expect(&[(
        freed.iter().all(|lock| lock.phase.is_empty()),
        format!("belay unlock freed nothing: {freed:?}"),
    )])))
}

/// What the mail says to type. What is wrong, if it does not work.
fn unlock(stack: &Stack, aws: &Aws, result: &RunResult) -> Option<String> {
    let mut command = Command::new(checkout().join("target/local/belay"));
    command
        .args(["unlock", "--stack", stack.name(), "--run", result.run.as_str()])
        .envs(aws.environment());
    match command.output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("belay unlock: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Some(format!("belay unlock: {error}")),
    }
}

async fn not_opened(stack: &Stack, before: &Look) -> Result<Option<String>> {
    let now = Look::at(stack).await?;
    let told = format!(
        "PostgreSQL counts {} sessions, and {} before",
        now.sessions, before.sessions
    );
    Ok(expect(&[(now.sessions == before.sessions, told)]))
}

/// The first that does not hold.
fn expect(facts: &[(bool, String)]) -> Option<String> {
    facts.iter().find(|(holds, _)| !holds).map(|(_, wrong)| wrong.clone())
}
