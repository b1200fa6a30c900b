//! The functions' programs, built as they are for Lambda but with plain cargo.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::error::{Error, Result, file};
use crate::{program, tools};

/// Builds every function of the project, and gives each one's program by the name of its folder in `functions/`.
///
/// `profile` is `local` for the demo and the tests. The first build takes minutes, so cargo tells on standard error
/// what it does.
///
/// # Errors
/// Something does not compile.
pub async fn build_functions(profile: &str) -> Result<BTreeMap<String, PathBuf>> {
    let root = tools::checkout();
    let folder = root.join("functions");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args([
        "build",
        "--profile",
        profile,
        "--message-format=json-render-diagnostics",
    ]);
    command.args(selection(profile, &folder)?).current_dir(&root);
    let messages = program::run_telling(command).await?;
    Ok(messages.lines().filter_map(|line| program_of(line, &folder)).collect())
}

/// What cargo is to build. In the profile `local` that is every program of the workspace, as `scripts/demo` builds them:
/// with another selection cargo chooses other features, and would compile the AWS SDK once more. Elsewhere it is the
/// functions alone, so that they are what Lambda would get.
fn selection(profile: &str, functions: &Path) -> Result<Vec<String>> {
    if profile == "local" {
        return Ok(vec!["--workspace".to_owned(), "--bins".to_owned()]);
    }
    let mut packages = Vec::new();
    for entry in fs::read_dir(functions).map_err(file("list", functions))? {
        let manifest = entry.map_err(file("list", functions))?.path().join("Cargo.toml");
        if manifest.exists() {
            packages.extend(["--package".to_owned(), package_name(&manifest)?]);
        }
    }
    Ok(packages)
}

/// The name in a package's manifest, which need not be its folder's.
fn package_name(manifest: &Path) -> Result<String> {
    let text = fs::read_to_string(manifest).map_err(file("read", manifest))?;
    let mut names = text.lines().filter_map(|line| line.strip_prefix("name = "));
    let name = names.next().map(|name| name.trim().trim_matches('"').to_owned());
    name.ok_or_else(|| Error::Missing {
        place: manifest.display().to_string(),
        missing: "name".to_owned(),
    })
}

/// What cargo says of each thing that it built, as far as we need it.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    executable: Option<PathBuf>,
}

fn program_of(message: &str, functions: &Path) -> Option<(String, PathBuf)> {
    let built: Artifact = serde_json::from_str(message).ok()?;
    let folder = built.manifest_path.parent()?;
    let name = folder.strip_prefix(functions).ok()?.to_str()?.to_owned();
    Some((name, built.executable?))
}

/// Packs a program as Lambda wants it: a zip that holds it as `bootstrap`. Not compressed: it goes no farther than to
/// the emulator beside it.
pub(crate) fn pack(program: &Path, archive: &Path) -> Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .unix_permissions(0o755);
    let mut source = File::open(program).map_err(file("open", program))?;
    let mut zip = ZipWriter::new(File::create(archive).map_err(file("create", archive))?);
    let written = zip
        .start_file("bootstrap", options)
        .map_err(io::Error::from)
        .and_then(|()| io::copy(&mut source, &mut zip))
        .and_then(|_| zip.finish().map_err(io::Error::from));
    written.map(drop).map_err(file("write", archive))
}
