//! The function `notify`: wiring.

use belay_aws::config::{self, setting};
use belay_aws::function;
use belay_aws::mail::Mail;
use belay_aws::papers::Papers;
use belay_aws::results::Results;
use belay_notify::Notify;
use jiff::{Timestamp, Unit};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    function::log();
    let aws = config::load().await;
    let s3 = config::s3(&aws);
    let bucket = setting(config::BUCKET)?;
    let notify = Notify {
        results: Results::new(s3.clone(), &bucket),
        papers: Papers::new(s3, &bucket),
        mail: Mail::new(aws_sdk_sns::Client::new(&aws)),
        topic: setting(config::TOPIC)?,
        lock_table: setting(config::LOCK_TABLE)?,
        bucket,
    };
    function::serve("notify", |request, _| {
        let now = Timestamp::now();
        notify.handle(request, now.round(Unit::Millisecond).unwrap_or(now))
    })
    .await
}
