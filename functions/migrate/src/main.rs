//! The function `migrate`: wiring.

use belay_access::Access;
use belay_aws::config::{self, setting};
use belay_aws::function;
use belay_aws::lock::Locks;
use belay_migrate::Migrate;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    function::log();
    let aws = config::load().await;
    let migrate = Migrate {
        access: Access::new(&aws, &setting(config::BUCKET)?),
        locks: Locks::new(aws_sdk_dynamodb::Client::new(&aws), setting(config::LOCK_TABLE)?),
    };
    function::serve("migrate", |request, invocation| {
        migrate.handle(request, invocation.deadline)
    })
    .await
}
