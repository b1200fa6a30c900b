//! Refusals: exit code 4, every problem at once, and a database that was not touched.

use crate::bench::{Bench, Said, belay};
use crate::golden::golden;

#[tokio::test]
async fn a_bundle_is_refused_with_every_problem() {
    let bench = Bench::new().await;
    bench.files(&[
        ("migrations/V1__a.sql", "CREATE TABLE a ()"),
        ("migrations/V1.0__b.sql", ""),
        ("migrations/V3_x.sql", ""),
        ("migrations/v4__x.sql", ""),
        ("verify/a.sql", "COMMIT"),
    ]);
    golden("rejected_bundle", &bench.belay("migrate", &[]));
    golden("rejected_bundle_json", &bench.belay("migrate", &["--format", "json"]));
    bench
        .remove("migrations/V1.0__b.sql")
        .remove("migrations/V3_x.sql")
        .remove("migrations/v4__x.sql");
    golden("rejected_assertion", &bench.belay("validate", &[]));
    assert_eq!(bench.look("SELECT to_regnamespace('belay')").await, "NULL");
}

#[tokio::test]
async fn a_plan_is_refused_with_every_problem() {
    let bench = Bench::new().await;
    bench.files(&[
        ("V1__a.sql", "CREATE TABLE a ()"),
        ("V2__b.sql", "CREATE TABLE b ()"),
        ("V3__c.sql", "CREATE TABLE c ()"),
    ]);
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    bench.files(&[
        ("V1__a.sql", "CREATE TABLE a (id int)"),
        ("V4__d.sql", "SELECT 1;\n  SELECT ${nothing};\n"),
    ]);
    bench.remove("V2__b.sql");
    for command in ["migrate", "validate", "plan"] {
        golden(&format!("rejected_plan_{command}"), &bench.belay(command, &[]));
    }
    golden(
        "rejected_plan_validate_json",
        &bench.belay("validate", &["--format", "json"]),
    );
    golden("info_with_problems", &bench.belay("info", &[]));
}

#[tokio::test]
async fn a_zip_with_a_way_out_and_a_file_that_is_none_are_refused() {
    let bench = Bench::new().await;
    bench.files(&[("xx/V1__a.sql", "SELECT 1")]);
    let zip = bench.folder.path().join("bundle.zip");
    let made = belay()
        .arg("bundle")
        .arg(bench.bundle())
        .arg("-o")
        .arg(&zip)
        .output()
        .unwrap();
    assert!(made.status.success());
    let honest = std::fs::read(&zip).unwrap();
    for (bytes, code) in [
        (
            renamed(&honest, b"xx/V1__a.sql", b"../V1__a.sql"),
            "Belay.PathTraversal",
        ),
        (b"not a zip".to_vec(), "Belay.NotAZip"),
        (Vec::new(), "Belay.NotAZip"),
    ] {
        std::fs::write(&zip, bytes).unwrap();
        let mut command = belay();
        command.args(["migrate", "--url", &bench.url(), "--bundle"]).arg(&zip);
        let said = Said::of(&command.output().unwrap());
        assert_eq!(said.code, 4, "{said:?}");
        assert!(said.err.contains(code), "{said:?}");
    }
}

/// The same bytes with another name of the same length, in both headers.
fn renamed(zip: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut zip = zip.to_vec();
    let found: Vec<usize> = zip
        .windows(from.len())
        .enumerate()
        .filter(|(_, w)| *w == from)
        .map(|(at, _)| at)
        .collect();
    assert_eq!(found.len(), 2);
    for at in found {
        zip[at..at + to.len()].copy_from_slice(to);
    }
    zip
}
