//! The example shop, release by release, as its README says that each ends.

use crate::bench::Bench;
use crate::golden::golden;

#[tokio::test]
async fn releases_end_as_the_example_says() {
    let shop = Bench::new().await;
    shop.shop(&["first-release"]);
    golden("info_before", &shop.belay("info", &[]));
    golden("plan", &shop.belay("plan", &[]));
    golden("migrated", &shop.belay("migrate", &[]));
    golden("validate", &shop.belay("validate", &[]));
    assert_eq!(
        shop.look("SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM order_lines) > 100000")
            .await,
        "true"
    );
    golden("up_to_date", &shop.belay("migrate", &[]));

    shop.shop(&["second-release"]);
    let second = shop.belay("migrate", &[]);
    assert_eq!(second.code, 0, "{second:?}");
    golden("info_after", &shop.belay("info", &[]));
    let before = shop.state().await;

    shop.shop(&["error-in-last-file"]);
    golden("unchanged_by_error", &shop.belay("migrate", &[]));
    assert_eq!(shop.state().await, before);

    shop.only(&["first-release", "second-release", "assertion-fails"]);
    golden("unchanged_by_assertion", &shop.belay("migrate", &[]));
    assert_eq!(shop.state().await, before);

    shop.only(&["first-release", "second-release", "lone-then-fails"]);
    golden("plan_with_lone", &shop.belay("plan", &[]));
    golden("needs_operator", &shop.belay("migrate", &[]));
    let index = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_customer_id_idx'::regclass";
    assert_eq!(shop.look(index).await, "true");
    golden("info_between", &shop.belay("info", &[]));
    golden("unchanged_after_between", &shop.belay("migrate", &[]));
}
