//! How a file is taken apart into statements, through the check of a bundle's assertions.

#![no_main]

use std::collections::BTreeMap;

use belay_bundle::{Bundle, Limits, pack};
use belay_model::FlywayKeys;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|sql: &str| {
    let files = ["sql/V1__a.sql", "verify/a.sql"].map(|path| (path.to_owned(), sql.as_bytes().to_vec()));
    let Ok(zip) = pack(&BTreeMap::from(files)) else { return };
    let Ok(bundle) = Bundle::from_zip(zip, &Limits::default(), &FlywayKeys::default()) else {
        return;
    };
    drop(belay_engine::check(&bundle));
});
