//! What all tests share: the stack, and the mails that it sent.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use belay_local::{Aws, Emulator, Mail, Mailbox, Pace, RdsSettings, Settings, Source, Stack, StackSettings};
use tokio::sync::OnceCell;
use tokio::time::sleep;

/// How long anything may take that has no reason to take long. Long: the machine may be busy.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// How often a condition is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// A stack that runs until the process ends, and every mail that it has sent.
pub(crate) struct World {
    pub(crate) stack: Stack,
    mails: Mails,
}

type Mails = Arc<Mutex<Vec<Mail>>>;

/// The world that nearly every test is in. A second of the workflow's waits is 20 ms.
pub(crate) async fn world() -> &'static World {
    static WORLD: OnceCell<&World> = OnceCell::const_new();
    let emulator = Emulator {
        wait_scale: 0.02,
        ..Emulator::default()
    };
    WORLD.get_or_init(|| World::start(emulator)).await
}

/// A world in which roles are enforced: each function may do what the template says, and no more.
pub(crate) async fn guarded() -> &'static World {
    static WORLD: OnceCell<&World> = OnceCell::const_new();
    let emulator = Emulator {
        wait_scale: 0.02,
        enforce_iam: true,
        ..Emulator::default()
    };
    WORLD.get_or_init(|| World::start(emulator)).await
}

impl World {
    async fn start(emulator: Emulator) -> &'static Self {
        // Cargo would build twice at once, and wait for itself.
        static BUILT: OnceCell<BTreeMap<String, PathBuf>> = OnceCell::const_new();
        let built = BUILT.get_or_init(|| async { Source::project("local").await.unwrap().functions });
        let source = Source {
            root: belay_local::checkout(),
            functions: built.await.clone(),
        };
        let rds = RdsSettings {
            pace: Pace::Time(Duration::from_millis(50)),
            ..RdsSettings::default()
        };
        let settings = StackSettings {
            rds: Some(rds),
            ..StackSettings::of(source, emulator, Settings::default())
        };
        let stack = Stack::start(settings).await.unwrap();
        let mails = Mails::default();
        collect(stack.emulator().endpoint(), stack.topic().unwrap().to_owned(), &mails);
        Box::leak(Box::new(Self { stack, mails }))
    }

    /// The first mail that is as wanted, of all that were ever sent.
    pub(crate) async fn mail(&self, what: &str, is_wanted: impl Fn(&Mail) -> bool) -> Mail {
        let give_up = Instant::now() + LONG;
        loop {
            if let Some(mail) = self.mails().into_iter().find(|mail| is_wanted(mail)) {
                return mail;
            }
            let seen = || self.mails().into_iter().map(|mail| mail.subject).collect::<Vec<_>>();
            assert!(Instant::now() < give_up, "no mail {what} among {:#?}", seen());
            sleep(LOOK).await;
        }
    }

    /// Every mail until now.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
}

/// Collects mails for as long as the process lives, on a thread of its own: a client ends with the test that made it.
fn collect(endpoint: String, topic: String, mails: &Mails) {
    let (mails, (opened, is_open)) = (mails.clone(), mpsc::channel());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let mailbox = Mailbox::open(&Aws::at(&endpoint), &topic, "everybody").await.unwrap();
            opened.send(()).unwrap();
            // It fails when the emulator ends, with the process.
            while let Ok(mail) = mailbox.next().await {
                mails.lock().unwrap().push(mail);
            }
        });
    });
    is_open.recv().unwrap();
}
