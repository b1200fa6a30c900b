//! `belay unlock`, against the emulator's DynamoDB.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use belay_local::Aws;

use crate::bench::{Said, aws, belay};
use crate::golden::golden;

const RUN: &str = "abcdefgh2345";
const OTHER: &str = "bcdefgh23456";

struct Table {
    aws: Aws,
    name: String,
}

impl Table {
    /// A lock table with an item in each phase.
    async fn new(name: &str) -> Self {
        let table = Self {
            aws: aws().await,
            name: name.to_owned(),
        };
        let key = AttributeDefinition::builder()
            .attribute_name("key")
            .attribute_type(ScalarAttributeType::S);
        let schema = KeySchemaElement::builder()
            .attribute_name("key")
            .key_type(KeyType::Hash);
        table
            .aws
            .dynamodb
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(key.build().unwrap())
            .key_schema(schema.build().unwrap())
            .send()
            .await
            .unwrap();
        table.put("db-1", "quarantined", RUN).await;
        table.put("db-2", "changing", OTHER).await;
        table
    }

    async fn put(&self, key: &str, phase: &str, run: &str) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let request = self
            .aws
            .dynamodb
            .put_item()
            .table_name(&self.name)
            .item("key", text(key));
        let request = request
            .item("phase", text(phase))
            .item("run", text(run))
            .item("target", text("shop"));
        let owner = format!("arn:aws:states:us-east-1:000000000000:execution:belay:{key}");
        let request = request
            .item("owner", text(&owner))
            .item("fence", AttributeValue::N("7".to_owned()));
        request.send().await.unwrap();
    }

    /// Closes the door of an item, as its run did.
    async fn close_door(&self, key: &str) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let door = HashMap::from([
            ("run".to_owned(), text(RUN)),
            ("target".to_owned(), text("shop")),
            ("at".to_owned(), text("2026-11-20T10:00:00Z")),
            (
                "roles".to_owned(),
                AttributeValue::L(vec![text("shop_app"), text("shop_jobs")]),
            ),
        ]);
        let update = self
            .aws
            .dynamodb
            .update_item()
            .table_name(&self.name)
            .key("key", text(key));
        let update = update
            .update_expression("SET door = :door")
            .expression_attribute_values(":door", AttributeValue::M(door));
        update.send().await.unwrap();
    }

    /// Phase and fence of an item.
    async fn item(&self, key: &str) -> (String, String) {
        let key = AttributeValue::S(key.to_owned());
        let answer = self
            .aws
            .dynamodb
            .get_item()
            .table_name(&self.name)
            .key("key", key)
            .consistent_read(true);
        let item = answer.send().await.unwrap().item.unwrap();
        let phase = item
            .get("phase")
            .map_or("free".to_owned(), |phase| phase.as_s().unwrap().clone());
        (phase, item["fence"].as_n().unwrap().clone())
    }

    fn unlock(&self, options: &[&str]) -> Said {
        let mut command = belay();
        command.arg("unlock").args(options).envs(self.aws.environment());
        Said::of(&command.output().unwrap())
    }
}

fn state(phase: &str, fence: &str) -> (String, String) {
    (phase.to_owned(), fence.to_owned())
}

#[tokio::test]
async fn k2_k4_a_quarantine_is_freed_by_naming_its_run() {
    let table = Table::new("shop-LockTable-ABC").await;
    golden("unlock_list", &table.unlock(&["--stack", "shop"]));
    golden("unlock_changing", &table.unlock(&["--stack", "shop", "--run", OTHER]));
    golden(
        "unlock_unknown",
        &table.unlock(&["--stack", "shop", "--run", "cdefgh234567"]),
    );
    golden(
        "unlock_other_lock",
        &table.unlock(&["--stack", "shop", "--run", RUN, "--lock", "db-2"]),
    );
    assert_eq!(table.item("db-1").await, state("quarantined", "7"));
    assert_eq!(table.item("db-2").await, state("changing", "7"));

    golden("unlocked", &table.unlock(&["--stack", "shop", "--run", RUN]));
    assert_eq!(table.item("db-1").await, state("free", "8"));
    golden("unlocked_twice", &table.unlock(&["--stack", "shop", "--run", RUN]));
    golden("unlock_nothing", &table.unlock(&["--stack", "shop"]));
}

#[tokio::test]
async fn q1_who_is_still_kept_out_is_told() {
    let table = Table::new("closed-LockTable-ABC").await;
    table.close_door("db-1").await;
    golden(
        "unlocked_with_the_door_closed",
        &table.unlock(&["--stack", "closed", "--run", RUN]),
    );
    assert_eq!(table.item("db-1").await, state("free", "8"));
}

#[tokio::test]
async fn the_command_of_a_mail_works_as_it_is() {
    let table = Table::new("locks").await;
    let said = table.unlock(&["--table", "locks", "--lock", "db-1", "--run", RUN]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(table.item("db-1").await, state("free", "8"));
}

#[tokio::test]
async fn a_stack_or_a_table_that_is_not_there_is_told() {
    let table = Table::new("another-LockTable-ABC").await;
    let no_stack = table.unlock(&["--stack", "nothing"]);
    assert_eq!(no_stack.code, 64, "{no_stack:?}");
    let no_table = table.unlock(&["--table", "nothing"]);
    assert_eq!(no_table.code, 2, "{no_table:?}");
    assert!(no_table.err.contains("Infra.Workflow"), "{no_table:?}");
}
