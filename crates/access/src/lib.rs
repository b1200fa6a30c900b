//! A run's access to its bundle, its plan and its database: what the functions that work on a database share.
//!
//! Everything is proved to be what it was when the run first saw it: the bundle by its digest, the plan by its paper's
//! and its own, each secret placeholder by its version. Only the login is read anew each time, so that a rotated
//! password is the new one.

mod sightings;
mod writes;

use std::collections::{BTreeMap, HashMap};

use aws_config::SdkConfig;
use belay_aws::bundles::Bundles;
use belay_aws::config;
use belay_aws::papers::Papers;
use belay_aws::secrets::Secrets;
use belay_bundle::{Bundle, Limits};
use belay_engine::{Connect, Given, Placeholders};
use belay_model::{
    BundleDigest, Code, Failure, FrozenPlaceholder, PaperRef, Plan, PlanDigest, RunHeader, SecretRef, Target,
};
use secrecy::ExposeSecret;

pub use sightings::Sighting;

/// A run's access to its bundle, its plan and its database.
#[derive(Debug, Clone)]
pub struct Access {
    bundles: Bundles,
    papers: Papers,
    secrets: Secrets,
}

impl Access {
    /// Access by these settings to what is in this bucket.
    #[must_use]
    pub fn new(aws: &SdkConfig, bucket: &str) -> Self {
        let s3 = config::s3(aws);
        Self {
            bundles: Bundles::new(s3.clone(), bucket),
            papers: Papers::new(s3, bucket),
            secrets: Secrets::new(aws_sdk_secretsmanager::Client::new(aws)),
        }
    }

    /// The run's papers.
    #[must_use]
    pub fn papers(&self) -> &Papers {
        &self.papers
    }

    /// The run's bundle, checked, with the run's and the target's settings over its own.
    ///
    /// # Errors
    /// `Belay.RequestInvalid` for settings that a run can't have; `Belay.BundleRejected` with every problem;
    /// `Belay.BundleGone`; `Belay.BundleTooLarge`; `Infra.Storage`.
    pub async fn bundle(&self, run: &RunHeader, target: &Target) -> Result<Bundle, Failure> {
        let place = run.bundle.as_ref().ok_or_else(|| {
            Failure::new(Code::RequestInvalid, "the request names no bundle")
                .next("start a new execution whose input has a bundle with a key and a versionId")
        })?;
        let settings = run.flyway.keys().map_err(|error| {
            Failure::new(Code::RequestInvalid, format!("the request's {error}"))
                .next("start a new execution whose input has flyway settings that can be")
        })?;
        let limits = Limits::default();
        let bytes = self.bundles.get(place, limits.zip_bytes).await;
        let bytes = bytes.map_err(|error| error.failure())?;
        Ok(Bundle::from_zip(bytes, &limits, &settings.over(&target.flyway))?)
    }

    /// The run's bundle, if it still is the one that Check saw.
    ///
    /// # Errors
    /// `Belay.PlanMismatch` if it is not; else as [`Self::bundle`].
    pub async fn known_bundle(
        &self,
        run: &RunHeader,
        target: &Target,
        digest: &BundleDigest,
    ) -> Result<Bundle, Failure> {
        let bundle = self.bundle(run, target).await?;
        if bundle.digest() == *digest {
            return Ok(bundle);
        }
        let message = format!(
            "the bundle's SHA-256 is {}, and not {digest} as before",
            bundle.digest()
        );
        Err(Failure::new(Code::PlanMismatch, message)
            .next("find out who may change versions of objects in the bucket, and start a new execution"))
    }

    /// How to log in to the target: sessions say that they are of this run.
    ///
    /// # Errors
    /// `Infra.Credentials`.
    pub async fn connect(&self, run: &RunHeader, target: &Target) -> Result<Connect, Failure> {
        let login = self.secrets.login(target).await.map_err(|error| error.failure())?;
        Ok(Connect {
            endpoint: target.endpoint.clone(),
            user: login.user,
            password: login.password.expose_secret().to_owned(),
            tls: target.tls.clone(),
            set_role: target.set_role.clone(),
            run: run.run(),
            locks: target.locks,
        })
    }

    /// The target's placeholders as they are now.
    ///
    /// # Errors
    /// `Infra.Credentials`.
    pub async fn given(&self, target: &Target) -> Result<BTreeMap<String, Given>, Failure> {
        let now = self.secrets.freeze(&target.placeholders).await;
        let now = now.map_err(|error| error.failure())?;
        let mut given = BTreeMap::new();
        for (name, frozen) in now.frozen {
            let value = match (frozen, now.secrets.get(&name)) {
                (FrozenPlaceholder::Value(value), _) => Given::Value(value),
                (FrozenPlaceholder::Secret(at), Some(value)) => Given::Secret {
                    at,
                    value: value.expose_secret().to_owned(),
                },
                (FrozenPlaceholder::Secret(at), None) => return Err(unread(&at)),
            };
            given.insert(name, value);
        }
        Ok(given)
    }

    /// The run's plan: the paper that Plan wrote, with the digest that it gave.
    ///
    /// # Errors
    /// `Belay.PlanMismatch` if it is another; `Infra.Storage`.
    pub async fn plan(&self, paper: &PaperRef, digest: &PlanDigest) -> Result<Plan, Failure> {
        let plan: Plan = self.papers.get_json(paper).await.map_err(|error| error.failure())?;
        match plan.digest() {
            Ok(found) if found == *digest => Ok(plan),
            _ => Err(Failure::new(
                Code::PlanMismatch,
                "the plan that was read is not the one that was made",
            )
            .next("start a new execution with the same input")),
        }
    }

    /// The placeholders that a plan froze, its secrets by the version that Plan read.
    ///
    /// # Errors
    /// `Infra.Credentials`.
    pub async fn placeholders(&self, plan: &Plan) -> Result<Placeholders, Failure> {
        let thawed = self.secrets.thaw(&plan.placeholders).await;
        let thawed = thawed.map_err(|error| error.failure())?;
        let secrets: HashMap<SecretRef, String> = thawed
            .into_iter()
            .map(|(at, value)| (at, value.expose_secret().to_owned()))
            .collect();
        Placeholders::of_plan(plan, &secrets).map_err(|at| unread(&at))
    }
}

fn unread(at: &SecretRef) -> Failure {
    let message = format!(
        "the value {:?} of version {} of {} was not read",
        at.key, at.version_id, at.arn
    );
    Failure::new(Code::Bug, message).next("report this with the execution's ARN")
}
