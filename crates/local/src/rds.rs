//! A double of Amazon RDS over real PostgreSQL servers.
//!
//! It speaks RDS's Query API and refuses whatever the SDK's own model of RDS doesn't allow. A snapshot is a copy of the
//! running server, a restore a new server that begins with the copy. Each identifier has an address of its own on the
//! loopback interface, which leads to the server of the instance that has the name: a renaming cuts its connections,
//! and the port is the instance's. Nothing here deletes an instance.

mod answer;
mod described;
mod fault;
mod forwarder;
mod http;
mod instance;
mod model;
mod operation;
mod query;
mod refusal;
mod service;
mod settings;
mod view;
mod work;
mod world;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex as AsyncMutex;

use self::model::Model;
use self::service::{Service, lock};
use self::world::World;
use crate::aws::{failed, present};
use crate::error::{Error, Result, file};
use crate::postgres::{Postgres, Settings, quote, refused};

pub use self::fault::{Fault, Hold, RdsRequest};
pub use self::settings::{Pace, Quotas, RdsSettings, StaleAddresses};
pub use self::view::{DbInstance, RdsState};

/// How long what runs may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A double of RDS that runs. It has threads of its own, so that it outlives the runtime that started it. Dropping it
/// stops it with every server that it has, and so does the end of this process, however that comes.
#[derive(Debug)]
pub struct Rds {
    port: u16,
    service: Arc<Service>,
    runtime: Option<Runtime>,
}

impl Rds {
    /// Starts it, without instances.
    ///
    /// # Errors
    /// The SDK's model of RDS is not installed, or there is no port.
    pub async fn start(settings: RdsSettings) -> Result<Self> {
        let model = Model::get()?;
        let service = Arc::new(Service {
            model,
            world: AsyncMutex::new(World::new(model, settings)),
            faults: Mutex::default(),
            requests: Mutex::default(),
        });
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("rds-double")
            .enable_all()
            .build()
            .map_err(file("start", "the threads of the RDS double"))?;
        let mut rds = Self {
            port: 0,
            service,
            runtime: Some(runtime),
        };
        let listening = rds.within(|_| TcpListener::bind(("127.0.0.1", 0))).await?;
        let listener = listening.map_err(file("listen at", "127.0.0.1"))?;
        rds.port = listener
            .local_addr()
            .map_err(file("tell the address of", "127.0.0.1"))?
            .port();
        if let Some(runtime) = &rds.runtime {
            runtime.spawn(Arc::clone(&rds.service).serve(listener));
            runtime.spawn(Arc::clone(&rds.service).tick());
        }
        Ok(rds)
    }

    /// What `AWS_ENDPOINT_URL_RDS` should be.
    pub fn endpoint_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts a server and makes it an instance; its master user is the server's
    /// [`migrator`](Postgres::migrator), with what RDS gives to one. `settings` are members of RDS's `DBInstance`: what
    /// is not named is as RDS has it by default, but for the port, `Endpoint.Port`: the server's own.
    ///
    /// # Errors
    /// The server does not start, or a setting is not one of RDS's.
    pub async fn new_instance(&self, name: &str, postgres: Settings, settings: Value) -> Result<DbInstance> {
        self.adopt(name, Postgres::start(postgres).await?, settings).await
    }

    /// Makes a running server an instance. Else as [`new_instance`](Self::new_instance).
    ///
    /// # Errors
    /// The name is in use, the server is down, or a setting is not one of RDS's.
    pub async fn adopt(&self, name: &str, server: Postgres, settings: Value) -> Result<DbInstance> {
        let settings = match settings {
            Value::Object(settings) => settings,
            Value::Null => Map::new(),
            other => return Err(missing("an instance's settings", &format!("names: {other}"))),
        };
        self.check(&Value::Object(settings.clone()))?;
        let client = server.connect(server.superuser(), "postgres").await?;
        let (migrator, app) = (quote(server.migrator().name()), quote(server.app().name()));
        let grants =
            format!("GRANT pg_monitor, pg_signal_backend TO {migrator}; GRANT {app} TO {migrator} WITH ADMIN OPTION");
        client.batch_execute(&grants).await.map_err(refused(&grants))?;
        let new = name.to_owned();
        let adopt = |service: Arc<Service>| async move {
            let mut world = service.world.lock().await;
            if world.is_taken(&new) {
                return Err(missing(
                    "the RDS double",
                    &format!("room for another instance named {new}"),
                ));
            }
            world.adopt(&new, server, settings).await
        };
        self.within(adopt).await??;
        self.instance(name).await
    }

    /// An instance as it is now. Not a look that RDS's states count.
    ///
    /// # Errors
    /// There is none of that name.
    pub async fn instance(&self, name: &str) -> Result<DbInstance> {
        let world = self.service.world.lock().await;
        let described = world.described().instances;
        let found = described
            .into_iter()
            .find(|found| found["DBInstanceIdentifier"] == *name);
        let server = world
            .instances
            .get(name)
            .and_then(|instance| instance.server.as_deref());
        present(
            found.map(|found| DbInstance::new(found, server)),
            "the RDS double",
            &format!("instance {name}"),
        )
    }

    /// Every instance's name, in order.
    pub async fn names(&self) -> Vec<String> {
        self.service.world.lock().await.instances.keys().cloned().collect()
    }

    /// Every snapshot as RDS's `DBSnapshot`, in order of their names. Not a look that RDS's states count.
    pub async fn snapshots(&self) -> Vec<Value> {
        self.service.world.lock().await.described().snapshots
    }

    /// Sets a member of RDS's `DBInstance` of an instance, as it would be described: `VpcSecurityGroups`,
    /// `ReadReplicaDBInstanceIdentifiers`, `AssociatedRoles`, `MasterUserSecret`. `DBInstanceStatus` is its status while
    /// RDS does nothing with it; `available` by default.
    ///
    /// # Errors
    /// There is no such instance, or no such member.
    pub async fn set(&self, name: &str, setting: &str, value: Value) -> Result<()> {
        self.check(&serde_json::json!({setting: value}))?;
        let mut world = self.service.world.lock().await;
        let instance = present(
            world.instances.get_mut(name),
            "the RDS double",
            &format!("instance {name}"),
        )?;
        match (setting, value.as_str()) {
            ("DBInstanceStatus", Some(status)) => status.clone_into(&mut instance.rest),
            _ => drop(instance.described.insert(setting.to_owned(), value)),
        }
        Ok(())
    }

    /// Makes a proxy that leads to an instance, and goes on to do so when that is renamed.
    ///
    /// # Errors
    /// There is no such instance.
    pub async fn add_proxy(&self, proxy: &str, name: &str) -> Result<()> {
        let resource = self.instance(name).await?.resource_id;
        let mut world = self.service.world.lock().await;
        world.proxies.insert(proxy.to_owned(), resource);
        Ok(())
    }

    /// Changes how it behaves. What leads somewhere for clients with an old address does so until this or until its
    /// connections are used up.
    pub async fn set_settings(&self, change: impl FnOnce(&mut RdsSettings)) -> Result<()> {
        let mut world = self.service.world.lock().await;
        change(&mut world.settings);
        drop(world);
        self.within(|service| async move {
            let mut world = service.world.lock().await;
            if world.settings.stale_addresses == StaleAddresses::Never {
                world.refresh_addresses().await;
            }
        })
        .await
    }

    /// Adds a fault.
    pub fn fail(&self, fault: Fault) {
        lock(&self.service.faults).add(fault);
    }

    /// Forgets all faults that are still to come.
    pub fn forget_faults(&self) {
        lock(&self.service.faults).forget();
    }

    /// The codes of all errors that RDS documents for an operation.
    ///
    /// # Errors
    /// RDS has no such operation.
    pub fn errors_of(&self, action: &str) -> Result<BTreeSet<&'static str>> {
        self.service.model.errors_of(action)
    }

    /// Every request until now, in the order in which they came.
    pub fn requests(&self) -> Vec<RdsRequest> {
        lock(&self.service.requests).clone()
    }

    /// Forgets the requests until now.
    pub fn forget_requests(&self) {
        lock(&self.service.requests).clear();
    }

    /// Every transitional state that is over, of any instance, in the order in which they ended.
    pub async fn states(&self) -> Vec<RdsState> {
        self.service.world.lock().await.states.clone()
    }

    /// What should have worked in the background and did not. Always empty, unless a machine is out of something.
    pub async fn troubles(&self) -> Vec<String> {
        self.service.world.lock().await.troubles.clone()
    }

    fn check(&self, settings: &Value) -> Result<()> {
        answer::check(self.service.model, "DBInstance", settings)
            .map_err(|refusal| missing("RDS's DBInstance", &refusal.message))
    }

    /// Runs something on the double's own threads, where what it starts lives on.
    async fn within<F, W>(&self, work: W) -> Result<F::Output>
    where
        W: FnOnce(Arc<Service>) -> F,
        F: Future<Output: Send> + Send + 'static,
    {
        let runtime = present(self.runtime.as_ref(), "the RDS double", "threads any more")?;
        let work = runtime.spawn(work(Arc::clone(&self.service)));
        work.await.map_err(failed("the RDS double"))
    }
}

impl Drop for Rds {
    /// Ends what runs, then every server. On a thread of its own, since a runtime may not be waited for in another.
    fn drop(&mut self) {
        let runtime = self.runtime.take();
        let end = thread::spawn(move || runtime.map(|runtime| runtime.shutdown_timeout(PATIENCE)));
        let _ = end.join();
    }
}

fn missing(place: &str, what: &str) -> Error {
    let (place, missing) = (place.to_owned(), what.to_owned());
    Error::Missing { place, missing }
}
