//! What common programs make of one folder is one bundle. `made_by/` was packed by them.

use belay_bundle::{Bundle, Limits};
use belay_model::FlywayKeys;

#[test]
fn zips_of_other_programs_are_bundles() {
    for (program, zip) in [
        (
            "commons-compress (Ant, Gradle)",
            include_bytes!("made_by/commons-compress.zip").as_slice(),
        ),
        ("git archive", include_bytes!("made_by/git-archive.zip")),
        ("go", include_bytes!("made_by/go.zip")),
        ("zip -r", include_bytes!("made_by/info-zip.zip")),
        ("zip -r into a pipe", include_bytes!("made_by/info-zip-piped.zip")),
        ("jar", include_bytes!("made_by/jar.zip")),
        ("maven", include_bytes!("made_by/maven.zip")),
        ("python", include_bytes!("made_by/python.zip")),
        ("python into a pipe", include_bytes!("made_by/python-streamed.zip")),
    ] {
        let bundle = Bundle::from_zip(zip.to_vec(), &Limits::default(), &FlywayKeys::default())
            .unwrap_or_else(|rejected| panic!("{program}: {rejected}"));
        let scripts: Vec<&str> = bundle
            .migrations()
            .iter()
            .map(|migration| migration.script.as_str())
            .collect();
        assert_eq!(
            scripts,
            ["V1__init.sql", "V2__nothing.sql", "R__größe.sql"],
            "{program}"
        );
        assert_eq!(
            bundle.text("db/migration/V1__init.sql").unwrap(),
            "create table a (id int);\n"
        );
        assert_eq!(
            bundle.text("db/migration/R__größe.sql").unwrap(),
            "select 1;\n".repeat(40)
        );
        assert_eq!(bundle.assertions().len(), 1, "{program}");
        assert!(bundle.ignored().is_empty(), "{program}");
    }
}
