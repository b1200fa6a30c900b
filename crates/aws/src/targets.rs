//! The stack's targets: `/<stack>/targets/<target>`.

use std::collections::BTreeMap;

use aws_sdk_ssm::Client;
use belay_model::Target;

use crate::AwsError;
use crate::error::said;

/// The parameters of a stack's targets.
#[derive(Debug, Clone)]
pub struct Targets {
    client: Client,
    path: String,
}

impl Targets {
    /// Those of this stack.
    #[must_use]
    pub fn new(client: Client, stack: &str) -> Self {
        Self {
            client,
            path: format!("/{stack}/targets"),
        }
    }

    /// Every target by its name; nothing for a parameter that is none: whoever runs it is told so by the workflow.
    ///
    /// # Errors
    /// [`AwsError::Parameters`].
    pub async fn all(&self) -> Result<BTreeMap<String, Option<Target>>, AwsError> {
        let mut targets = BTreeMap::new();
        let asked = self.client.get_parameters_by_path().path(&self.path);
        let mut pages = asked.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::Parameters {
                path: self.path.clone(),
                said: said(&error),
            })?;
            for parameter in page.parameters.unwrap_or_default() {
                let (Some(name), Some(value)) = (parameter.name, parameter.value) else {
                    continue;
                };
                let name = name.rsplit_once('/').map_or(name.as_str(), |(_, name)| name);
                targets.insert(name.to_owned(), serde_json::from_str(&value).ok());
            }
        }
        Ok(targets)
    }
}
