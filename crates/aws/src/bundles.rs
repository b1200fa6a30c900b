//! Bundles in the bucket.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use belay_model::BundleRef;

use crate::AwsError;
use crate::error::said;

/// The bundles of the stack's bucket.
#[derive(Debug, Clone)]
pub struct Bundles {
    client: Client,
    bucket: String,
}

impl Bundles {
    /// The bundles of this bucket.
    #[must_use]
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self {
            client,
            bucket: bucket.into(),
        }
    }

    /// The bytes of exactly this version of exactly this object. The size is checked before anything is downloaded.
    ///
    /// # Errors
    /// [`AwsError::BundleGone`] without a version id, or if there is no such object or version;
    /// [`AwsError::BundleTooLarge`] above `limit` bytes; [`AwsError::Storage`] for the rest.
    pub async fn get(&self, bundle: &BundleRef, limit: u64) -> Result<Vec<u8>, AwsError> {
        let Some(version) = bundle.version_id.as_deref() else {
            return Err(self.gone(bundle, "(none)"));
        };
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(&bundle.key)
            .version_id(version)
            .send()
            .await
            .map_err(|error| match error.code() {
                // A delete marker's version answers MethodNotAllowed; a text that is no version id, InvalidArgument.
                Some("NoSuchKey" | "NoSuchVersion" | "MethodNotAllowed" | "InvalidArgument" | "NotFound") => {
                    self.gone(bundle, version)
                }
                _ => self.unreadable(bundle, said(&error)),
            })?;
        let size = answer
            .content_length()
            .and_then(|length| u64::try_from(length).ok())
            .ok_or_else(|| self.unreadable(bundle, "the answer has no length".to_owned()))?;
        if size > limit {
            return Err(AwsError::BundleTooLarge { size, limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        let mut body = answer.body;
        while let Some(chunk) = body
            .try_next()
            .await
            .map_err(|error| self.unreadable(bundle, error.to_string()))?
        {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn gone(&self, bundle: &BundleRef, version: &str) -> AwsError {
        AwsError::BundleGone {
            bucket: self.bucket.clone(),
            key: bundle.key.clone(),
            version: version.to_owned(),
        }
    }

    fn unreadable(&self, bundle: &BundleRef, said: String) -> AwsError {
        AwsError::Storage {
            action: "read",
            bucket: self.bucket.clone(),
            key: bundle.key.clone(),
            said,
        }
    }
}
