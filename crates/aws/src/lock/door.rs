//! The door's record: who is kept out of an instance, so that whoever comes can let them in again (rule Q1).
//!
//! An attribute of the lock's item. It is written once, before the door is closed, and removed only after it was opened.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use belay_model::{LockRef, RunId, TargetName};
use jiff::Timestamp;

use super::{Locks, Phase, failed};
use crate::AwsError;
use crate::error::said;

/// The record's name in the item.
pub(super) const ATTRIBUTE: &str = "door";

/// Who is kept out of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The run that closed it.
    pub run: RunId,
    /// The target that the run was for: by its login the door is opened again.
    pub target: TargetName,
    /// When.
    pub at: Timestamp,
    /// The roles that could log in before.
    pub roles: Vec<String>,
}

impl Locks {
    /// Notes who is about to be kept out, and gives what is noted: the record that was there before, if there was one.
    ///
    /// # Errors
    /// [`AwsError::Fenced`] if the lock is not this execution's any more; [`AwsError::Lock`].
    pub async fn note_door(&self, lock: &LockRef, execution: &str, door: &Door) -> Result<Door, AwsError> {
        self.assert_mine(lock, execution).await?;
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("key", AttributeValue::S(lock.key.clone()))
            .condition_expression(
                "#owner = :owner AND #fence = :fence AND #phase <> :held AND attribute_not_exists(#door)",
            )
            .update_expression("SET #door = :door")
            .set_expression_attribute_names(Some(names()))
            .set_expression_attribute_values(Some(mine(lock, execution)))
            .expression_attribute_values(":door", door.write())
            .send()
            .await;
        match updated {
            Ok(_) => return Ok(door.clone()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) => {}
            Err(error) => return Err(failed("note the door in", &lock.key, said(&error))),
        }
        self.assert_mine(lock, execution).await?;
        match self.read(&lock.key).await?.and_then(|item| item.door) {
            Some(there) => Ok(there),
            None => Err(failed("note the door in", &lock.key, "it changed meanwhile".to_owned())),
        }
    }

    /// Forgets the record, after everybody was let in again. No record is no error.
    ///
    /// # Errors
    /// As [`Self::note_door`].
    pub async fn forget_door(&self, lock: &LockRef, execution: &str) -> Result<(), AwsError> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("key", AttributeValue::S(lock.key.clone()))
            .condition_expression("#owner = :owner AND #fence = :fence AND #phase <> :held")
            .update_expression("REMOVE #door")
            .set_expression_attribute_names(Some(names()))
            .set_expression_attribute_values(Some(mine(lock, execution)))
            .send()
            .await;
        match updated {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                self.assert_mine(lock, execution).await?;
                Err(failed(
                    "forget the door of",
                    &lock.key,
                    "it changed meanwhile".to_owned(),
                ))
            }
            Err(error) => Err(failed("forget the door of", &lock.key, said(&error))),
        }
    }
}

impl Door {
    fn write(&self) -> AttributeValue {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let roles = self.roles.iter().map(|role| text(role)).collect();
        AttributeValue::M(HashMap::from([
            ("run".to_owned(), text(self.run.as_str())),
            ("target".to_owned(), text(self.target.as_str())),
            ("at".to_owned(), text(&self.at.to_string())),
            ("roles".to_owned(), AttributeValue::L(roles)),
        ]))
    }

    pub(super) fn read(value: &AttributeValue, key: &str) -> Result<Self, AwsError> {
        let odd = || AwsError::Bug(format!("the lock {key} has a door that can't be read"));
        let map = value.as_m().map_err(|_| odd())?;
        let text = |name: &str| map.get(name).and_then(|value| value.as_s().ok()).ok_or_else(odd);
        let roles = map.get("roles").and_then(|value| value.as_l().ok()).ok_or_else(odd)?;
        let roles = roles.iter().map(|role| role.as_s().cloned().map_err(|_| odd()));
        Ok(Self {
            run: text("run")?.parse().map_err(|_| odd())?,
            target: text("target")?.parse().map_err(|_| odd())?,
            at: text("at")?.parse().map_err(|_| odd())?,
            roles: roles.collect::<Result<_, _>>()?,
        })
    }
}

fn names() -> HashMap<String, String> {
    ["owner", "fence", "phase", ATTRIBUTE]
        .map(|name| (format!("#{name}"), name.to_owned()))
        .into()
}

fn mine(lock: &LockRef, execution: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([
        (":owner".to_owned(), AttributeValue::S(execution.to_owned())),
        (":fence".to_owned(), AttributeValue::N(lock.fence.to_string())),
        (":held".to_owned(), AttributeValue::S(Phase::Held.as_str().to_owned())),
    ])
}
