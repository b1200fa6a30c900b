//! `{"bucket_name", "prefix", "flyway_conf"}` of crossroad0201/flyway-awslambda, and `{"bucket_name", "secret_name"}` of
//! lydtechconsulting/flyway-lambda.

use belay_model::Action;
use serde_json::Map;

use super::{Config, Fields, Hint, Payload, folder};
use crate::refused::{Refused, refused};

pub(super) fn read(fields: &Fields<'_>) -> Result<Payload, Refused> {
    fields.only(&["bucket_name", "prefix", "flyway_conf", "secret_name", "target"])?;
    let bucket = fields.text("bucket_name")?;
    let bucket = bucket.ok_or_else(|| refused("bucket_name is empty", "name the stack's bucket"))?;
    let folder = folder(fields.text("prefix")?)?;
    let config = match fields.text("flyway_conf")? {
        Some(name) => Config::At(format!("{folder}{name}")),
        None => Config::Perhaps(format!("{folder}flyway.conf")),
    };
    Ok(Payload {
        action: Action::Migrate,
        bucket,
        folder,
        config,
        settings: Map::new(),
        hint: Hint {
            name: fields.text("target")?,
            url: None,
            secret: fields.text("secret_name")?,
        },
        notes: Vec::new(),
    })
}
