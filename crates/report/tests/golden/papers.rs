//! What the papers of a run on an instance say, for tests.

use belay_model::{Instance, Snapshotted};
use serde_json::{Value, json};

pub(crate) const SNAPSHOT: &str = "belay-shop-byfmepjfivk6-1";

pub(crate) fn instance(restore: &str) -> Instance {
    let roles = if restore == "never" {
        json!([])
    } else {
        json!(["shop_app", "reporting"])
    };
    serde_json::from_value(json!({"rds": {"instance": "shop-db"}, "restore": restore, "quiesce": {"roles": roles}}))
        .unwrap()
}

pub(crate) fn snapshot(quiesced: bool) -> Snapshotted {
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let paper =
        |name: &str| json!({"key": format!("runs/shop/byfmepjfivk6/{name}"), "versionId": "v", "sha256": digest});
    serde_json::from_value(json!({
        "snapshot": SNAPSHOT, "instance": "shop-db", "resource": "db-QF3L6QYWZ7IJ4LIXXCHIBB5D4E", "attempt": 1,
        "plan": paper("plan.json"), "digest": digest, "configuration": paper("configuration.json"),
        "census": paper("census.json"), "quiesced": quiesced, "at": "2026-11-20T10:02:41Z",
    }))
    .unwrap()
}

pub(crate) fn restored(more: &Value) -> Value {
    let mut restored = json!({
        "instance": "shop-db", "failed": "shop-db-failed-byfmepjfivk6", "snapshot": SNAPSHOT, "lossless": true,
        "compared": {"tables": 14, "counted": 14, "rows": 104_233}, "differences": [], "left": [], "writes": [],
    });
    for (name, value) in more.as_object().unwrap() {
        restored[name] = value.clone();
    }
    restored
}

pub(crate) fn writes() -> Value {
    json!([
        {"database": "shop", "table": "public.orders", "rows": 1_204},
        {"database": "shop", "table": "public.order_items", "rows": 3_377},
        {"database": "reporting", "rows": 1},
    ])
}

pub(crate) fn door_refused() -> Value {
    json!({
        "code": "Belay.DoorRefused", "message": "shop_migrator may not alter the role reporting any more",
        "next": "GRANT reporting TO shop_migrator WITH ADMIN OPTION",
    })
}
