//! `belay bundle`.

use std::fs;
use std::time::{Duration, SystemTime};

use crate::bench::{Bench, Said, belay};
use crate::golden::golden;

fn bundle(folder: &str, output: &str) -> Said {
    Said::of(&belay().args(["bundle", folder, "-o", output]).output().unwrap())
}

#[tokio::test]
async fn the_same_files_give_the_same_bytes() {
    let bench = Bench::new().await;
    bench
        .shop(&["first-release", "second-release"])
        .files(&[("README.md", "not a migration")]);
    let folder = bench.bundle();
    let (one, other) = (
        bench.folder.path().join("one.zip"),
        bench.folder.path().join("other.zip"),
    );
    golden("bundle", &bundle(folder.to_str().unwrap(), one.to_str().unwrap()));
    // Only names and contents count.
    let file = folder.join("README.md");
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .unwrap();
    fs::write(folder.join(".hidden"), "x").unwrap();
    let again = bundle(folder.to_str().unwrap(), other.to_str().unwrap());
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(fs::read(&one).unwrap(), fs::read(&other).unwrap());

    // The zip is the folder: what one applied is up to date for the other.
    assert_eq!(bench.belay("migrate", &[]).code, 0);
    let zip = Said::of(
        &belay()
            .args(["migrate", "--url", &bench.url(), "--bundle"])
            .arg(&one)
            .output()
            .unwrap(),
    );
    assert!(zip.out.starts_with("up-to-date"), "{zip:?}");

    fs::write(folder.join("migrations/V99__more.sql"), "SELECT 1").unwrap();
    assert_eq!(bundle(folder.to_str().unwrap(), other.to_str().unwrap()).code, 0);
    assert_ne!(fs::read(&one).unwrap(), fs::read(&other).unwrap());
}

#[test]
fn a_project_of_flyways_is_a_bundle_as_it_is_and_can_be_checked_without_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let resources = folder.path().join("src/main/resources/db/migration");
    fs::create_dir_all(&resources).unwrap();
    for (file, text) in [
        ("V1__a.sql", "CREATE TABLE a (id int)"),
        ("V2__b.sql", "CREATE TABLE b (id int)"),
        ("U2__b.sql", "DROP TABLE b"),
        ("R__v.sql", "CREATE OR REPLACE VIEW v AS SELECT 1 AS one"),
        ("afterMigrate.sql", "ANALYZE"),
    ] {
        fs::write(resources.join(file), text).unwrap();
    }
    let settings = "[flyway]\nlocations = [\"classpath:db/migration\"]\nlicenseKey = \"x\"\n";
    fs::write(folder.path().join("flyway.toml"), settings).unwrap();
    fs::write(folder.path().join("pom.xml"), "<project/>").unwrap();
    let check = |options: &[&str]| {
        let line = [&["bundle", "--check", folder.path().to_str().unwrap()][..], options].concat();
        Said::of(&belay().args(line).output().unwrap())
    };
    let sound = check(&[]);
    golden("bundle_check", &sound);
    let elsewhere = check(&["--flyway", "locations=filesystem:sql"]);
    assert_eq!(elsewhere.code, 4, "{elsewhere:?}");

    fs::write(resources.join("V2.0__c.sql"), "SELECT 1").unwrap();
    fs::write(resources.join("V3_d.sql"), "SELECT 1").unwrap();
    let unsound = check(&[]);
    assert_eq!(unsound.code, 4, "{unsound:?}");
    assert!(unsound.err.contains("Belay.DuplicateVersion"), "{unsound:?}");
    assert!(unsound.err.contains("Belay.Misnamed"), "{unsound:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is written");
}

#[test]
fn what_cannot_be_a_bundle_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(path("db")).unwrap();
    fs::write(path("db/V1_x.sql"), "").unwrap();
    golden("bundle_refused", &bundle(&path("db"), &path("bundle.zip")));
    fs::rename(path("db/V1_x.sql"), path("db/V1__x.sql")).unwrap();
    for (from, to, code, word) in [
        (path("db"), path("db/bundle.zip"), 64, "in the folder"),
        (path("nothing"), path("bundle.zip"), 64, "not a folder"),
        (path("db"), path("nowhere/bundle.zip"), 2, "can't write"),
    ] {
        let said = bundle(&from, &to);
        assert_eq!(said.code, code, "{said:?}");
        assert!(said.err.contains(word), "{said:?}");
    }
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["db"]);
}
