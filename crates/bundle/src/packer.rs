//! Files that are in memory → a zip that is the same on every machine.

use std::collections::BTreeMap;

use crate::Rejected;
use crate::pack::Zip;
use crate::rejected::Problems;

/// The zip of these files, by name. Only names and contents count: the same files make the same bytes. Nothing is
/// checked yet: [`crate::Bundle::from_zip`] does that.
///
/// # Errors
/// If they are more than a zip can hold.
pub fn pack(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, Rejected> {
    let mut problems = Problems::default();
    let mut zip = Zip::default();
    for (name, contents) in files {
        if let Err(flaw) = zip.add(name, contents) {
            problems.of_entry(name, flaw);
            return Err(problems.into_rejected());
        }
    }
    zip.finish().map_err(|flaw| {
        problems.of_bundle(flaw);
        problems.into_rejected()
    })
}

#[cfg(test)]
mod tests {
    use belay_model::FlywayKeys;

    use super::*;
    use crate::{Bundle, Limits};

    #[test]
    fn files_in_memory_make_the_zip_that_a_folder_of_them_makes() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = BTreeMap::new();
        for (name, text) in [("sql/V1__a.sql", "SELECT 1;"), ("sql/deep/V2__b.sql", "SELECT 2;")] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            files.insert(name.to_owned(), text.as_bytes().to_vec());
        }
        let limits = Limits::default();
        let bundle = Bundle::from_folder(folder.path(), &limits, &FlywayKeys::default()).unwrap();
        assert_eq!(bundle.zip(), pack(&files).unwrap());
    }
}
