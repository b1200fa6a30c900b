//! JDBC URLs: as they are, and as what comes after the beginning that every one has.

#![no_main]

use belay_model::JdbcUrl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for url in [text.to_owned(), format!("jdbc:postgresql://{text}")] {
        let Ok(read) = url.parse::<JdbcUrl>() else { continue };
        assert!(read.port > 0 && !read.host.is_empty(), "{read:?}");
        assert!(!read.host.contains(['/', '@', ',', ' ']), "{read:?}");
        let again: JdbcUrl = format!("jdbc:postgresql://[{}]:{}", read.host, read.port)
            .parse()
            .unwrap();
        assert_eq!((again.host, again.port), (read.host, read.port));
    }
});
