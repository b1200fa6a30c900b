//! What Belay's functions share: small adapters to AWS, a file each, and what surrounds a handler.
//!
//! Every error here is an [`AwsError`], whose [`AwsError::failure`] has the stable code that crosses to the workflow.
//! No secret is in any `Debug` or `Display`.

pub mod alarm;
pub mod bundles;
pub mod config;
pub mod crossing;
#[cfg(feature = "double")]
pub mod double;
mod error;
pub mod executions;
pub mod function;
pub mod lock;
pub mod mail;
pub mod objects;
pub mod papers;
pub mod results;
pub mod secrets;
pub mod snapshots;
pub mod targets;

pub use error::{AwsError, RdsCall};
