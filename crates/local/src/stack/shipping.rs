//! Bundles on their way: put into the bucket, followed to their result.

use std::path::Path;
use std::time::{Duration, Instant};

use belay_model::RunResult;
use tokio::time::sleep;

use super::Stack;
use crate::aws::{Aws, failed, present};
use crate::error::{Error, Result};
use crate::execution::{self, Ended};

/// A bundle that was put into the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    /// For which target.
    pub target: String,
    /// The object's key.
    pub key: String,
    /// The object's version.
    pub version_id: String,
}

impl Stack {
    /// Ships a bundle as a user does: with `aws s3 cp`.
    ///
    /// The version is looked up afterwards, so another upload to the same key in between would be taken for it.
    ///
    /// # Errors
    /// There is no such file, or the bucket refuses.
    pub async fn ship_file(&self, aws: &Aws, target: &str, bundle: &Path) -> Result<Shipped> {
        let name = bundle.file_name().unwrap_or_default().to_string_lossy();
        let (bucket, key) = (self.bucket()?, format!("bundles/{target}/{name}"));
        let place = format!("s3://{bucket}/{key}");
        aws.cli(["s3", "cp", "--no-progress", &bundle.display().to_string(), &place])
            .await?;
        let head = aws
            .s3
            .head_object()
            .bucket(bucket)
            .key(&key)
            .send()
            .await
            .map_err(failed("s3:HeadObject"))?;
        let version_id = present(head.version_id, &place, "version")?;
        Ok(Shipped {
            target: target.to_owned(),
            key,
            version_id,
        })
    }

    /// Ships a bundle from memory; quicker than [`ship_file`](Self::ship_file), and sure of its version.
    ///
    /// # Errors
    /// The bucket refuses.
    pub async fn ship(&self, aws: &Aws, target: &str, name: &str, bundle: Vec<u8>) -> Result<Shipped> {
        let key = format!("bundles/{target}/{name}");
        let put = aws.s3.put_object().bucket(self.bucket()?).key(&key).body(bundle.into());
        let version_id = put.send().await.map_err(failed("s3:PutObject"))?.version_id;
        let version_id = present(version_id, &key, "version")?;
        Ok(Shipped {
            target: target.to_owned(),
            key,
            version_id,
        })
    }

    /// The result object of what was shipped, as it is now.
    ///
    /// # Errors
    /// It is not a result.
    pub async fn result(&self, aws: &Aws, shipped: &Shipped) -> Result<Option<RunResult>> {
        let key = format!("results/{}/{}.json", shipped.target, shipped.version_id);
        let object = match aws.s3.get_object().bucket(self.bucket()?).key(&key).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => return Ok(None),
            Err(error) => return Err(failed("s3:GetObject")(error)),
        };
        let bytes = object
            .body
            .collect()
            .await
            .map_err(failed("s3:GetObject"))?
            .into_bytes();
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(failed("reading the result object"))
    }

    /// Waits for the end of the run that what was shipped started, and calls `entered` with each state as it is
    /// entered. The result is the one after the execution's end.
    ///
    /// # Errors
    /// The run has not begun or not ended in time.
    pub async fn follow(
        &self,
        aws: &Aws,
        shipped: &Shipped,
        within: Duration,
        entered: impl FnMut(&str),
    ) -> Result<(RunResult, Ended)> {
        let begun = self.wait_for_result(aws, shipped, within, |_| true).await?;
        let ended = execution::wait_for_end(aws, &begun.execution, within, entered).await?;
        let result = present(self.result(aws, shipped).await?, &shipped.key, "result")?;
        Ok((result, ended))
    }

    /// Waits for a result object that is as wanted.
    ///
    /// # Errors
    /// It was not so in time.
    pub async fn wait_for_result(
        &self,
        aws: &Aws,
        shipped: &Shipped,
        within: Duration,
        is_wanted: impl Fn(&RunResult) -> bool,
    ) -> Result<RunResult> {
        let start = Instant::now();
        loop {
            let result = self.result(aws, shipped).await?;
            let seen = result
                .as_ref()
                .map_or("no result".to_owned(), |result| result.status.clone());
            if let Some(result) = result.filter(|result| is_wanted(result)) {
                return Ok(result);
            }
            if start.elapsed() > within {
                let what = format!("the result of {} {}", shipped.key, shipped.version_id);
                return Err(Error::TooLate {
                    what,
                    seconds: within.as_secs(),
                    seen,
                });
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}
