//! Check: the target's settings and the bundle's bytes, without the database.

use belay_model::{
    Action, CheckReply, Code, Endpoint, Failure, Instance, Rds, RestorePolicy, RunHeader, SnapshotPolicy, Target,
};

use crate::Validate;

impl Validate {
    pub(crate) async fn check(
        &self,
        run: &RunHeader,
        target: &Target,
        instance: Option<&Instance>,
    ) -> Result<CheckReply, Failure> {
        check_target(target).map_err(|problem| {
            Failure::new(
                Code::TargetInvalid,
                format!("the target's parameter is wrong: {problem}"),
            )
            .next("correct the target's SSM parameter, then start a new execution with the same input")
        })?;
        check_instance(target, instance).map_err(|problem| {
            Failure::new(
                Code::InstanceInvalid,
                format!("the instance's parameter is wrong: {problem}"),
            )
            .next("correct the instance's SSM parameter, then start a new execution with the same input")
        })?;
        let lock_key = lock_key(target);
        if matches!(run.action, Action::Keep | Action::Restore | Action::Reopen) {
            return Ok(CheckReply {
                digest: None,
                migrations: 0,
                lock_key,
            });
        }
        let bundle = self.access.bundle(run, target).await?;
        let problems = belay_engine::check(&bundle).map_err(|error| error.failure())?;
        if !problems.is_empty() {
            return Err(Failure::of_problems(Code::BundleRejected, problems)
                .next("mend the bundle and upload it again; the database was not opened"));
        }
        Ok(CheckReply {
            digest: Some(bundle.digest()),
            migrations: u32::try_from(bundle.migrations().len()).unwrap_or(u32::MAX),
            lock_key,
        })
    }
}

/// What serde can't say: that a value is there, and is one. Whether the database can be reached so is found at Plan.
fn check_target(target: &Target) -> Result<(), &'static str> {
    let Endpoint { host, port, database } = &target.endpoint;
    let topic = target.notify.as_ref().map(|notify| notify.topic.as_str());
    Err(if host.trim().is_empty() || host.contains(char::is_whitespace) {
        "endpoint.host is not a host name"
    } else if *port == 0 {
        "endpoint.port is 0"
    } else if database.is_empty() {
        "endpoint.database is empty"
    } else if target.credentials.secret.is_empty() {
        "credentials.secret is empty"
    } else if target.locks.lock_timeout_ms == 0 || target.locks.budget_s == 0 {
        "locks has a time of 0, which would mean to wait for ever"
    } else if topic.is_some_and(|topic| !topic.starts_with("arn:")) {
        "notify.topic is not an ARN"
    } else {
        return Ok(());
    })
}

/// What serde can't say of an instance. Whether it is there, and could be restored, is found at Prepare.
fn check_instance(target: &Target, instance: Option<&Instance>) -> Result<(), String> {
    let (named, instance) = match (&target.instance, instance) {
        (None, None) => return Ok(()),
        (Some(named), Some(instance)) => (named, instance),
        (Some(named), None) => return Err(format!("the target names {named}, and it was not read")),
        (None, Some(instance)) => return Err(format!("{} was read, and the target names none", instance.name())),
    };
    Err(if matches!(instance.rds, Rds::Cluster(_)) {
        "rds.cluster is not supported yet; name a DB instance".to_owned()
    } else if instance.name() != named {
        format!("rds.instance is {}, and the target names {named}", instance.name())
    } else if instance.restore != RestorePolicy::Never && instance.snapshot == SnapshotPolicy::Never {
        "restore needs a snapshot, and snapshot is never".to_owned()
    } else if instance.retention.count == 0 {
        "retention.count is 0, which would delete the snapshot of the run itself".to_owned()
    } else {
        return Ok(());
    })
}

/// K1: the instance, which is what a restore replaces; for a target without one, the host and port.
fn lock_key(target: &Target) -> String {
    match &target.instance {
        Some(instance) => instance.to_string(),
        None => {
            let host = target.endpoint.host.trim_end_matches('.').to_ascii_lowercase();
            format!("{host}:{}", target.endpoint.port)
        }
    }
}
