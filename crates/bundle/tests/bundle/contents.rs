//! What files hold.

use belay_bundle::{Bundle, Limits, ReadError, ScriptConfig, checksum};
use belay_model::{BundleDigest, Checksum, Code, Encoding, Failure, FileDigest, FlywayKeys};

use crate::forge::{Entry, V1, check_table, zip};

fn with(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip(&files
        .iter()
        .map(|(name, contents)| Entry::deflated(name, contents))
        .collect::<Vec<_>>())
}

#[test]
fn a_bundle_is_what_its_bytes_are() {
    let zip = with(&[
        (V1, b"\xef\xbb\xbfselect 1;\r\n"),
        ("verify/x.sql", b"select true"),
        ("x.png", b"\xff\0"),
    ]);
    let bundle = Bundle::from_zip(zip.clone(), &Limits::default(), &FlywayKeys::default()).unwrap();
    assert_eq!(bundle.digest(), BundleDigest::of(&zip));
    assert_eq!(bundle.zip(), zip);
    let migration = &bundle.migrations()[0];
    assert_eq!(migration.checksum, Checksum(-690_524_359));
    assert_eq!(migration.sha256, FileDigest::of(b"\xef\xbb\xbfselect 1;\r\n"));
    assert_eq!(migration.bytes, 14);
    assert_eq!(migration.config, ScriptConfig::default());
    assert_eq!(bundle.assertions()[0].sha256, FileDigest::of(b"select true"));
    assert_eq!(bundle.text(V1).unwrap(), "select 1;\r\n");
    assert_eq!(bundle.text("verify/x.sql").unwrap(), "select true");
    for path in ["x.png", "V2.sql", ""] {
        let error = bundle.text(path).unwrap_err();
        assert_eq!(error, ReadError::NotThere(path.to_owned()));
        assert_eq!(Failure::from(error).code, Code::PlanMismatch);
    }
}

#[test]
fn a_text_never_begins_with_a_byte_order_mark() {
    let bundle = Bundle::from_zip(
        with(&[(V1, "\u{feff}\u{feff}ab".as_bytes())]),
        &Limits::default(),
        &FlywayKeys::default(),
    )
    .unwrap();
    assert_eq!(bundle.text(V1).unwrap(), "ab");
    assert_eq!(bundle.migrations()[0].checksum, checksum("\u{feff}\u{feff}ab"));
}

#[test]
fn what_is_no_text() {
    check_table([
        (
            "not UTF-8",
            with(&[(V1, b"a\nb\n\xe4\n")]),
            vec![(Code::NotUtf8, "V1__a.sql:3")],
        ),
        (
            "cut short",
            with(&[(V1, b"a\xe2\x80")]),
            vec![(Code::NotUtf8, "V1__a.sql:1")],
        ),
        (
            "overlong",
            with(&[(V1, b"\xc0\x80")]),
            vec![(Code::NotUtf8, "V1__a.sql:1")],
        ),
        (
            "a surrogate",
            with(&[(V1, b"\xed\xa0\x80")]),
            vec![(Code::NotUtf8, "V1__a.sql:1")],
        ),
        ("UTF-16", with(&[(V1, b"\xff\xfea\0")]), vec![(Code::NotUtf8, V1)]),
        (
            "UTF-16, the other way",
            with(&[(V1, b"\xfe\xff\0a")]),
            vec![(Code::NotUtf8, V1)],
        ),
        ("NUL", with(&[(V1, b"\na\0")]), vec![(Code::NulByte, "V1__a.sql:2")]),
        (
            "an assertion",
            with(&[(V1, b""), ("verify/x.sql", b"\xff")]),
            vec![(Code::NotUtf8, "verify/x.sql:1")],
        ),
        (
            "settings",
            with(&[(V1, b""), ("V1__a.sql.conf", b"\0")]),
            vec![(Code::NulByte, "V1__a.sql.conf:1")],
        ),
        ("any other file", with(&[(V1, b""), ("x.png", b"\xff\0")]), vec![]),
    ]);
}

#[test]
fn s8_settings_of_a_script() {
    let none = ScriptConfig::default;
    for (conf, expected) in [
        ("", none()),
        ("# x\n\n! y\n", none()),
        (
            "encoding=utf8",
            ScriptConfig {
                encoding: Some(Encoding::Utf8),
                ..none()
            },
        ),
        (
            "executeInTransaction=FALSE",
            ScriptConfig {
                execute_in_transaction: Some(false),
                ..none()
            },
        ),
        (
            "\u{feff} executeInTransaction = true \r\n",
            ScriptConfig {
                execute_in_transaction: Some(true),
                ..none()
            },
        ),
        (
            "placeholderReplacement: false",
            ScriptConfig {
                placeholder_replacement: Some(false),
                ..none()
            },
        ),
        (
            "shouldExecute=${flyway:environment}==prod \\\n  && ${region}!=eu\nencoding=ISO-8859-1",
            ScriptConfig {
                should_execute: Some("${flyway:environment}==prod && ${region}!=eu".to_owned()),
                encoding: Some(Encoding::Latin1),
                ..none()
            },
        ),
        (
            "executeInTransaction=false\nplaceholderReplacement=true",
            ScriptConfig {
                execute_in_transaction: Some(false),
                placeholder_replacement: Some(true),
                ..none()
            },
        ),
    ] {
        // The order in the zip does not matter.
        let conf: (&str, &[u8]) = ("sql/V1__a.sql.conf", conf.as_bytes());
        for files in [[conf, ("sql/V1__a.sql", b"")], [("sql/V1__a.sql", b""), conf]] {
            let bundle = Bundle::from_zip(with(&files), &Limits::default(), &FlywayKeys::default()).unwrap();
            assert_eq!(bundle.migrations()[0].config, expected, "{conf:?}");
            assert!(bundle.ignored().is_empty());
        }
    }
}

#[test]
fn s8_settings_of_a_script_that_are_wrong() {
    let refusals = |conf: &str| {
        Bundle::from_zip(
            with(&[(V1, b""), ("V1__a.sql.conf", conf.as_bytes())]),
            &Limits::default(),
            &FlywayKeys::default(),
        )
        .unwrap_err()
        .problems
    };
    for (conf, code, message) in [
        (
            "executeInTransation=false",
            Code::ConfigInvalid,
            "`executeInTransaction`",
        ),
        (
            "PLACEHOLDERREPLACEMENT=false",
            Code::ConfigInvalid,
            "`placeholderReplacement`",
        ),
        ("charset=x", Code::ConfigInvalid, "unknown key `charset`"),
        ("executeInTransaction=no", Code::ConfigInvalid, "`true` or `false`"),
        ("executeInTransaction", Code::ConfigInvalid, "`true` or `false`"),
        (
            "executeInTransaction=true\nexecuteInTransaction=true",
            Code::ConfigInvalid,
            "twice",
        ),
        ("encoding=Shift_JIS", Code::Unsupported, "UTF-8"),
        ("shouldExecute=", Code::ConfigInvalid, "shouldExecute"),
    ] {
        let found = refusals(conf);
        assert_eq!(found.len(), 1, "{conf}: {found:?}");
        assert_eq!(found[0].code, code, "{conf}");
        assert!(found[0].message.contains(message), "{conf}: {}", found[0].message);
    }
    assert_eq!(refusals("x=1\n\ny=2").len(), 2);
    check_table([
        (
            "without its script",
            with(&[(V1, b""), ("V2__b.sql.conf", b"")]),
            vec![(Code::ConfigInvalid, "V2__b.sql.conf")],
        ),
        ("any other conf", with(&[(V1, b""), ("nginx.conf", b"x")]), vec![]),
    ]);
}

/// However a file is encoded, its checksum is that of its text.
#[test]
fn s3_files_in_other_encodings() {
    for (encoding, bytes, text) in [
        ("UTF-8", &b"h\xc3\xa9"[..], "hé"),
        ("ISO-8859-1", b"h\xe9", "hé"),
        ("windows-1252", b"h\xe9 \x80", "hé €"),
        ("UTF-16", b"\xff\xfeh\0\xe9\0", "hé"),
        ("UTF-16", b"\0h\0\xe9", "hé"),
        ("UTF-16BE", b"\xfe\xff\0h\0\xe9", "hé"),
        ("UTF-16LE", b"h\0\xe9\0", "hé"),
        ("US-ASCII", b"h", "h"),
    ] {
        let conf = format!("encoding={encoding}");
        let by_conf = with(&[(V1, bytes), ("V1__a.sql.conf", conf.as_bytes())]);
        let toml = format!("[flyway]\nencoding = \"{encoding}\"");
        let by_settings = with(&[(V1, bytes), ("flyway.toml", toml.as_bytes())]);
        for zip in [by_conf, by_settings] {
            let bundle = Bundle::from_zip(zip, &Limits::default(), &FlywayKeys::default()).unwrap();
            assert_eq!(bundle.text(V1).unwrap(), text, "{encoding}");
            assert_eq!(bundle.migrations()[0].checksum, checksum(text), "{encoding}");
            assert_eq!(bundle.migrations()[0].sha256, FileDigest::of(bytes));
        }
    }
    let with_conf = |bytes: &[u8], conf: &[u8]| with(&[(V1, bytes), ("V1__a.sql.conf", conf)]);
    check_table([
        (
            "no ASCII",
            with_conf(b"a\nh\xe9", b"encoding=US-ASCII"),
            vec![(Code::NotUtf8, "V1__a.sql:2")],
        ),
        (
            "nothing in windows-1252",
            with_conf(b"\x81", b"encoding=windows-1252"),
            vec![(Code::NotUtf8, "V1__a.sql:1")],
        ),
        (
            "half a character",
            with_conf(b"\0a\0", b"encoding=UTF-16"),
            vec![(Code::NotUtf8, V1)],
        ),
        (
            "NUL",
            with_conf(b"\0a\0\0", b"encoding=UTF-16"),
            vec![(Code::NulByte, "V1__a.sql:1")],
        ),
    ]);
}

#[test]
fn belay_toml_has_no_keys_yet() {
    let belay = |text: &str| with(&[(V1, b""), ("belay.toml", text.as_bytes())]);
    check_table([
        ("empty", belay(""), vec![]),
        ("comments", belay("# nothing\n\n  # more\n"), vec![]),
        (
            "a key",
            belay("# nothing\nlocations = []\n"),
            vec![(Code::ConfigInvalid, "belay.toml:2")],
        ),
    ]);
}
