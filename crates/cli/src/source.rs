//! The bundle: a zip or a folder.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use belay_bundle::{Bundle, Limits};
use belay_model::{Code, Failure, FlywayKeys};

use crate::error::CliError;

/// Opens and checks a bundle, also what its text alone shows to be wrong. `above` are settings that come before its own.
///
/// # Errors
/// Every problem of the bundle, or what keeps it from being read.
pub(crate) fn open(path: &Path, above: &FlywayKeys) -> Result<Bundle, CliError> {
    let limits = Limits::default();
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(
            Code::BundleGone,
            format!("can't read the bundle {}: {error}", path.display()),
        )
        .next("check the path and who may read it")
    };
    let is_folder = fs::metadata(path).map_err(|error| unreadable(&error))?.is_dir();
    let bundle = if is_folder {
        Bundle::from_folder(path, &limits, above)?
    } else {
        // One byte more than is allowed is enough to be refused.
        let mut zip = Vec::new();
        File::open(path)
            .and_then(|file| file.take(limits.zip_bytes + 1).read_to_end(&mut zip))
            .map_err(|error| unreadable(&error))?;
        Bundle::from_zip(zip, &limits, above)?
    };
    let problems = belay_engine::check(&bundle)?;
    if problems.is_empty() {
        Ok(bundle)
    } else {
        Err(Failure::of_problems(Code::BundleRejected, problems)
            .next("mend the bundle and run this again; the database was not opened")
            .into())
    }
}
