//! The function `janitor`: wiring.

use belay_aws::config::{self, setting};
use belay_aws::executions::Executions;
use belay_aws::function;
use belay_aws::lock::Locks;
use belay_aws::mail::Mail;
use belay_aws::papers::Papers;
use belay_aws::results::Results;
use belay_janitor::Janitor;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    function::log();
    let aws = config::load().await;
    let s3 = config::s3(&aws);
    let bucket = setting(config::BUCKET)?;
    let lock_table = setting(config::LOCK_TABLE)?;
    let janitor = Janitor {
        executions: Executions::new(aws_sdk_sfn::Client::new(&aws)),
        machine: setting(config::STATE_MACHINE)?,
        locks: Locks::new(aws_sdk_dynamodb::Client::new(&aws), &lock_table),
        results: Results::new(s3.clone(), &bucket),
        papers: Papers::new(s3, &bucket),
        mail: Mail::new(aws_sdk_sns::Client::new(&aws)),
        topic: setting(config::TOPIC)?,
        stack: setting(config::STACK)?,
        bucket,
        lock_table,
    };
    function::serve("janitor", |event, _| janitor.handle(event)).await
}
