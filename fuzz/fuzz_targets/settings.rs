//! Settings: a script's, Flyway's as properties and as TOML, and the condition of a script. The first byte says which.

#![no_main]

use std::collections::BTreeMap;

use belay_bundle::{Bundle, Limits, pack, should_execute};
use belay_model::FlywayKeys;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((which, text)) = bytes.split_first() else {
        return;
    };
    let path = match which % 4 {
        0 => "sql/V1__a.sql.conf",
        1 => "flyway.conf",
        2 => "flyway.toml",
        _ => {
            if let Ok(text) = std::str::from_utf8(text) {
                drop(should_execute(text));
            }
            return;
        }
    };
    let files = [("sql/V1__a.sql", b"select 1;".as_slice()), (path, text)];
    let files: BTreeMap<String, Vec<u8>> = files.map(|(path, text)| (path.to_owned(), text.to_vec())).into();
    let Ok(zip) = pack(&files) else { return };
    let Ok(bundle) = Bundle::from_zip(zip, &Limits::default(), &FlywayKeys::default()) else {
        return;
    };
    let keys = FlywayKeys::from(bundle.settings());
    assert_eq!(keys.settings().as_ref(), Ok(bundle.settings()));
    let json = serde_json::to_string(&keys).unwrap();
    assert_eq!(serde_json::from_str::<FlywayKeys>(&json).unwrap(), keys);
});
