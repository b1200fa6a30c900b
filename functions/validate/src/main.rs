//! The function `validate`: wiring.

use belay_access::Access;
use belay_aws::config::{self, setting};
use belay_aws::function;
use belay_validate::Validate;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    function::log();
    let aws = config::load().await;
    let validate = Validate {
        access: Access::new(&aws, &setting(config::BUCKET)?),
    };
    function::serve("validate", |request, _| validate.handle(request)).await
}
