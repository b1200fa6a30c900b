//! `{flywayRequest, dbRequest, s3Request, gitRequest}` of Geekoosh/flyway-lambda.

use belay_model::Action;
use serde_json::{Map, Value};

use super::{Config, Fields, Hint, Payload, folder};
use crate::refused::{Refused, refused};

pub(super) fn read(fields: &Fields<'_>) -> Result<Payload, Refused> {
    fields.only(&["flywayRequest", "dbRequest", "s3Request", "gitRequest", "target"])?;
    if fields.has("gitRequest") {
        return Err(refused(
            "gitRequest: Belay clones no repository",
            "let your CI pack the folder (scripts/bundle, or zip) and upload it to bundles/<target>/, or copy the files \
             to the bucket and name them in s3Request",
        ));
    }
    let mut notes = Vec::new();
    let source = fields.object("s3Request")?.ok_or_else(no_source)?;
    source.only(&["bucket", "folder"])?;
    let bucket = source.text("bucket")?.ok_or_else(no_source)?;
    let mut hint = Hint {
        name: fields.text("target")?,
        ..Hint::default()
    };
    if let Some(database) = fields.object("dbRequest")? {
        database.only(&["connectionString", "username", "password"])?;
        hint.url = database.text("connectionString")?;
        if hint.url.is_some() {
            notes.push("dbRequest.connectionString only tells which target is meant".to_owned());
        }
        if database.text("username")?.is_some() {
            notes.push("dbRequest.username has no effect: the target's secret says who logs in".to_owned());
        }
    }
    let (action, config, settings) = match fields.object("flywayRequest")? {
        Some(request) => (method(&request)?, config(&request, &bucket)?, settings(&request)),
        None => (Action::Migrate, Config::Nowhere, Map::new()),
    };
    Ok(Payload {
        action,
        folder: folder(source.text("folder")?)?,
        bucket,
        config,
        settings,
        hint,
        notes,
    })
}

fn no_source() -> Refused {
    refused(
        "the payload does not say where the SQL files are",
        "add s3Request with the stack's bucket and a folder of it",
    )
}

fn method(request: &Fields<'_>) -> Result<Action, Refused> {
    let Some(method) = request.text("flywayMethod")? else {
        return Ok(Action::Migrate);
    };
    Ok(match method.to_ascii_uppercase().as_str() {
        "MIGRATE" => Action::Migrate,
        "INFO" => Action::Info,
        "VALIDATE" => Action::Validate,
        "BASELINE" => Action::Baseline,
        "REPAIR" => Action::Repair,
        "UNDO" => Action::Undo,
        "CLEAN" => {
            return Err(refused(
                "CLEAN drops every object of the schemas, and Belay has no such action",
                "drop and create the database by hand if it is one that may go, then send MIGRATE",
            ));
        }
        _ => {
            return Err(refused(
                "flywayMethod is none that is known",
                "send MIGRATE, INFO, VALIDATE, BASELINE, REPAIR or UNDO",
            ));
        }
    })
}

/// `s3://bucket/key`, in the bucket of the SQL files.
fn config(request: &Fields<'_>, bucket: &str) -> Result<Config, Refused> {
    let Some(file) = request.text("configFile")? else {
        return Ok(Config::Nowhere);
    };
    let key = file.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    match key {
        Some((there, key)) if there == bucket && !key.is_empty() => Ok(Config::At(key.to_owned())),
        _ => Err(refused(
            "flywayRequest.configFile is not an object of the bucket that s3Request names",
            format!("copy the file there (aws s3 cp FILE s3://{bucket}/flyway.conf) and name it so"),
        )),
    }
}

/// Everything else in a flywayRequest has Flyway's own name; but for one.
fn settings(request: &Fields<'_>) -> Map<String, Value> {
    let own = |name: &str| !["flywayMethod", "configFile"].contains(&name);
    let set = request.map.iter().filter(|(name, value)| own(name) && !value.is_null());
    set.map(|(name, value)| match name.as_str() {
        "skipDefaultCallResolvers" => ("skipDefaultResolvers".to_owned(), value.clone()),
        _ => (name.clone(), value.clone()),
    })
    .collect()
}
