//! The function `verify`: wiring.

use belay_access::Access;
use belay_aws::config::{self, setting};
use belay_aws::function;
use belay_verify::Verify;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    function::log();
    let aws = config::load().await;
    let verify = Verify {
        access: Access::new(&aws, &setting(config::BUCKET)?),
    };
    function::serve("verify", |request, _| verify.handle(request)).await
}
