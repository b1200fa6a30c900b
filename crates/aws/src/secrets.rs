//! Secrets: who logs in, and the values of secret placeholders.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_secretsmanager::Client;
use belay_model::{Endpoint, FrozenPlaceholder, PlaceholderSource, SecretRef, Target};
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::AwsError;
use crate::error::said;

/// Reads secrets of Secrets Manager.
#[derive(Debug, Clone)]
pub struct Secrets {
    client: Client,
}

/// Who logs in.
#[derive(Debug)]
pub struct Login {
    /// The role.
    pub user: String,
    /// Its password.
    pub password: SecretString,
}

/// Placeholders, each with its value at one moment.
#[derive(Debug, Default)]
pub struct Placeholders {
    /// What a plan may hold: values, and where the secret ones are.
    pub frozen: BTreeMap<String, FrozenPlaceholder>,
    /// The values of the secret ones.
    pub secrets: BTreeMap<String, SecretString>,
}

/// A secret's JSON object. No `Debug`: it holds the values.
struct Opened {
    arn: String,
    version: String,
    fields: Map<String, Value>,
}

impl Secrets {
    /// Secrets by this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Who logs in to the target, read now, so that a rotated password is the new one. A `host` and a `port` in the
    /// secret must be the target's: where to connect is the platform team's word, not the secret's.
    ///
    /// # Errors
    /// [`AwsError::SecretUnreadable`] or [`AwsError::SecretUnfit`].
    pub async fn login(&self, target: &Target) -> Result<Login, AwsError> {
        self.login_at(&target.credentials.secret, &target.endpoint).await
    }

    /// The same by the secret's ARN or name, and where it must be for.
    ///
    /// # Errors
    /// As [`Self::login`].
    pub async fn login_at(&self, secret: &str, endpoint: &Endpoint) -> Result<Login, AwsError> {
        let opened = self.open(secret, None).await?;
        opened.must_be("host", &endpoint.host)?;
        opened.must_be("port", &endpoint.port.to_string())?;
        Ok(Login {
            user: opened.text("username")?,
            password: opened.text("password")?.into(),
        })
    }

    /// The placeholders as they are now; the secret ones frozen by the version that was read.
    ///
    /// # Errors
    /// As [`Self::login`].
    pub async fn freeze(&self, sources: &BTreeMap<String, PlaceholderSource>) -> Result<Placeholders, AwsError> {
        let mut opened = BTreeMap::new();
        let mut placeholders = Placeholders::default();
        for (name, source) in sources {
            let frozen = match source {
                PlaceholderSource::Value(value) => FrozenPlaceholder::Value(value.clone()),
                PlaceholderSource::Secret { arn, key } => {
                    let secret = self.opened(&mut opened, arn, None).await?;
                    placeholders.secrets.insert(name.clone(), secret.text(key)?.into());
                    FrozenPlaceholder::Secret(SecretRef {
                        arn: arn.clone(),
                        key: key.clone(),
                        version_id: secret.version.clone(),
                    })
                }
            };
            placeholders.frozen.insert(name.clone(), frozen);
        }
        Ok(placeholders)
    }

    /// The values of a plan's secret placeholders, each of the version that was frozen.
    ///
    /// # Errors
    /// As [`Self::login`].
    pub async fn thaw(
        &self,
        frozen: &BTreeMap<String, FrozenPlaceholder>,
    ) -> Result<HashMap<SecretRef, SecretString>, AwsError> {
        let mut opened = BTreeMap::new();
        let mut values = HashMap::new();
        for placeholder in frozen.values() {
            if let FrozenPlaceholder::Secret(at) = placeholder {
                let secret = self.opened(&mut opened, &at.arn, Some(&at.version_id)).await?;
                values.insert(at.clone(), secret.text(&at.key)?.into());
            }
        }
        Ok(values)
    }

    /// Reads each version of each secret once, so that all its keys are of one moment.
    async fn opened<'a>(
        &self,
        opened: &'a mut BTreeMap<(String, Option<String>), Opened>,
        arn: &str,
        version: Option<&str>,
    ) -> Result<&'a Opened, AwsError> {
        use std::collections::btree_map::Entry;
        match opened.entry((arn.to_owned(), version.map(str::to_owned))) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(self.open(arn, version).await?)),
        }
    }

    async fn open(&self, arn: &str, version: Option<&str>) -> Result<Opened, AwsError> {
        let answer = self
            .client
            .get_secret_value()
            .secret_id(arn)
            .set_version_id(version.map(str::to_owned))
            .send()
            .await
            .map_err(|error| AwsError::SecretUnreadable {
                arn: arn.to_owned(),
                said: said(&error),
            })?;
        let text = answer.secret_string().ok_or_else(|| unfit(arn, "is not text"))?;
        // serde_json's own words can quote what it read.
        let fields = serde_json::from_str(text).map_err(|_| unfit(arn, "is not a JSON object"))?;
        let version = answer
            .version_id()
            .ok_or_else(|| unfit(arn, "has no version id"))?
            .to_owned();
        Ok(Opened {
            arn: arn.to_owned(),
            version,
            fields,
        })
    }
}

impl Opened {
    fn text(&self, key: &str) -> Result<String, AwsError> {
        match self.fields.get(key) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::String(_)) => Err(unfit(&self.arn, format!("has an empty {key:?}"))),
            Some(_) => Err(unfit(&self.arn, format!("has a {key:?} that is not text"))),
            None => Err(unfit(&self.arn, format!("has no {key:?}"))),
        }
    }

    fn must_be(&self, key: &str, expected: &str) -> Result<(), AwsError> {
        if !self.fields.contains_key(key) {
            return Ok(());
        }
        let found = self.text(key)?;
        if found
            .trim_end_matches('.')
            .eq_ignore_ascii_case(expected.trim_end_matches('.'))
        {
            return Ok(());
        }
        Err(unfit(
            &self.arn,
            format!("is for another {key} than the target's {expected}"),
        ))
    }
}

fn unfit(arn: &str, problem: impl Into<String>) -> AwsError {
    AwsError::SecretUnfit {
        arn: arn.to_owned(),
        problem: problem.into(),
    }
}
