//! A stack for a person: it stays up until it is told to stop.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use belay_local::{
    Aws, Emulator, Error, FIRST_INSTANCE, Mailbox, Result, Settings, Stack, StackSettings, aws_cli, checkout, psql,
};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

/// How long each of RDS's transitional states lasts, for who watches.
pub(crate) const RDS_STATE: Duration = Duration::from_millis(400);

/// How long a stack may take to stop.
const STOP: Duration = Duration::from_secs(30);

/// How to start it.
#[derive(Args)]
pub(crate) struct Options {
    /// The port of the AWS emulator; another one if it is taken
    #[arg(long, default_value_t = 4566)]
    port: u16,
    /// How many seconds a second lasts where the workflow waits
    #[arg(long, default_value_t = 1.0)]
    wait_scale: f64,
    /// The profile of cargo's in which the functions are built
    #[arg(long, default_value = "local")]
    profile: String,
}

/// What `down` and `env` must know about a stack that is up.
#[derive(Serialize, Deserialize)]
struct Note {
    pid: i32,
    /// None yet while it starts.
    endpoint: Option<String>,
}

/// Starts the stack, tells what to type, and stays until Ctrl-C, SIGTERM or `down`.
pub(crate) async fn up(options: &Options) -> Result<()> {
    let note = open_note()?;
    match note.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say(format_args!(
                "A stack of this checkout is up already; `belay-local down` stops it."
            ));
            return Ok(());
        }
        Err(TryLockError::Error(source)) => return Err(file("lock")(source)),
    }
    write_note(&note, None)?;
    tokio::select! {
        result = stay(options, &note) => result,
        result = interrupted() => {
            say(format_args!("Stopping."));
            result
        }
    }
}

async fn stay(options: &Options, note: &File) -> Result<()> {
    say(format_args!(
        "Building the functions; the first time this takes minutes."
    ));
    let emulator = Emulator {
        port: options.port,
        wait_scale: options.wait_scale,
        ..Emulator::default()
    };
    let settings = StackSettings::project(&options.profile, emulator, Settings::default()).await?;
    let settings = settings.on_rds(RDS_STATE);
    say(format_args!("Starting PostgreSQL and the emulator, and deploying."));
    let stack = Stack::start(settings).await?;
    let mailbox = stack.mailbox(&stack.aws(), "belay-local").await?;
    stay_with(note, &stack, &mailbox).await
}

/// Keeps a stack that is up already for whoever wants to try it, until Ctrl-C, SIGTERM or `down`.
pub(crate) async fn keep(stack: &Stack, mailbox: &Mailbox) -> Result<()> {
    let note = open_note()?;
    match note.try_lock() {
        Ok(()) => stay_with(&note, stack, mailbox).await,
        Err(TryLockError::WouldBlock) => {
            say(format_args!(
                "Another stack of this checkout is up: this one can't be kept beside it."
            ));
            Ok(())
        }
        Err(TryLockError::Error(source)) => Err(file("lock")(source)),
    }
}

async fn stay_with(note: &File, stack: &Stack, mailbox: &Mailbox) -> Result<()> {
    write_note(note, Some(stack.emulator().endpoint()))?;
    say(format_args!("{}", manual(stack).await?));
    tell_mails(mailbox).await
}

/// Prints each mail as it is sent.
async fn tell_mails(mailbox: &Mailbox) -> Result<()> {
    loop {
        let mail = mailbox.next().await?;
        say(format_args!("\n--- mail: {}\n{}", mail.subject, mail.text));
    }
}

async fn manual(stack: &Stack) -> Result<String> {
    let (bucket, machine) = (stack.bucket()?, stack.state_machine()?);
    let instance = stack.rds()?.instance(FIRST_INSTANCE).await?;
    let target = belay_local::FIRST_TARGET;
    let program = std::env::args().next().unwrap_or_default();
    let (psql, url) = (psql()?, instance.url(instance.migrator()?, target));
    let psql = psql.display();
    Ok(format!(
        "
Belay is up. In another terminal:

  # The AWS CLI, talking to this stack
  eval \"$({program} env)\"

  # Ship a bundle
  aws s3 cp bundle.zip s3://{bucket}/bundles/{target}/

  # See the runs
  aws stepfunctions list-executions --state-machine-arn {machine}

  # Look into the database
  {psql} {url}

  # See the RDS instance; say what becomes of a failed run: never, if-lossless or always
  aws rds describe-db-instances --endpoint-url {rds} --query 'DBInstances[].[DBInstanceIdentifier,DBInstanceStatus]'
  aws ssm put-parameter --overwrite --name /{stack}/instances/{instance} --value \\
    '{{\"rds\": {{\"instance\": \"{instance}\"}}, \"restore\": \"always\", \"quiesce\": {{\"roles\": [\"app\"]}}}}'

  # Stop (or Ctrl-C here)
  {program} down

Mails appear here as they are sent.",
        rds = stack.rds()?.endpoint_url(),
        stack = stack.name(),
        instance = FIRST_INSTANCE,
    ))
}

/// Stops the stack that is up, and waits until nothing of it is left.
pub(crate) fn down() -> Result<()> {
    let Some(note) = read_note()? else {
        say(format_args!("No stack of this checkout is up."));
        return Ok(());
    };
    if let Some(pid) = Pid::from_raw(note.pid) {
        kill_process(pid, Signal::TERM).map_err(|error| file("stop the process noted in")(error.into()))?;
    }
    let start = Instant::now();
    while is_up()? {
        if start.elapsed() > STOP {
            let (what, seen) = ("the stack's end".to_owned(), format!("process {}", note.pid));
            return Err(Error::TooLate {
                what,
                seconds: STOP.as_secs(),
                seen,
            });
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    say(format_args!("Stopped."));
    Ok(())
}

/// Prints shell commands that set the variables of the stack that is up.
pub(crate) fn env() -> Result<()> {
    let Some(endpoint) = read_note()?.and_then(|note| note.endpoint) else {
        return Err(Error::Missing {
            place: checkout().display().to_string(),
            missing: "stack that is up".to_owned(),
        });
    };
    let cli = aws_cli()?;
    let folder = cli.parent().unwrap_or(&cli).display().to_string();
    // They would win over the variables below.
    say(format_args!("unset AWS_PROFILE AWS_SESSION_TOKEN"));
    for (name, value) in Aws::at(&endpoint).environment() {
        say(format_args!("export {name}='{value}'"));
    }
    say(format_args!("export PATH='{folder}':\"$PATH\""));
    Ok(())
}

/// Waits until somebody wants this program to end.
pub(crate) async fn interrupted() -> Result<()> {
    let listen = |kind| signal(kind).map_err(file("listen for signals beside"));
    let mut signals = [
        listen(SignalKind::interrupt())?,
        listen(SignalKind::terminate())?,
        listen(SignalKind::hangup())?,
    ];
    let [interrupt, terminate, hangup] = &mut signals;
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {}, _ = hangup.recv() => {} }
    Ok(())
}

/// The note is locked by the stack that is up; the lock ends with its process, however that ends.
fn open_note() -> Result<File> {
    let folder = note_path();
    let folder = folder.parent().unwrap_or(&folder);
    fs::create_dir_all(folder).map_err(file("make the folder of"))?;
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(note_path())
        .map_err(file("open"))
}

fn is_up() -> Result<bool> {
    match open_note()?.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(file("lock")(source)),
    }
}

fn read_note() -> Result<Option<Note>> {
    if !is_up()? {
        return Ok(None);
    }
    let text = fs::read_to_string(note_path()).map_err(file("read"))?;
    Ok(serde_json::from_str(&text).ok())
}

fn write_note(lock: &File, endpoint: Option<String>) -> Result<()> {
    let pid = std::process::id().try_into().unwrap_or_default();
    let text = serde_json::to_string(&Note { pid, endpoint }).unwrap_or_default();
    lock.set_len(0)
        .and_then(|()| lock.write_all_at(text.as_bytes(), 0))
        .map_err(file("write"))
}

fn note_path() -> PathBuf {
    checkout().join("target/belay-local/up.json")
}

fn file(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::File {
        doing,
        path: note_path(),
        source,
    }
}

/// Tells a person.
pub(crate) fn say(text: std::fmt::Arguments<'_>) {
    // Nobody reads if standard output is closed; the stack is as good without.
    let _ = writeln!(io::stdout(), "{text}");
}
