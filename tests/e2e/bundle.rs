//! Bundles, made in memory.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A zip of these files.
pub(crate) fn zip<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> Vec<u8> {
    // Not compressed, so that nothing here looks like a bomb.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(name.as_ref(), options).unwrap();
        zip.write_all(text.as_ref().as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
