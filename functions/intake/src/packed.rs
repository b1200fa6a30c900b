//! A folder of the bucket as a bundle.

use std::collections::BTreeMap;

use belay_aws::objects::{Listed, Objects};
use belay_bundle::{Bundle, Limits, pack};
use belay_model::{Code, Failure, FlywayKeys};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::payload::{Config, OWN, Payload};
use crate::refused::refused;

/// Where the SQL is in the bundle.
const SQL: &str = "sql";
/// How many objects are read at once.
const AT_ONCE: usize = 16;

/// Packs the files under the payload's folder, with a flyway.conf of its settings, and checks that as Check will.
pub(crate) async fn packed(
    objects: &Objects,
    payload: &Payload,
    settings: &str,
    above: &FlywayKeys,
) -> Result<Bundle, Failure> {
    let limits = Limits::default();
    let (conf, at) = config(objects, &payload.config).await?;
    let files = listed(objects, &payload.folder, at, &limits).await?;
    let mut packed: BTreeMap<String, Vec<u8>> = stream::iter(files)
        .map(|file| read(objects, &payload.folder, file))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    // Later lines win over earlier ones.
    let conf = format!("{conf}\nflyway.locations=filesystem:{SQL}\n{settings}");
    packed.insert("flyway.conf".to_owned(), conf.into_bytes());
    Ok(Bundle::from_zip(pack(&packed)?, &limits, above)?)
}

/// The flyway.conf that the payload names, and its key.
async fn config<'a>(objects: &Objects, config: &'a Config) -> Result<(String, Option<&'a str>), Failure> {
    let (key, needed) = match config {
        Config::Nowhere => return Ok((String::new(), None)),
        Config::Perhaps(key) => (key, false),
        Config::At(key) => (key, true),
    };
    let bytes = objects.get(key).await.map_err(|error| error.failure())?;
    let there = format!("s3://{}/{key}", objects.bucket());
    match bytes.map(String::from_utf8) {
        Some(Ok(text)) => Ok((text, Some(key))),
        Some(Err(_)) => Err(refused(format!("{there} is not UTF-8"), "save it as UTF-8").into()),
        None if needed => {
            let next = "copy it there, or leave it out of the payload";
            Err(refused(format!("there is no {there}"), next).into())
        }
        None => Ok((String::new(), None)),
    }
}

/// The files under the folder: not Belay's own, and none that is hidden.
async fn listed(objects: &Objects, folder: &str, conf: Option<&str>, limits: &Limits) -> Result<Vec<Listed>, Failure> {
    let most = usize::try_from(limits.entries).unwrap_or(usize::MAX);
    let keep = |object: &Listed| {
        let rest = object.key.strip_prefix(folder).unwrap_or(&object.key);
        let own = folder.is_empty() && rest.split_once('/').is_some_and(|(first, _)| OWN.contains(&first));
        let hidden = rest.split('/').any(|part| part.starts_with('.'));
        let is_folder = rest.is_empty() || rest.ends_with('/');
        !own && !hidden && !is_folder && conf != Some(object.key.as_str())
    };
    let files = objects
        .list(folder, most, keep)
        .await
        .map_err(|error| error.failure())?;
    let there = format!("s3://{}/{folder}", objects.bucket());
    if files.is_empty() {
        let next = format!("copy the SQL files there: aws s3 cp --recursive FOLDER {there}");
        return Err(refused(format!("there is no file under {there}"), next).into());
    }
    let total = files.iter().map(|file| file.size).fold(0, u64::saturating_add);
    let largest = files.iter().map(|file| file.size).max().unwrap_or_default();
    if files.len() > most || total > limits.total_bytes || largest > limits.file_bytes {
        let message = format!(
            "what is under {there} is more than a bundle may hold: {} files, {} bytes in all, {} in one",
            limits.entries, limits.total_bytes, limits.file_bytes
        );
        let next = "name a folder that holds nothing but the migrations";
        return Err(Failure::new(Code::BundleTooLarge, message).next(next));
    }
    Ok(files)
}

/// A file under the name that it gets.
async fn read(objects: &Objects, folder: &str, file: Listed) -> Result<(String, Vec<u8>), Failure> {
    let bytes = objects.get(&file.key).await.map_err(|error| error.failure())?;
    let gone = || {
        let message = format!(
            "s3://{}/{} was there a moment ago, and is gone",
            objects.bucket(),
            file.key
        );
        refused(message, "invoke again when nobody changes the folder")
    };
    let bytes = bytes.ok_or_else(gone)?;
    let name = file.key.strip_prefix(folder).unwrap_or(&file.key);
    Ok((format!("{SQL}/{name}"), bytes))
}
