//! What RDS does in the background: what takes long is done without keeping anybody from the account.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::json;

use super::described;
use super::instance::Effect;
use super::view::RdsState;
use super::world::World;
use crate::error::Result;
use crate::postgres::{Backup, Postgres};

/// A step that is over, and what takes long about its end.
#[derive(Debug)]
pub(super) struct Due {
    instance: String,
    effect: Effect,
    server: Option<Arc<Postgres>>,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Made {
    Nothing,
    Backup(Backup),
    Server(Postgres),
}

impl Due {
    /// Does what takes long.
    pub(super) async fn work(&self) -> Result<Made> {
        match (&self.effect, &self.server) {
            (Effect::Copy { .. }, Some(server)) => server.back_up().await.map(Made::Backup),
            (Effect::Build { backup }, _) => Postgres::of_backup(backup).await.map(Made::Server),
            _ => Ok(Made::Nothing),
        }
    }
}

impl World {
    /// A step that is over. It goes on until [`end`](Self::end).
    pub(super) fn due(&mut self) -> Option<Due> {
        let pace = self.settings.pace;
        self.instances.iter_mut().find_map(|(name, instance)| {
            let effect = instance.due(pace)?;
            Some(Due {
                instance: name.clone(),
                effect,
                server: instance.server.clone(),
            })
        })
    }

    /// Ends a step; the next begins.
    pub(super) async fn end(&mut self, due: Due, made: Result<Made>) {
        let name = due.instance;
        let over = self.instances.get_mut(&name).and_then(|instance| instance.next_step());
        let ended = match made {
            Ok(made) => self.take_effect(&name, due.effect, made).await,
            Err(error) => Err(error),
        };
        if let Some((status, began)) = over {
            self.states.push(RdsState {
                instance: name.clone(),
                status,
                began,
                ended: SystemTime::now(),
            });
        }
        let Err(error) = ended else { return };
        self.trouble(&name, &error);
        if let Some(instance) = self.instances.get_mut(&name)
            && instance.server.is_none()
        {
            (instance.rest, instance.change) = ("incompatible-restore".to_owned(), None);
        }
    }

    async fn take_effect(&mut self, name: &str, effect: Effect, made: Made) -> Result<()> {
        match (effect, made) {
            (Effect::Copy { snapshot }, Made::Backup(backup)) => {
                if let Some(snapshot) = self.snapshots.get_mut(&snapshot) {
                    snapshot.backup = Some(Arc::new(backup));
                }
                Ok(())
            }
            (Effect::Build { .. }, Made::Server(server)) => {
                if let Some(instance) = self.instances.get_mut(name) {
                    instance.server = Some(Arc::new(server));
                }
                self.lead(name).await
            }
            (Effect::Rename { to }, _) => {
                self.rename(name, &to);
                Ok(())
            }
            (Effect::Apply, _) => {
                self.apply(name);
                Ok(())
            }
            (Effect::Lead, _) => self.lead(name).await,
            (Effect::Nothing | Effect::Copy { .. } | Effect::Build { .. }, _) => Ok(()),
        }
    }

    fn rename(&mut self, name: &str, to: &str) {
        if let Some(mut instance) = self.instances.remove(name) {
            let described = &mut instance.described;
            described.insert("DBInstanceIdentifier".to_owned(), json!(to));
            described.insert("DBInstanceArn".to_owned(), json!(described::arn("db", to)));
            instance.pending.remove("DBInstanceIdentifier");
            // Known before anything listens there, as on AWS.
            self.address(to, instance.port);
            self.instances.insert(to.to_owned(), instance);
        }
    }

    fn apply(&mut self, name: &str) {
        let Some(instance) = self.instances.get_mut(name) else {
            return;
        };
        for (parameter, value) in std::mem::take(&mut instance.asked) {
            if let Some(shown) = described::shown_as(&parameter) {
                instance.pending.remove(shown);
            }
            if let Err(refusal) = described::apply(&mut instance.described, &parameter, &value, false) {
                self.troubles.push(refusal.message);
            }
        }
    }
}
