//! The function `intake`: wiring.

use belay_aws::config::{self, setting};
use belay_aws::executions::Executions;
use belay_aws::function::{self, Invocation};
use belay_aws::objects::Objects;
use belay_aws::targets::Targets;
use belay_intake::Intake;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    function::log();
    let aws = config::load().await;
    let bucket = setting(config::BUCKET)?;
    let intake = Intake {
        executions: Executions::new(aws_sdk_sfn::Client::new(&aws)),
        machine: setting(config::STATE_MACHINE)?,
        objects: Objects::new(config::s3(&aws), &bucket),
        targets: Targets::new(aws_sdk_ssm::Client::new(&aws), &setting(config::STACK)?),
        bucket,
    };
    let intake = &intake;
    function::serve("intake", async |event, invocation: Invocation| {
        intake.handle(event, &invocation.id).await
    })
    .await
}
