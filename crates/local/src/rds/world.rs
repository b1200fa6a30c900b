//! The account: its instances and snapshots, and what RDS does with them as it goes on.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::described;
use super::forwarder::Forwarder;
use super::instance::Instance;
use super::model::Model;
use super::refusal::Refusal;
use super::settings::{RdsSettings, StaleAddresses};
use super::view::RdsState;
use crate::error::{Error, Result, file};
use crate::postgres::{Backup, Postgres, refused};

/// Everything that there is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) model: &'static Model,
    pub(super) settings: RdsSettings,
    pub(super) instances: BTreeMap<String, Instance>,
    pub(super) snapshots: BTreeMap<String, Snapshot>,
    /// Which instance each proxy leads to, by its resource id.
    pub(super) proxies: BTreeMap<String, String>,
    /// What describing requests still show, and how many of them.
    pub(super) before: Option<(Described, u32)>,
    /// What did not work although it should have.
    pub(super) troubles: Vec<String>,
    /// Every state that is over.
    pub(super) states: Vec<RdsState>,
    endpoints: BTreeMap<String, Forwarder>,
    addresses: BTreeMap<String, Ipv4Addr>,
    seed: RandomState,
}

/// A manual snapshot.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// All that it is described as, but for its status and progress.
    pub(super) described: Map<String, Value>,
    /// What is in it, once it is there.
    pub(super) backup: Option<Arc<Backup>>,
    /// Of the instance when it was taken: what a restore takes over by itself.
    pub(super) source: Map<String, Value>,
    /// The port of that instance.
    pub(super) port: u16,
}

/// Instances and snapshots as they are described.
#[derive(Debug, Clone, Default)]
pub(super) struct Described {
    pub(super) instances: Vec<Value>,
    pub(super) snapshots: Vec<Value>,
}

impl World {
    pub(super) fn new(model: &'static Model, settings: RdsSettings) -> Self {
        Self {
            model,
            settings,
            instances: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            proxies: BTreeMap::new(),
            before: None,
            troubles: Vec::new(),
            states: Vec::new(),
            endpoints: BTreeMap::new(),
            addresses: BTreeMap::new(),
            seed: RandomState::new(),
        }
    }

    /// Makes a running server an instance, configured as by default but for `settings`.
    pub(super) async fn adopt(&mut self, name: &str, server: Postgres, settings: Map<String, Value>) -> Result<()> {
        let client = server.connect(server.superuser(), "postgres").await?;
        let row = client.query_one("SHOW server_version", &[]).await;
        let version: String = row.map_err(refused("tell its version"))?.get(0);
        let mut described = described::defaults(name, &version);
        described.extend(settings);
        let wanted = described
            .remove("Endpoint")
            .and_then(|endpoint| endpoint["Port"].as_u64());
        let port = wanted.and_then(|port| u16::try_from(port).ok());
        let instance = Instance::new(described, port.unwrap_or(server.port()), Some(server));
        self.instances.insert(name.to_owned(), instance);
        self.lead(name).await
    }

    /// The instance of this name.
    pub(super) fn instance(&self, name: &str) -> Result<&Instance, Refusal> {
        self.instances.get(name).ok_or_else(|| no_instance(name))
    }

    /// Whether a name is in use, or about to be.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        let coming = |instance: &Instance| instance.next_name() == Some(name);
        self.instances.contains_key(name) || self.instances.values().any(coming)
    }

    /// Everything as it is described.
    pub(super) fn described(&self) -> Described {
        let instances = self.instances.iter().map(|(name, instance)| {
            let address = self.addresses.get(name).map_or_else(String::new, ToString::to_string);
            instance.describe(&address)
        });
        let snapshots = self.snapshots.iter().map(|(name, snapshot)| {
            let coming = self
                .instances
                .values()
                .any(|instance| instance.copied_into() == Some(name));
            let (status, progress) = match (&snapshot.backup, coming) {
                (Some(_), _) => ("available", 100),
                (None, true) => ("creating", 50),
                (None, false) => ("failed", 0),
            };
            let mut described = snapshot.described.clone();
            described.insert("Status".to_owned(), json!(status));
            described.insert("PercentProgress".to_owned(), json!(progress));
            Value::Object(described)
        });
        Described {
            instances: instances.collect(),
            snapshots: snapshots.collect(),
        }
    }

    /// Keeps an error with its causes.
    pub(super) fn trouble(&mut self, name: &str, error: &Error) {
        let (mut text, mut cause) = (format!("{name}: {error}"), error.source());
        while let Some(deeper) = cause {
            text.push_str(&format!(": {deeper}"));
            cause = deeper.source();
        }
        self.troubles.push(text);
    }

    /// An instance's name leads to it.
    pub(super) async fn lead(&mut self, name: &str) -> Result<()> {
        let Some(instance) = self.instances.get(name) else {
            return Ok(());
        };
        let Some(to) = instance.server.as_ref().map(|server| server.port()) else {
            return Ok(());
        };
        let port = instance.port;
        if let Some(open) = self.endpoints.get(name) {
            open.lead(to, self.settings.stale_addresses);
            return Ok(());
        }
        let at = SocketAddr::new(IpAddr::V4(self.address(name, port)), port);
        let open = Forwarder::open(at, to)
            .await
            .map_err(file("listen at", at.to_string()))?;
        self.endpoints.insert(name.to_owned(), open);
        Ok(())
    }

    /// An instance's name leads nowhere, and its sessions end: it is about to be renamed. Only clients that remember
    /// the address still get there, and only to the server itself.
    pub(super) async fn lead_nowhere(&mut self, name: &str) -> Result<()> {
        if self.settings.stale_addresses == StaleAddresses::Never {
            if let Some(open) = self.endpoints.remove(name) {
                open.close().await;
            }
        } else if let Some(open) = self.endpoints.get(name) {
            open.cut();
        }
        let server = self.instances.get(name).and_then(|instance| instance.server.clone());
        let Some(server) = server else { return Ok(()) };
        let client = server.connect(server.superuser(), "postgres").await?;
        let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
                   WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        client.batch_execute(end).await.map_err(refused("end its sessions"))
    }

    /// Every name leads to the instance that has it, and nowhere if none has.
    pub(super) async fn refresh_addresses(&mut self) {
        let (open, gone): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.endpoints)
            .into_iter()
            .partition(|(name, _)| self.instances.contains_key(name));
        self.endpoints = open;
        for endpoint in gone.into_values() {
            endpoint.close().await;
        }
        self.endpoints.values().for_each(Forwarder::refresh);
    }

    /// The address of a name: always the same one, and nobody else's.
    pub(super) fn address(&mut self, name: &str, port: u16) -> Ipv4Addr {
        if let Some(known) = self.addresses.get(name) {
            return *known;
        }
        let candidates = (0..100_u32).map(|number| {
            let [a, b, c, ..] = self.seed.hash_one((name, number)).to_be_bytes();
            // 127.0.0.x is where everything else listens.
            Ipv4Addr::new(127, 64 + a % 128, b, 1 + c % 254)
        });
        let is_free = |address: &Ipv4Addr| TcpListener::bind((*address, port)).is_ok();
        let address = candidates.into_iter().find(is_free).unwrap_or(Ipv4Addr::LOCALHOST);
        self.addresses.insert(name.to_owned(), address);
        address
    }
}

pub(super) fn no_instance(name: &str) -> Refusal {
    Refusal::new("DBInstanceNotFound", format!("DBInstance {name} not found."))
}
