//! The demo: a web shop's bundles shipped one after the other, each outcome proved by a look into the database.

mod bundles;
mod cases;
mod look;
mod progress;
mod proofs;
mod writer;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use belay_local::{Emulator, FIRST_INSTANCE, Mail, Mailbox, Result, Settings, Stack, StackSettings};
use clap::Args;

use self::bundles::Bundles;
use self::cases::{Case, Seen, cases};
use self::look::Look;
use self::progress::Progress;
use self::writer::Writer;
use crate::up::{self, RDS_STATE, say};

/// How long one run may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// How to run it.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave the stack up afterwards, and tell what to type
    #[arg(long)]
    keep: bool,
}

/// A case that was run: what it came to, and what is wrong with that.
struct Told {
    title: &'static str,
    outcome: String,
    seconds: f64,
    wrong: Option<String>,
}

/// Ships every bundle. Fails unless every outcome is as it must be and proved.
pub(crate) async fn demo(options: &Options) -> Result<ExitCode> {
    tokio::select! {
        code = run(options) => code,
        result = up::interrupted() => result.map(|()| ExitCode::from(130)),
    }
}

async fn run(options: &Options) -> Result<ExitCode> {
    say(format_args!(
        "Starting PostgreSQL as an RDS instance, and the emulator, and deploying sam/template.yaml."
    ));
    let emulator = Emulator {
        wait_scale: 0.1,
        ..Emulator::default()
    };
    let settings = StackSettings::project("local", emulator, Settings::default()).await?;
    let stack = Stack::start(settings.on_rds(RDS_STATE)).await?;
    let aws = stack.aws();
    let mailbox = stack.mailbox(&aws, "demo").await?;
    let bundles = Bundles::new()?;
    let mut told = Vec::new();
    for case in cases() {
        told.push(ship(&stack, &mailbox, &bundles, &case).await?);
    }
    say(format_args!("\n{}", table(&told)));
    if options.keep {
        up::keep(&stack, &mailbox).await?;
    }
    let all_right = told.iter().all(|case| case.wrong.is_none());
    Ok(if all_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Ships one bundle with the real `aws s3 cp`, follows its run, shows the mail, and looks into the database.
async fn ship(stack: &Stack, mailbox: &Mailbox, bundles: &Bundles, case: &Case) -> Result<Told> {
    let aws = stack.aws();
    let target = belay_local::FIRST_TARGET;
    let bundle = bundles.make(case)?;
    let name = bundle.file_name().unwrap_or_default().to_string_lossy().into_owned();
    say(format_args!(
        "\n=== {} ({})\n$ aws s3 cp {name} s3://{}/bundles/{target}/",
        case.title,
        case.policy,
        stack.bucket()?
    ));
    stack.put_instance(&aws, FIRST_INSTANCE, case.policy.json()).await?;
    let before = Look::at(stack).await?;
    let writer = if case.writer {
        Some(Writer::begin(stack).await?)
    } else {
        None
    };
    let start = Instant::now();
    let shipped = stack.ship_file(&aws, target, &bundle).await?;
    let mut progress = Progress::new();
    let (result, _) = stack
        .follow(&aws, &shipped, PATIENCE, |state| progress.entered(state))
        .await?;
    progress.end();
    let seconds = start.elapsed().as_secs_f64();
    let mail = mailbox
        .wait_for(PATIENCE, |mail| mail.text.contains(result.run.as_str()))
        .await?;
    say(format_args!("{}", indented(&mail)));
    let written = match writer {
        Some(writer) => Some(writer.end().await),
        None => None,
    };
    let seen = Seen {
        stack,
        mailbox,
        before: &before,
        result: &result,
        mail: &mail,
        written,
    };
    let wrong = judge(case, &seen).await?;
    match &wrong {
        None => say(format_args!("→ {} in {seconds:.1} s; {}", result.status, case.proof)),
        Some(wrong) => say(format_args!("→ {} in {seconds:.1} s; WRONG: {wrong}", result.status)),
    }
    Ok(Told {
        title: case.title,
        outcome: result.status,
        seconds,
        wrong,
    })
}

/// What is wrong with a run's ending, if anything is.
async fn judge(case: &Case, seen: &Seen<'_>) -> Result<Option<String>> {
    let expected = case.outcome.as_str();
    if seen.result.status != expected {
        return Ok(Some(format!("it must end as {expected}")));
    }
    if !seen.mail.subject.contains(expected) {
        return Ok(Some(format!("the mail's subject does not say {expected}")));
    }
    (case.prove)(seen).await
}

fn indented(mail: &Mail) -> String {
    let lines = std::iter::once(format!("Subject: {}", mail.subject)).chain(mail.text.lines().map(str::to_owned));
    lines.map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n")
}

fn table(told: &[Told]) -> String {
    let width = told
        .iter()
        .map(|case| case.title.chars().count())
        .max()
        .unwrap_or_default();
    let line = |case: &Told| {
        let proved = case.wrong.as_ref().map_or_else(
            || "proved in the database".to_owned(),
            |wrong| format!("WRONG: {wrong}"),
        );
        format!(
            "{:width$}  {:15} {:5.1} s  {proved}",
            case.title, case.outcome, case.seconds
        )
    };
    told.iter().map(line).collect::<Vec<_>>().join("\n")
}
