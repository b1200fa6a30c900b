//! Bundles of a few small files, opened.

use belay_bundle::{Bundle, Limits, Rejected};
use belay_model::{Code, FlywayKeys};
use serde_json::Value;

use crate::forge::{Entry, zip};

/// A zip of empty files.
pub(crate) fn named(names: &[&str]) -> Vec<u8> {
    zip(&names.iter().map(|name| Entry::stored(name, "")).collect::<Vec<_>>())
}

/// A bundle of empty files.
pub(crate) fn open(names: &[&str]) -> Bundle {
    Bundle::from_zip(named(names), &Limits::default(), &FlywayKeys::default())
        .unwrap_or_else(|rejected| panic!("{rejected}"))
}

/// A bundle of these files, with these settings above its own.
pub(crate) fn try_open(files: &[(&str, &str)], above: Value) -> Result<Bundle, Rejected> {
    let entries: Vec<Entry> = files.iter().map(|(name, text)| Entry::stored(name, text)).collect();
    let above: FlywayKeys = serde_json::from_value(above).unwrap();
    Bundle::from_zip(zip(&entries), &Limits::default(), &above)
}

/// As [`try_open`], where it must be accepted.
pub(crate) fn open_with(files: &[(&str, &str)], above: Value) -> Bundle {
    try_open(files, above).unwrap_or_else(|rejected| panic!("{rejected}"))
}

/// What such a bundle is refused for: code, place and message of each problem.
pub(crate) fn problems(files: &[(&str, &str)], above: Value) -> Vec<(Code, String, String)> {
    let rejected = try_open(files, above).unwrap_err();
    let told = |problem: belay_model::Problem| {
        let place = problem.place.map(|place| place.to_string()).unwrap_or_default();
        (problem.code, place, problem.message)
    };
    rejected.problems.into_iter().map(told).collect()
}

/// The scripts of a bundle's migrations, in order.
pub(crate) fn scripts(bundle: &Bundle) -> Vec<&str> {
    bundle
        .migrations()
        .iter()
        .map(|migration| migration.script.as_str())
        .collect()
}
