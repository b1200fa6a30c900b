//! Names of files, by any prefixes, separator, suffix and location: the first four lines; every other line is a path.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use belay_bundle::{Bundle, Limits, pack};
use belay_model::FlywayKeys;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const KEYS: [&str; 4] = [
    "sqlMigrationPrefix",
    "sqlMigrationSeparator",
    "sqlMigrationSuffixes",
    "locations",
];

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let mut above = FlywayKeys::default();
    for (key, line) in KEYS.into_iter().zip(&mut lines) {
        // An empty one is as Flyway has it, so that names are also read by its defaults.
        if !line.is_empty() {
            above.set(key, Value::String(line.to_owned())).unwrap();
        }
    }
    let files: BTreeMap<String, Vec<u8>> = lines.map(|path| (path.to_owned(), Vec::new())).collect();
    let Ok(zip) = pack(&files) else { return };
    let Ok(bundle) = Bundle::from_zip(zip, &Limits::default(), &above) else {
        return;
    };
    let mut seen = BTreeSet::new();
    for migration in bundle.migrations() {
        assert!(migration.path.ends_with(&migration.script), "{migration:?}");
        assert!(seen.insert(&migration.path), "{migration:?}");
        assert_eq!(bundle.text(&migration.path).as_deref(), Ok(""));
    }
    for callback in bundle.callbacks() {
        assert!(callback.path.ends_with(&callback.script), "{callback:?}");
        assert!(seen.insert(&callback.path), "{callback:?}");
    }
});
