//! The AWS emulator, with the version id that its S3 events lack.

use std::ffi::OsString;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::error::Result;
use crate::supervise::{Plan, Server};
use crate::{place, tools};

/// How long the emulator may take to start and to pass its self-test.
const READY: Duration = Duration::from_secs(90);

/// The region that everything is in.
pub const REGION: &str = "us-east-1";

/// How to start an emulator.
#[derive(Debug, Clone)]
pub struct Emulator {
    /// The port to take if it is free; any other, if not. 0: any.
    pub port: u16,
    /// What a second of a workflow's wait lasts, in seconds. Intervals between retries are scaled as well.
    pub wait_scale: f64,
    /// Whether roles and bucket policies are enforced.
    pub enforce_iam: bool,
    /// More variables, for the emulator and for every function that it runs; `AWS_ENDPOINT_URL_RDS` for example.
    pub environment: Vec<(String, String)>,
}

impl Default for Emulator {
    fn default() -> Self {
        Self {
            port: 0,
            wait_scale: 1.0,
            enforce_iam: false,
            environment: Vec::new(),
        }
    }
}

impl Emulator {
    /// Starts it, empty, and proves that an object's version arrives in its event. Half a second.
    ///
    /// # Errors
    /// It is not installed, does not start, or fails the self-test.
    pub async fn start(self) -> Result<RunningEmulator> {
        let folder = place::new_folder("belay-emulator-")?;
        let status = folder.path().join("status.json");
        let script = tools::script("emulator.py");
        let mut command: Vec<OsString> = vec![tools::emulator_python()?.into(), "-I".into(), script.into()];
        command.extend([
            "--port".into(),
            self.port.to_string().into(),
            "--status".into(),
            status.clone().into(),
        ]);
        let environment = self.environment(&folder);
        let plan = Plan {
            command,
            environment,
            folder: folder.path(),
            stop: "TERM",
        };
        let (mut server, start) = (Server::start(&plan)?, Instant::now());
        loop {
            if let Ok(text) = fs::read_to_string(&status) {
                let found: Value = serde_json::from_str(&text).unwrap_or_default();
                return match found["port"].as_u64().and_then(|port| u16::try_from(port).ok()) {
                    Some(port) => Ok(RunningEmulator { port, server, folder }),
                    None => Err(server.not_started("the emulator", found["error"].to_string())),
                };
            }
            if server.has_ended() {
                return Err(server.not_started("the emulator", "it ended"));
            }
            if start.elapsed() > READY {
                return Err(server.not_started("the emulator", format!("not ready in {} s", READY.as_secs())));
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// All that it sees: the emulator hands its own environment on to the functions.
    fn environment(&self, folder: &TempDir) -> Vec<(String, OsString)> {
        let mut environment: Vec<(String, OsString)> = vec![
            ("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()),
            ("LANG".into(), "C.UTF-8".into()),
            ("HOME".into(), folder.path().into()),
            ("TMPDIR".into(), folder.path().into()),
            ("BIND_HOST".into(), "127.0.0.1".into()),
            ("MINISTACK_HOST".into(), "127.0.0.1".into()),
            ("MINISTACK_REGION".into(), REGION.into()),
            ("SFN_WAIT_SCALE".into(), self.wait_scale.to_string().into()),
            ("AUTH".into(), self.enforce_iam.to_string().into()),
            ("AWS_EC2_METADATA_DISABLED".into(), "true".into()),
            // It would listen there too, on ports that a second emulator lacks.
            ("IOT_MTLS_ENABLED".into(), "0".into()),
            ("SFTP_ENABLED".into(), "0".into()),
            // It ends containers of its own kind when it starts: not ours to end.
            ("DOCKER_HOST".into(), "unix:///nonexistent".into()),
        ];
        environment.extend(self.environment.iter().map(|(key, value)| (key.clone(), value.into())));
        environment
    }
}

/// An emulator that runs. Dropping it stops it with every function that it runs, and so does the end of this process,
/// however that comes.
#[derive(Debug)]
pub struct RunningEmulator {
    port: u16,
    server: Server,
    folder: TempDir,
}

impl RunningEmulator {
    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What `AWS_ENDPOINT_URL` should be. By address, so that S3 clients put the bucket into the path.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The process group of the emulator and the functions that it runs.
    pub fn process_group(&self) -> u32 {
        self.server.process_group()
    }

    /// All that it and the functions have logged until now.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn log(&self) -> Result<String> {
        let path = self.folder.path().join("log");
        fs::read_to_string(&path).map_err(crate::error::file("read", path))
    }
}
