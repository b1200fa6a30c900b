//! Instances and snapshots in memory, for tests: with RDS's states, its refusals, and descriptions that are older than what
//! was done.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a provider of tests")]

mod settings;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use belay_model::{InstanceName, SnapshotName};
use jiff::Timestamp;

use self::settings::{settings, without_the_rest};
use self::state::{Instance, State, Then, UnderWay};
use super::{Address, Answer, Configuration, Described, Quotas, Room, Settings, Snapshots, Status, Tags, Taken};
use crate::{AwsError, RdsCall};

/// The provider; its clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

impl Memory {
    /// A provider with nothing in it, where each change is seen as going on once.
    #[must_use]
    pub fn new() -> Self {
        let memory = Self::default();
        memory.state().pace = 1;
        memory
    }

    /// Makes an instance that is available, with settings that a restore does not have by itself.
    pub fn make(&self, name: &InstanceName) {
        let mut state = self.state();
        state.make(name, settings());
        let made = state.world.instances.get_mut(name).unwrap();
        made.under_way = None;
        made.described.status = Status::Available;
    }

    /// Changes an instance as nobody can who asks RDS.
    pub fn change(&self, name: &InstanceName, change: impl FnOnce(&mut Described)) {
        change(&mut self.state().world.instances.get_mut(name).unwrap().described);
    }

    /// Changes a snapshot as nobody can who asks RDS.
    pub fn change_snapshot(&self, name: &SnapshotName, change: impl FnOnce(&mut Taken)) {
        change(&mut self.state().world.snapshots.get_mut(name).unwrap().0);
    }

    /// Takes an instance away, as somebody else would.
    pub fn remove(&self, name: &InstanceName) {
        self.state().world.instances.remove(name).unwrap();
    }

    /// Takes a snapshot away, as somebody else would.
    pub fn remove_snapshot(&self, name: &SnapshotName) {
        self.state().world.snapshots.remove(name).unwrap();
    }

    /// From now on so many descriptions after a change show the world before it.
    pub fn describe_late(&self, stale: u32) {
        self.state().stale = stale;
    }

    /// Each change is seen as going on so many times.
    pub fn take_time(&self, looks: u32) {
        self.state().pace = looks;
    }

    /// Every instance that is made from now on answers here, whatever its name is: a server of the test.
    pub fn lead_to(&self, host: &str, port: u16) {
        let host = host.to_owned();
        self.state().leads_to = Some(Address { host, port });
    }

    /// The next such call is refused with this error of RDS.
    pub fn fail(&self, call: RdsCall, error: &str) {
        self.state().faults.push((call, error.to_owned()));
    }

    /// The next such call is done, and its answer is lost.
    pub fn lose(&self, call: RdsCall) {
        self.state().lost.push(call);
    }

    /// What the account may have.
    pub fn limit(&self, quotas: Quotas) {
        self.state().quotas = quotas;
    }

    /// The proxies that lead to whatever instance is asked for.
    pub fn proxy(&self, name: &str, group: &str) {
        self.state().proxies.push((name.to_owned(), group.to_owned()));
    }

    /// Every change that was accepted, in order.
    #[must_use]
    pub fn changes(&self) -> Vec<String> {
        self.state().changes.clone()
    }

    /// An instance as it is, whatever descriptions show.
    #[must_use]
    pub fn really(&self, name: &InstanceName) -> Option<Described> {
        let state = self.state();
        Some(state.world.instances.get(name)?.described.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Snapshots for Memory {
    async fn instance(&self, name: &InstanceName) -> Result<Option<Described>, AwsError> {
        let mut state = self.state();
        if state.past.is_none() {
            state.tick(name);
        }
        let world = state.described(RdsCall::Describe, name.as_str())?;
        Ok(world.instances.get(name).map(|instance| instance.described.clone()))
    }

    async fn proxies(&self, name: &InstanceName) -> Result<Vec<(String, String)>, AwsError> {
        let mut state = self.state();
        state.described(RdsCall::Describe, name.as_str())?;
        Ok(state.proxies.clone())
    }

    async fn quotas(&self) -> Result<Quotas, AwsError> {
        let mut state = self.state();
        let world = state.described(RdsCall::Describe, "the quotas")?;
        let room = |used: usize, limit: Option<Room>| {
            limit.map(|limit| Room {
                used: limit.used + u64::try_from(used).unwrap(),
                max: limit.max,
            })
        };
        Ok(Quotas {
            snapshots: room(world.snapshots.len(), state.quotas.snapshots),
            instances: room(world.instances.len(), state.quotas.instances),
            storage_gib: state.quotas.storage_gib,
        })
    }

    async fn snapshot(&self, name: &SnapshotName) -> Result<Option<Taken>, AwsError> {
        let mut state = self.state();
        if state.past.is_none() {
            state.tick_snapshot(name);
        }
        let world = state.described(RdsCall::Describe, name.as_str())?;
        Ok(world.snapshots.get(name).map(|(taken, ..)| taken.clone()))
    }

    async fn snapshots(&self, tags: &Tags) -> Result<Vec<Taken>, AwsError> {
        let world = self.state().described(RdsCall::Describe, "the snapshots")?;
        let all = world.snapshots.into_values().map(|(taken, ..)| taken);
        let wanted = |taken: &Taken| tags.iter().all(|(key, value)| taken.tags.get(key) == Some(value));
        Ok(all.filter(wanted).collect())
    }

    async fn take(&self, snapshot: &SnapshotName, of: &InstanceName, tags: &Tags) -> Result<Answer, AwsError> {
        let mut state = self.state();
        let taken = state.world.snapshots.contains_key(snapshot);
        let wrong = taken.then_some("DBSnapshotAlreadyExists").or(state.unready(of));
        let answer = state.may(RdsCall::Snapshot, snapshot.as_str(), wrong)?;
        if answer == Answer::Accepted {
            let source = state.world.instances.get(of).unwrap().described.clone();
            let settings = source.configuration.settings;
            let taken = Taken {
                name: snapshot.clone(),
                resource: source.resource,
                status: Status::Changing("creating".to_owned()),
                percent: 0,
                at: Some(Timestamp::now()),
                storage_gib: u32::try_from(settings.allocated_storage.unwrap()).unwrap(),
                tags: tags.clone(),
            };
            let looks = state.pace;
            state.world.snapshots.insert(snapshot.clone(), (taken, settings, looks));
        }
        state.answer(RdsCall::Snapshot, snapshot.as_str(), answer)
    }

    async fn delete(&self, snapshot: &SnapshotName) -> Result<Answer, AwsError> {
        let mut state = self.state();
        let wrong = match state.world.snapshots.get(snapshot) {
            None => Some("DBSnapshotNotFound"),
            Some((taken, ..)) if taken.status != Status::Available => Some("InvalidDBSnapshotState"),
            Some(_) => None,
        };
        let answer = state.may(RdsCall::Delete, snapshot.as_str(), wrong)?;
        if answer == Answer::Accepted {
            state.world.snapshots.remove(snapshot);
        }
        state.answer(RdsCall::Delete, snapshot.as_str(), answer)
    }

    async fn restore(
        &self,
        snapshot: &SnapshotName,
        to: &InstanceName,
        wanted: &Configuration,
        tags: &Tags,
    ) -> Result<Answer, AwsError> {
        let mut state = self.state();
        let wrong = match state.world.snapshots.get(snapshot) {
            None => Some("DBSnapshotNotFound"),
            Some((taken, ..)) if taken.status != Status::Available => Some("InvalidDBSnapshotState"),
            Some(_) if state.is_taken(to) => Some("DBInstanceAlreadyExists"),
            Some(_) => None,
        };
        let answer = state.may(RdsCall::Restore, to.as_str(), wrong)?;
        if answer == Answer::Accepted {
            let mut all = wanted.settings.tags_to_carry();
            all.extend(tags.clone());
            let settings = Settings {
                tags: all,
                ..without_the_rest(&wanted.settings)
            };
            state.make(to, settings);
        }
        state.answer(RdsCall::Restore, to.as_str(), answer)
    }

    async fn modify(
        &self,
        name: &InstanceName,
        wanted: &Configuration,
        settings: &[&'static str],
    ) -> Result<Answer, AwsError> {
        let mut state = self.state();
        let wrong = state.unready(name);
        let answer = state.may(RdsCall::Modify, name.as_str(), wrong)?;
        if answer == Answer::Accepted {
            assert!(settings.iter().all(|name| Configuration::AFTERWARDS.contains(name)));
            let tags = state.world.instances.get(name).unwrap().described.tags.clone();
            let then = Settings {
                tags,
                ..wanted.settings.clone()
            };
            state.begin(name, "modifying", Then::Set(Box::new(then)));
        }
        state.answer(RdsCall::Modify, name.as_str(), answer)
    }

    async fn rename(&self, from: &InstanceName, to: &InstanceName) -> Result<Answer, AwsError> {
        let mut state = self.state();
        let taken = state.is_taken(to).then_some("DBInstanceAlreadyExists");
        let wrong = state.unready(from).or(taken);
        let answer = state.may(RdsCall::Rename, from.as_str(), wrong)?;
        if answer == Answer::Accepted {
            state.begin(from, "renaming", Then::Rename(to.clone()));
        }
        state.answer(RdsCall::Rename, from.as_str(), answer)
    }

    async fn tag(&self, arn: &str, tags: &Tags) -> Result<Answer, AwsError> {
        let mut state = self.state();
        let is_named = |instance: &Instance| instance.described.arn == arn;
        let there = state.world.instances.values().any(is_named);
        let wrong = (!there).then_some("DBInstanceNotFound");
        let answer = state.may(RdsCall::Tag, arn, wrong)?;
        let named = state.world.instances.values_mut().find(|instance| is_named(instance));
        if let Some(instance) = named.filter(|_| answer == Answer::Accepted) {
            instance.described.tags.extend(tags.clone());
            let described = &mut instance.described;
            described.configuration.settings.tags.clone_from(&described.tags);
            if let Some(UnderWay {
                then: Then::Set(settings),
                ..
            }) = &mut instance.under_way
            {
                settings.tags.clone_from(&described.tags);
            }
        }
        state.answer(RdsCall::Tag, arn, answer)
    }
}
