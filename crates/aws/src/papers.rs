//! A run's papers in the bucket: `runs/<target>/<run>/<name>`.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use belay_model::{FileDigest, PaperRef, RunHeader, RunId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::AwsError;
use crate::error::said;
use crate::results::folder;

/// The papers of the stack's bucket.
#[derive(Debug, Clone)]
pub struct Papers {
    client: Client,
    bucket: String,
}

impl Papers {
    /// The papers of this bucket.
    #[must_use]
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self {
            client,
            bucket: bucket.into(),
        }
    }

    /// Where a run's paper of this name is.
    #[must_use]
    pub fn key(run: &RunHeader, name: &str) -> String {
        place(&run.target, &run.run(), name)
    }

    /// The address of a run's paper, for people.
    #[must_use]
    pub fn address(&self, run: &RunHeader, name: &str) -> String {
        format!("s3://{}/{}", self.bucket, Self::key(run, name))
    }

    /// Writes a paper. An older version of it stays what it was: a reference names one version.
    ///
    /// # Errors
    /// [`AwsError::Storage`], also if the bucket keeps no versions.
    pub async fn put(
        &self,
        run: &RunHeader,
        name: &str,
        content_type: &str,
        bytes: Vec<u8>,
    ) -> Result<PaperRef, AwsError> {
        self.write(Self::key(run, name), content_type, bytes).await
    }

    /// Writes a paper as JSON.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn put_json<T: Serialize>(&self, run: &RunHeader, name: &str, paper: &T) -> Result<PaperRef, AwsError> {
        let bytes = serde_json::to_vec(paper).map_err(|error| AwsError::Bug(format!("{name}: {error}")))?;
        self.put(run, name, "application/json", bytes).await
    }

    /// Writes a paper as JSON into the folder of a run that need not be the caller: the one that is undone.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn file_json<T: Serialize>(
        &self,
        target: &str,
        run: &RunId,
        name: &str,
        paper: &T,
    ) -> Result<PaperRef, AwsError> {
        let bytes = serde_json::to_vec(paper).map_err(|error| AwsError::Bug(format!("{name}: {error}")))?;
        self.write(place(target, run, name), "application/json", bytes).await
    }

    async fn write(&self, key: String, content_type: &str, bytes: Vec<u8>) -> Result<PaperRef, AwsError> {
        let sha256 = FileDigest::of(&bytes);
        let answer = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(&key)
            .content_type(content_type)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| self.storage("write", &key, said(&error)))?;
        let version_id = answer
            .version_id()
            .ok_or_else(|| self.storage("write", &key, "the bucket keeps no versions".to_owned()))?
            .to_owned();
        Ok(PaperRef {
            key,
            version_id,
            sha256,
        })
    }

    /// Reads a paper, and proves that it is the one that was written.
    ///
    /// # Errors
    /// [`AwsError::PaperChanged`] if the bytes are others; [`AwsError::Storage`] for the rest.
    pub async fn get(&self, paper: &PaperRef) -> Result<Vec<u8>, AwsError> {
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(&paper.key)
            .version_id(&paper.version_id)
            .send()
            .await
            .map_err(|error| self.storage("read", &paper.key, said(&error)))?;
        let bytes = answer
            .body
            .collect()
            .await
            .map_err(|error| self.storage("read", &paper.key, error.to_string()))?
            .to_vec();
        if FileDigest::of(&bytes) == paper.sha256 {
            return Ok(bytes);
        }
        Err(AwsError::PaperChanged {
            bucket: self.bucket.clone(),
            key: paper.key.clone(),
            version: paper.version_id.clone(),
        })
    }

    /// Reads a JSON paper, and proves that it is the one that was written.
    ///
    /// # Errors
    /// As [`Self::get`]; [`AwsError::Bug`] if the paper is of another shape.
    pub async fn get_json<T: DeserializeOwned>(&self, paper: &PaperRef) -> Result<T, AwsError> {
        let bytes = self.get(paper).await?;
        serde_json::from_slice(&bytes).map_err(|error| AwsError::Bug(format!("{}: {error}", paper.key)))
    }

    /// The newest version of a run's paper of this name, where there is one. Nothing proves who wrote it: for what only
    /// adds words, and for notes of a function to itself.
    ///
    /// # Errors
    /// [`AwsError::Storage`].
    pub async fn find(&self, target: &str, run: &RunId, name: &str) -> Result<Option<Vec<u8>>, AwsError> {
        let key = place(target, run, name);
        let answer = match self.client.get_object().bucket(&self.bucket).key(&key).send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => return Ok(None),
            Err(error) => return Err(self.storage("read", &key, said(&error))),
        };
        let bytes = answer.body.collect().await;
        let bytes = bytes.map_err(|error| self.storage("read", &key, error.to_string()))?;
        Ok(Some(bytes.to_vec()))
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

fn place(target: &str, run: &RunId, name: &str) -> String {
    format!("runs/{}/{run}/{name}", folder(target))
}
