//! The provider in memory keeps every promise of the trait; RDS's own words and answers are read as what they mean.

use belay_aws::RdsCall;
use belay_aws::snapshots::conformance::{self, World};
use belay_aws::snapshots::memory::Memory;
use belay_model::InstanceName;

/// The provider in memory.
struct InMemory(Memory);

impl InMemory {
    fn new(stale: u32) -> Self {
        let memory = Memory::new();
        memory.describe_late(stale);
        Self(memory)
    }
}

impl World for InMemory {
    type Provider = Memory;

    fn provider(&self) -> &Memory {
        &self.0
    }

    async fn make(&self, name: &InstanceName) {
        self.0.make(name);
    }

    fn fail(&self, call: RdsCall, error: &str) {
        self.0.fail(call, error);
    }
}

macro_rules! promises {
    ($($promise:ident)*) => {
        $(
            #[tokio::test]
            async fn $promise() {
                for stale in [0, 1, 2] {
                    conformance::$promise(&InMemory::new(stale)).await;
                }
            }
        )*
    };
}

promises! {
    what_is_not_there_is_nothing
    a_snapshot_is_taken_and_deleted
    a_restore_has_every_setting
    a_name_leads_to_one_database
    a_refusal_says_whether_waiting_helps
}
