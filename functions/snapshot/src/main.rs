//! The function `snapshot`: wiring.

use belay_access::Access;
use belay_aws::config::{self, setting};
use belay_aws::function;
use belay_aws::lock::Locks;
use belay_aws::snapshots::Rds;
use belay_snapshot::Snapshot;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    function::log();
    let aws = config::load().await;
    let snapshot = Snapshot {
        access: Access::new(&aws, &setting(config::BUCKET)?),
        locks: Locks::new(aws_sdk_dynamodb::Client::new(&aws), setting(config::LOCK_TABLE)?),
        snapshots: Rds::new(aws_sdk_rds::Client::new(&aws)),
        stack: setting(config::STACK)?,
    };
    function::serve("snapshot", |request, _| snapshot.handle(request)).await
}
