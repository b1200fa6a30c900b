//! The lock: one DynamoDB item per instance (rules K1–K4). The workflow takes and frees it; functions only look, and
//! the janitor frees or quarantines what a dead owner left.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use belay_model::LockRef;

use crate::AwsError;
use crate::error::said;

mod door;

pub use door::Door;

/// The lock table.
#[derive(Debug, Clone)]
pub struct Locks {
    client: Client,
    table: String,
}

/// What a lock's item says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockItem {
    /// The instance, or the endpoint's host and port.
    pub key: String,
    /// Who holds it.
    pub holder: Option<Holder>,
    /// How often it was taken or freed; never goes down.
    pub fence: u64,
    /// Who is kept out of the instance, and must be let in again. Freeing the lock leaves it (rule Q1).
    pub door: Option<Door>,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The execution's ARN.
    pub owner: String,
    /// What for.
    pub phase: Phase,
    /// The run that took it; for a quarantine that `keep` took over, still the run that left it.
    pub run: Option<String>,
    /// The target that the run was for.
    pub target: Option<String>,
}

/// What a lock is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The database is only read.
    Held,
    /// The database may be changed at any moment.
    Changing,
    /// A person must decide.
    Quarantined,
}

/// What is done to an item.
enum Change {
    /// Nobody holds it any more; the fence goes up, so that whoever held it can never pass for its owner.
    Free,
    /// A person must decide.
    Quarantine,
}

impl Phase {
    /// As the item says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Changing => "changing",
            Self::Quarantined => "quarantined",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Self::Held, Self::Changing, Self::Quarantined]
            .into_iter()
            .find(|phase| phase.as_str() == text)
    }
}

impl Locks {
    /// The locks of this table.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    /// The item, as it is now; nothing if it was never taken.
    ///
    /// # Errors
    /// [`AwsError::Lock`]; [`AwsError::Bug`] if the item is not a lock.
    pub async fn read(&self, key: &str) -> Result<Option<LockItem>, AwsError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("key", AttributeValue::S(key.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("read", key, said(&error)))?;
        answer.item.as_ref().map(item).transpose()
    }

    /// Every lock that somebody holds. The table is small: an item for each instance, and one for each key of a bundle.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn held(&self) -> Result<Vec<LockItem>, AwsError> {
        self.list(|lock| lock.holder.is_some()).await
    }

    /// Every lock that nobody holds, and whose door is closed still: what a run left that died before it opened it.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn left_closed(&self) -> Result<Vec<LockItem>, AwsError> {
        self.list(|lock| lock.holder.is_none() && lock.door.is_some()).await
    }

    async fn list(&self, wanted: impl Fn(&LockItem) -> bool) -> Result<Vec<LockItem>, AwsError> {
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .into_paginator()
            .send();
        let mut locks = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed("list", "*", said(&error)))?;
            for attributes in page.items() {
                let lock = item(attributes)?;
                if wanted(&lock) {
                    locks.push(lock);
                }
            }
        }
        Ok(locks)
    }

    /// Goes on only if this execution still holds the lock under its fence, and said that it changes the database
    /// (rule K3). A quarantined item is its owner's as well: a redrive goes on where the run was interrupted (K4).
    ///
    /// # Errors
    /// [`AwsError::Fenced`] if not; as [`Self::read`] if that can't be known.
    pub async fn assert_mine(&self, lock: &LockRef, execution: &str) -> Result<(), AwsError> {
        let fenced = |found: String| AwsError::Fenced {
            key: lock.key.clone(),
            found,
        };
        let Some(item) = self.read(&lock.key).await? else {
            return Err(fenced("the item is gone".to_owned()));
        };
        if item.fence != lock.fence {
            return Err(fenced(format!("its fence is {}, not {}", item.fence, lock.fence)));
        }
        match item.holder {
            None => Err(fenced("nobody holds it".to_owned())),
            Some(Holder { owner, .. }) if owner != execution => Err(fenced(format!("{owner} holds it"))),
            Some(Holder { phase: Phase::Held, .. }) => {
                Err(fenced("it was not taken for changing the database".to_owned()))
            }
            Some(_) => Ok(()),
        }
    }

    /// Frees a lock of a dead owner that had changed nothing (rule K4). Whether it was still so.
    ///
    /// # Errors
    /// [`AwsError::Lock`].
    pub async fn free_held(&self, lock: &LockItem, holder: &Holder) -> Result<bool, AwsError> {
        self.update("free", lock, holder, Phase::Held, &Change::Free).await
    }

    /// Quarantines a lock whose owner died while it was changing the database (rule K4). The fence stays, so that a
    /// redrive of the owner can still end it. Whether it was still so.
    ///
    /// # Errors
    /// [`AwsError::Lock`].
    pub async fn quarantine_changing(&self, lock: &LockItem, holder: &Holder) -> Result<bool, AwsError> {
        self.update("quarantine", lock, holder, Phase::Changing, &Change::Quarantine)
            .await
    }

    /// Frees a quarantined lock because a person says so. Whether it was still so.
    ///
    /// # Errors
    /// [`AwsError::Lock`].
    pub async fn unlock(&self, lock: &LockItem, holder: &Holder) -> Result<bool, AwsError> {
        self.update("unlock", lock, holder, Phase::Quarantined, &Change::Free)
            .await
    }

    /// One change of an item that still has this owner, fence and phase.
    async fn update(
        &self,
        action: &'static str,
        lock: &LockItem,
        holder: &Holder,
        phase: Phase,
        change: &Change,
    ) -> Result<bool, AwsError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("key", AttributeValue::S(lock.key.clone()))
            .condition_expression("#owner = :owner AND #fence = :fence AND #phase = :phase")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#fence", "fence")
            .expression_attribute_names("#phase", "phase")
            .expression_attribute_values(":owner", AttributeValue::S(holder.owner.clone()))
            .expression_attribute_values(":fence", AttributeValue::N(lock.fence.to_string()))
            .expression_attribute_values(":phase", AttributeValue::S(phase.as_str().to_owned()));
        let request = match change {
            Change::Quarantine => request
                .update_expression("SET #phase = :new")
                .expression_attribute_values(":new", AttributeValue::S(Phase::Quarantined.as_str().to_owned())),
            Change::Free => request
                .update_expression("SET #fence = :new REMOVE #owner, #phase, #run, #target, #since")
                .expression_attribute_names("#run", "run")
                .expression_attribute_names("#target", "target")
                .expression_attribute_names("#since", "since")
                .expression_attribute_values(":new", AttributeValue::N((lock.fence + 1).to_string())),
        };
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(failed(action, &lock.key, said(&error))),
        }
    }
}

fn failed(action: &'static str, key: &str, said: String) -> AwsError {
    AwsError::Lock {
        action,
        key: key.to_owned(),
        said,
    }
}

fn item(attributes: &HashMap<String, AttributeValue>) -> Result<LockItem, AwsError> {
    let text = |name: &str| attributes.get(name).and_then(|value| value.as_s().ok()).cloned();
    let key = text("key").ok_or_else(|| AwsError::Bug("a lock's item has no key".to_owned()))?;
    let odd = |what: &str| AwsError::Bug(format!("the lock {key} has {what}"));
    let fence = match attributes.get("fence") {
        Some(AttributeValue::N(number)) => number.parse().map_err(|_| odd("a fence that is no number"))?,
        Some(_) => return Err(odd("a fence that is no number")),
        None => 0,
    };
    let holder = match (text("owner"), text("phase")) {
        (None, _) => None,
        (Some(owner), Some(phase)) => Some(Holder {
            run: text("run"),
            target: text("target"),
            owner,
            phase: Phase::read(&phase).ok_or_else(|| odd("an unknown phase"))?,
        }),
        (Some(_), None) => return Err(odd("an owner and no phase")),
    };
    let door = attributes.get(door::ATTRIBUTE).map(|value| Door::read(value, &key));
    Ok(LockItem {
        key,
        holder,
        fence,
        door: door.transpose()?,
    })
}
