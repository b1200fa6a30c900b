//! What there is, what goes on, and what descriptions show.

use std::collections::BTreeMap;

use belay_model::{InstanceName, SnapshotName};

use super::super::rds::said::{Meaning, refusal};
use super::super::{Address, Answer, Configuration, Described, Quotas, Settings, Status, Taken};
use crate::{AwsError, RdsCall};

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) world: World,
    /// What descriptions show, and how many of them still.
    pub(super) past: Option<(u32, World)>,
    pub(super) stale: u32,
    pub(super) pace: u32,
    pub(super) made: u32,
    /// Where every instance answers, instead of a host of its own.
    pub(super) leads_to: Option<Address>,
    pub(super) proxies: Vec<(String, String)>,
    pub(super) quotas: Quotas,
    pub(super) faults: Vec<(RdsCall, String)>,
    pub(super) lost: Vec<RdsCall>,
    pub(super) changes: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) instances: BTreeMap<InstanceName, Instance>,
    pub(super) snapshots: BTreeMap<SnapshotName, (Taken, Settings, u32)>,
}

#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) described: Described,
    pub(super) under_way: Option<UnderWay>,
}

/// What goes on until it was described so many times.
#[derive(Debug, Clone)]
pub(super) struct UnderWay {
    pub(super) looks: u32,
    pub(super) then: Then,
}

#[derive(Debug, Clone)]
pub(super) enum Then {
    Rename(InstanceName),
    Set(Box<Settings>),
    Nothing,
}

impl State {
    pub(super) fn make(&mut self, name: &InstanceName, settings: Settings) {
        self.made += 1;
        let resource = format!("db-{}", self.made);
        let arn = format!("arn:aws:rds:eu-west-1:123456789012:db:{name}");
        let described = Described {
            name: name.clone(),
            resource: resource.clone(),
            arn: arn.clone(),
            status: Status::Changing("creating".to_owned()),
            address: Some(self.leads_to.clone().unwrap_or_else(|| address(name))),
            tags: settings.tags.clone(),
            pending: Vec::new(),
            configuration: Configuration {
                name: name.clone(),
                dbi_resource_id: resource,
                arn,
                replica_of: None,
                cluster: None,
                settings,
                replicas: Vec::new(),
                associated_roles: Vec::new(),
                master_user_secret: None,
                activity_stream: None,
                backup_replications: Vec::new(),
                proxies: None,
            },
        };
        let under_way = Some(UnderWay {
            looks: self.pace,
            then: Then::Nothing,
        });
        let instance = Instance { described, under_way };
        assert!(self.world.instances.insert(name.clone(), instance).is_none());
    }

    /// The error that is due for such a call.
    fn fault(&mut self, call: RdsCall) -> Option<String> {
        let at = self.faults.iter().position(|(of, _)| *of == call)?;
        Some(self.faults.remove(at).1)
    }

    /// Refuses a change, or lets it be made.
    pub(super) fn may(&mut self, call: RdsCall, name: &str, wrong: Option<&str>) -> Result<Answer, AwsError> {
        match self.fault(call).or(wrong.map(str::to_owned)) {
            Some(word) => {
                let status = if word.starts_with("Internal") { 500 } else { 400 };
                refusal(call, name, Meaning::of(&word, status), word)
            }
            None => {
                if self.stale > 0 {
                    self.past = Some((self.stale, self.world.clone()));
                }
                self.changes.push(format!("{call} {name}"));
                Ok(Answer::Accepted)
            }
        }
    }

    /// The answer to a change, if it arrives.
    pub(super) fn answer(&mut self, call: RdsCall, name: &str, answer: Answer) -> Result<Answer, AwsError> {
        match self.lost.iter().position(|of| *of == call) {
            Some(at) if answer == Answer::Accepted => {
                self.lost.remove(at);
                refusal(call, name, Meaning::Unwell, "no answer".to_owned())
            }
            _ => Ok(answer),
        }
    }

    /// Why an instance can't be changed now.
    pub(super) fn unready(&self, name: &InstanceName) -> Option<&'static str> {
        match self.world.instances.get(name) {
            None => Some("DBInstanceNotFound"),
            Some(instance) if instance.described.status != Status::Available => Some("InvalidDBInstanceState"),
            Some(_) => None,
        }
    }

    pub(super) fn is_taken(&self, name: &InstanceName) -> bool {
        let is_coming = || self.world.instances.keys().any(|from| self.leads(from, name));
        self.world.instances.contains_key(name) || is_coming()
    }

    pub(super) fn begin(&mut self, name: &InstanceName, word: &str, then: Then) {
        let looks = self.pace;
        let instance = self.world.instances.get_mut(name).unwrap();
        instance.described.status = Status::Changing(word.to_owned());
        instance.under_way = Some(UnderWay { looks, then });
    }

    /// A look at what is there, or was: each brings what goes on there nearer to its end.
    pub(super) fn described(&mut self, call: RdsCall, name: &str) -> Result<World, AwsError> {
        if let Some(word) = self.fault(call) {
            return Err(AwsError::Rds {
                call,
                name: name.to_owned(),
                said: word,
            });
        }
        if let Some((left, past)) = &mut self.past {
            let world = past.clone();
            *left -= 1;
            if *left == 0 {
                self.past = None;
            }
            return Ok(world);
        }
        Ok(self.world.clone())
    }

    /// What goes on with a name, or brings an instance to it, comes nearer to its end.
    pub(super) fn tick(&mut self, name: &InstanceName) {
        let names: Vec<_> = self.world.instances.keys().cloned().collect();
        for at in &names {
            if at == name || self.leads(at, name) {
                self.tick_at(at);
            }
        }
    }

    fn leads(&self, from: &InstanceName, to: &InstanceName) -> bool {
        let under_way = self
            .world
            .instances
            .get(from)
            .and_then(|there| there.under_way.as_ref());
        matches!(under_way, Some(UnderWay { then: Then::Rename(name), .. }) if name == to)
    }

    /// A snapshot comes nearer to its end.
    pub(super) fn tick_snapshot(&mut self, name: &SnapshotName) {
        let Some((taken, _, looks)) = self.world.snapshots.get_mut(name) else {
            return;
        };
        match (*looks, &taken.status) {
            (0, Status::Changing(_)) => {
                taken.status = Status::Available;
                taken.percent = 100;
            }
            (0, _) => {}
            _ => *looks -= 1,
        }
    }

    fn tick_at(&mut self, name: &InstanceName) {
        let Some(instance) = self.world.instances.get_mut(name) else {
            return;
        };
        match &mut instance.under_way {
            Some(under_way) if under_way.looks > 0 => under_way.looks -= 1,
            Some(_) => self.end(name),
            None => {}
        }
    }

    fn end(&mut self, name: &InstanceName) {
        let mut instance = self.world.instances.remove(name).unwrap();
        instance.described.status = Status::Available;
        let mut now = name.clone();
        match instance.under_way.take().unwrap().then {
            Then::Nothing => {}
            Then::Set(settings) => instance.described.configuration.settings = *settings,
            Then::Rename(to) => {
                now = to;
                let arn = format!("arn:aws:rds:eu-west-1:123456789012:db:{now}");
                instance.described.name = now.clone();
                instance.described.arn.clone_from(&arn);
                instance.described.address = Some(self.leads_to.clone().unwrap_or_else(|| address(&now)));
                instance.described.configuration.name = now.clone();
                instance.described.configuration.arn = arn;
            }
        }
        if self.world.instances.insert(now.clone(), instance).is_some() {
            panic!("two instances under the name {now}");
        }
    }
}

fn address(name: &InstanceName) -> Address {
    Address {
        host: format!("{name}.abc.eu-west-1.rds.test"),
        port: 5432,
    }
}
