//! The order of a zip's entries does not matter.

use belay_bundle::{Bundle, Limits};
use belay_model::FlywayKeys;
use proptest::prelude::*;

use crate::forge::{Entry, zip};

/// One of everything that a bundle can have.
const FILES: [(&str, &str); 20] = [
    (
        "flyway.toml",
        "[flyway]\nenvironment = \"a\"\ngroup = true\n[environments.a]\nschemas = [\"x\"]",
    ),
    (
        "conf/flyway.toml",
        "[flyway]\nencoding = \"ISO-8859-1\"\nvalidateMigrationNaming = false\ndriver = \"x\"",
    ),
    (
        "flyway.user.toml",
        "[flyway]\nlocations = [\"filesystem:sql\", \"db\", \"gone\"]\nmixed = true",
    ),
    ("flyway.conf", "flyway.table=never"),
    ("sql/V1__a.sql", "select 1;"),
    ("sql/V1__a.sql.conf", "encoding=UTF-8\nshouldExecute=true"),
    ("sql/V1.1__b.sql", "select '\u{e9}';"),
    ("db/V2__c.sql", ""),
    ("sql/U1__a.sql", "select 2;"),
    ("db/U2__c.sql", ""),
    ("sql/B1__a.sql", "select 3;"),
    ("sql/R__v.sql", "select 4;"),
    ("sql/R__V.sql.x", ""),
    ("sql/x/R__w.sql", "select 5;"),
    ("sql/afterMigrate.sql", ""),
    ("db/afterMigrate__b.sql", ""),
    ("sql/afterClean.sql", ""),
    ("sql/misnamed.sql", ""),
    ("verify/ok.sql", "select true"),
    ("README.md", ""),
];

fn open(order: &[(&str, &str)]) -> Bundle {
    let entries: Vec<Entry> = order.iter().map(|(name, text)| Entry::stored(name, text)).collect();
    Bundle::from_zip(zip(&entries), &Limits::default(), &FlywayKeys::default())
        .unwrap_or_else(|rejected| panic!("{rejected}"))
}

proptest! {
    #[test]
    fn any_order_of_entries_is_the_same_bundle(order in Just(FILES.to_vec()).prop_shuffle()) {
        let (one, other) = (open(&FILES), open(&order));
        prop_assert_eq!(one.migrations(), other.migrations());
        prop_assert_eq!(one.callbacks(), other.callbacks());
        prop_assert_eq!(one.assertions(), other.assertions());
        prop_assert_eq!(one.ignored(), other.ignored());
        prop_assert_eq!(one.settings(), other.settings());
        prop_assert_eq!(one.notes(), other.notes());
        prop_assert_eq!((one.migrations().len(), one.callbacks().len(), one.notes().len()), (8, 2, 5));
        for migration in one.migrations() {
            prop_assert_eq!(one.text(&migration.path), other.text(&migration.path));
        }
    }
}
