//! A payload of an older wrapper: its files become a bundle, and a run of that is started.

use belay_aws::executions::Started;
use belay_aws::results::Results;
use belay_bundle::Bundle;
use belay_model::{Action, BundleRef, Failure, FlywayKeys, RunHeader, RunId, RunSettings};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::packed::packed;
use crate::payload::Payload;
use crate::refused::refused;
use crate::{Intake, name, settings, which};

/// The answer to a payload: where the run that it started can be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The execution's ARN.
    pub execution: String,
    /// The run.
    pub run: RunId,
    /// What it does.
    pub action: Action,
    /// The target.
    pub target: String,
    /// The bundle that the files were packed into.
    pub bundle: BundleRef,
    /// The key of the result object, to wait for.
    pub result: String,
    /// What of the payload had no effect, each in a sentence.
    pub notes: Vec<String>,
}

impl Intake {
    /// Starts a run of what a payload asks for. `invocation` is Lambda's id: each call is a run of its own, but what
    /// Lambda itself tries again is not.
    pub(crate) async fn asked(&self, payload: &Value, invocation: &str) -> Result<Asked, Failure> {
        let payload = Payload::read(payload)?;
        if payload.bucket != self.bucket {
            let next = format!(
                "copy the files: aws s3 cp --recursive s3://{}/{} s3://{}/{}, and name this bucket in the payload",
                payload.bucket, payload.folder, self.bucket, payload.folder
            );
            let message = format!("Belay reads only its own bucket, {}", self.bucket);
            return Err(refused(message, next).into());
        }
        let settings = settings::written(&payload.settings)?;
        let mut targets = self.targets.all().await.map_err(|error| error.failure())?;
        let target = which::target(&payload.hint, &targets)?;
        // A parameter that is no target is refused by the run, which tells whom it concerns.
        let above = targets.remove(&target).flatten();
        let above = above.map_or_else(FlywayKeys::default, |target| target.flyway);
        let packed = packed(&self.objects, &payload, &settings.lines, &above).await?;
        let bundle = self.put(&target, &packed).await?;
        let digest = packed.digest().to_string();
        let name = name::of_payload(&target, &digest, invocation);
        let execution = self.start(&target, payload.action, &bundle, &name).await?;
        let notes = [payload.notes, settings.notes, packed.notes().to_vec()].concat();
        Ok(answer(execution, payload.action, target, bundle, notes))
    }

    /// The bundle where the target's bundles are, apart from those that people upload.
    async fn put(&self, target: &str, bundle: &Bundle) -> Result<BundleRef, Failure> {
        let key = format!("bundles/{target}/{}{}.zip", crate::PAYLOADS, bundle.digest());
        let version = self.objects.put(&key, "application/zip", bundle.zip().to_vec()).await;
        Ok(BundleRef {
            key,
            version_id: Some(version.map_err(|error| error.failure())?),
            sequencer: None,
        })
    }

    async fn start(&self, target: &str, action: Action, bundle: &BundleRef, name: &str) -> Result<String, Failure> {
        let mut input = json!({"target": target, "bundle": bundle});
        if action != Action::Migrate {
            input["action"] = json!(action);
        }
        let started = self.executions.start(&self.machine, name, input.to_string()).await;
        Ok(match started.map_err(|error| error.failure())? {
            Started::Now(execution) => execution,
            Started::Before => format!("{}:{name}", self.machine.replacen(":stateMachine:", ":execution:", 1)),
        })
    }
}

fn answer(execution: String, action: Action, target: String, bundle: BundleRef, notes: Vec<String>) -> Asked {
    let run = RunHeader {
        execution,
        // Not a part of any name.
        started_at: Timestamp::UNIX_EPOCH,
        target,
        bundle: Some(bundle.clone()),
        action,
        flyway: RunSettings::default(),
    };
    Asked {
        run: run.run(),
        result: Results::key(&run),
        execution: run.execution,
        action,
        target: run.target,
        bundle,
        notes,
    }
}
