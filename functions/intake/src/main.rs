//! The function `intake`: wiring.

use belay_aws::config::{self, setting};
use belay_aws::executions::Executions;
use belay_aws::function;
use belay_intake::Intake;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    function::log();
    let aws = config::load().await;
    let intake = Intake {
        executions: Executions::new(aws_sdk_sfn::Client::new(&aws)),
        machine: setting(config::STATE_MACHINE)?,
        bucket: setting(config::BUCKET)?,
    };
    function::serve("intake", |event, _| intake.handle(event)).await
}
