//! An instance: what it is described as, the server behind it, and what RDS is doing with it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use serde_json::{Map, Value, json};

use super::described::{ACCOUNT, now};
use super::settings::Pace;
use crate::emulator::REGION;
use crate::postgres::{Backup, Postgres};

/// A DB instance.
#[derive(Debug)]
pub(super) struct Instance {
    /// All that it is described as, but for its status, its endpoint and what is pending.
    pub(super) described: Map<String, Value>,
    /// Its server; none while it is made.
    pub(super) server: Option<Arc<Postgres>>,
    /// The port of its endpoint.
    pub(super) port: u16,
    /// What was asked for and is not yet so, as `PendingModifiedValues` shows it.
    pub(super) pending: Map<String, Value>,
    /// Parameters of requests that are being made so.
    pub(super) asked: Map<String, Value>,
    /// Parameters of requests that wait for a maintenance window.
    pub(super) waiting: Map<String, Value>,
    /// Its status when RDS does nothing with it.
    pub(super) rest: String,
    /// What RDS does with it.
    pub(super) change: Option<Change>,
}

/// Something that RDS does in steps.
#[derive(Debug)]
pub(super) struct Change {
    steps: VecDeque<Step>,
    looks: u32,
    since: Instant,
    began: SystemTime,
    is_ending: bool,
}

/// One step: a status for a while, and what is done at its end.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) status: &'static str,
    pub(super) end: Effect,
}

/// What a step does.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    /// Nothing but to pass.
    Nothing,
    /// The instance is copied into a snapshot.
    Copy { snapshot: String },
    /// The instance gets a server with what is in a snapshot.
    Build { backup: Arc<Backup> },
    /// The instance gets another name.
    Rename { to: String },
    /// The name leads to the instance.
    Lead,
    /// What was asked for is so.
    Apply,
}

impl Change {
    pub(super) fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            looks: 0,
            since: Instant::now(),
            began: SystemTime::now(),
            is_ending: false,
        }
    }
}

impl Step {
    pub(super) fn new(status: &'static str, end: Effect) -> Self {
        Self { status, end }
    }
}

impl Instance {
    /// One that RDS is doing nothing with.
    pub(super) fn new(described: Map<String, Value>, port: u16, server: Option<Postgres>) -> Self {
        Self {
            described,
            server: server.map(Arc::new),
            port,
            pending: Map::new(),
            asked: Map::new(),
            waiting: Map::new(),
            rest: "available".to_owned(),
            change: None,
        }
    }

    /// Its status.
    pub(super) fn status(&self) -> &str {
        match self.change.as_ref().and_then(|change| change.steps.front()) {
            Some(step) => step.status,
            None => &self.rest,
        }
    }

    /// A member of its description that is text.
    pub(super) fn text(&self, member: &str) -> &str {
        self.described.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// A member of its description that is a number.
    pub(super) fn number(&self, member: &str) -> i64 {
        self.described.get(member).and_then(Value::as_i64).unwrap_or_default()
    }

    /// The name that it is about to get.
    pub(super) fn next_name(&self) -> Option<&str> {
        self.ends().find_map(|end| match end {
            Effect::Rename { to } => Some(to.as_str()),
            _ => None,
        })
    }

    /// The snapshot that RDS is copying it into.
    pub(super) fn copied_into(&self) -> Option<&str> {
        self.ends().find_map(|end| match end {
            Effect::Copy { snapshot } => Some(snapshot.as_str()),
            _ => None,
        })
    }

    /// What the steps to come do.
    fn ends(&self) -> impl Iterator<Item = &Effect> {
        let steps = self.change.iter().flat_map(|change| &change.steps);
        steps.map(|step| &step.end)
    }

    /// Somebody saw its status.
    pub(super) fn looked_at(&mut self) {
        if let Some(change) = &mut self.change {
            change.looks = change.looks.saturating_add(1);
        }
    }

    /// What the present step does at its end, if that is due and nobody does it yet.
    pub(super) fn due(&mut self, pace: Pace) -> Option<Effect> {
        let change = self.change.as_mut()?;
        let over = match pace {
            Pace::Looks(looks) => change.looks >= looks,
            Pace::Time(long) => change.since.elapsed() >= long,
        };
        if !over || change.is_ending {
            return None;
        }
        change.is_ending = true;
        change.steps.front().map(|step| step.end.clone())
    }

    /// The present step is over, and the next begins. The status that is over, and when it began.
    pub(super) fn next_step(&mut self) -> Option<(&'static str, SystemTime)> {
        let Change { mut steps, began, .. } = self.change.take()?;
        let over = steps.pop_front()?;
        self.change = Some(Change::of(steps)).filter(|change| !change.steps.is_empty());
        Some((over.status, began))
    }

    /// As RDS describes it; its name leads to `address`.
    pub(super) fn describe(&self, address: &str) -> Value {
        let mut described = self.described.clone();
        described.insert("DBInstanceStatus".to_owned(), json!(self.status()));
        described.insert("PendingModifiedValues".to_owned(), json!(self.pending));
        if self.server.is_some() {
            let endpoint = json!({"Address": address, "Port": self.port, "HostedZoneId": "Z2R2ITUGPM61AM"});
            described.insert("Endpoint".to_owned(), endpoint);
        }
        described.extend(self.derived());
        Value::Object(described)
    }

    /// What nobody sets and RDS shows all the same, never the same in two instances.
    fn derived(&self) -> Map<String, Value> {
        let mut derived = Map::new();
        let mut show = |member: &str, value: Value| derived.insert(member.to_owned(), value);
        let authority = self.text("CACertificateIdentifier");
        let valid = self.text("InstanceCreateTime");
        show(
            "CertificateDetails",
            json!({"CAIdentifier": authority, "ValidTill": valid}),
        );
        if self.number("BackupRetentionPeriod") > 0 {
            show("LatestRestorableTime", now());
        }
        if self.described.get("MultiAZ") == Some(&Value::Bool(true)) {
            show("SecondaryAvailabilityZone", json!(format!("{REGION}b")));
        }
        if self.number("MonitoringInterval") > 0 {
            let stream = format!("log-group:RDSOSMetrics:log-stream:{}", self.text("DbiResourceId"));
            show(
                "EnhancedMonitoringResourceArn",
                json!(format!("arn:aws:logs:{REGION}:{ACCOUNT}:{stream}")),
            );
        }
        derived
    }
}
