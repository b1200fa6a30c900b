//! Objects of the stack's bucket that are neither bundles nor Belay's own: what an old wrapper's payload points to.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;

use crate::AwsError;
use crate::error::said;

/// The objects of the stack's bucket.
#[derive(Debug, Clone)]
pub struct Objects {
    client: Client,
    bucket: String,
}

/// An object of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// In bytes.
    pub size: u64,
}

impl Objects {
    /// Those of this bucket.
    #[must_use]
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self {
            client,
            bucket: bucket.into(),
        }
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Every object under a prefix that is kept, by key; no further than one above `most`.
    ///
    /// # Errors
    /// [`AwsError::Storage`].
    pub async fn list(
        &self,
        prefix: &str,
        most: usize,
        keep: impl Fn(&Listed) -> bool,
    ) -> Result<Vec<Listed>, AwsError> {
        let mut found = Vec::new();
        let asked = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let mut pages = asked.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.storage("list", prefix, said(&error)))?;
            let objects = page.contents.unwrap_or_default().into_iter().filter_map(|object| {
                Some(Listed {
                    key: object.key?,
                    size: object
                        .size
                        .and_then(|size| u64::try_from(size).ok())
                        .unwrap_or_default(),
                })
            });
            found.extend(objects.filter(|object| keep(object)));
            if found.len() > most {
                break;
            }
        }
        Ok(found)
    }

    /// An object's bytes; nothing if it is not there.
    ///
    /// # Errors
    /// [`AwsError::Storage`].
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, AwsError> {
        let answer = match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(self.storage("read", key, said(&error))),
        };
        let bytes = answer.body.collect().await;
        let bytes = bytes.map_err(|error| self.storage("read", key, error.to_string()))?;
        Ok(Some(bytes.to_vec()))
    }

    /// Puts an object, and says which version of it that is.
    ///
    /// # Errors
    /// [`AwsError::Storage`], also if the bucket keeps no versions.
    pub async fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<String, AwsError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        let request = request.content_type(content_type).body(ByteStream::from(bytes));
        let answer = request.send().await;
        let answer = answer.map_err(|error| self.storage("write", key, said(&error)))?;
        let version = answer.version_id().map(str::to_owned);
        version.ok_or_else(|| self.storage("write", key, "the bucket keeps no versions".to_owned()))
    }

    fn storage(&self, action: &'static str, key: &str, said: String) -> AwsError {
        AwsError::Storage {
            action,
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            said,
        }
    }
}
