//! Places in the file system that a server may use, also one that must not run as root.
//!
//! PostgreSQL refuses to run as root. As root it runs as [`NOBODY`], who can neither write to a folder of root's nor
//! read a checkout below a closed home: his data, and if need be his programs, live where everybody may enter.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::geteuid;
use tempfile::TempDir;

use crate::error::{Error, Result, file};
use crate::program;

/// The user that PostgreSQL runs as when we are root.
const NOBODY: u32 = 65534;

/// A new folder that is ours alone, removed when dropped.
pub(crate) fn new_folder(prefix: &str) -> Result<TempDir> {
    let base = base()?;
    let closed = Permissions::from_mode(0o700);
    tempfile::Builder::new()
        .prefix(prefix)
        .permissions(closed)
        .tempdir_in(&base)
        .map_err(file("make a folder in", &base))
}

/// Lets the server's user pass through `folder` to what he owns in it.
pub(crate) fn let_pass(folder: &Path) -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    fs::set_permissions(folder, Permissions::from_mode(0o711)).map_err(file("open", folder))
}

/// Makes `path` a folder that the server's user owns and nobody else may enter.
pub(crate) fn private_folder(path: &Path) -> Result<()> {
    fs::create_dir(path).map_err(file("make", path))?;
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(file("close", path))?;
    give(path)
}

/// Makes the server's user the owner of `path`.
pub(crate) fn give(path: &Path) -> Result<()> {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).map_err(file("give away", path))
    } else {
        Ok(())
    }
}

/// `program` as a command line that does not run as root.
pub(crate) fn unprivileged(program: &Path) -> Vec<OsString> {
    let mut line = Vec::new();
    if is_root() {
        line.extend([
            "setpriv".into(),
            format!("--reuid={NOBODY}").into(),
            format!("--regid={NOBODY}").into(),
        ]);
        // The kernel forgets whose death should end a process when its user changes; so it is said again.
        line.extend(["--clear-groups".into(), "--pdeathsig=KILL".into()]);
    }
    line.push(program.into());
    line
}

/// `folder` itself if the server's user can read it, else a copy that he can, made once per machine.
pub(crate) fn readable(folder: PathBuf) -> Result<PathBuf> {
    if !is_root() || is_open(&folder) {
        return Ok(folder);
    }
    let stamp = folder.join(".installed");
    let mut version = DefaultHasher::new();
    fs::read(&stamp).map_err(file("read", &stamp))?.hash(&mut version);
    let base = base()?;
    let copy = base.join(format!("belay-postgres-{:016x}", version.finish()));
    if !copy.exists() {
        // Whoever renames first wins; a half-made copy is never seen under the name.
        let temporary = new_folder("belay-copy-")?;
        let target = temporary.path().join("copy");
        program::run(Command::new("cp").arg("-a").arg(&folder).arg(&target))?;
        if let Err(source) = fs::rename(&target, &copy)
            && !copy.exists()
        {
            return Err(file("make", &copy)(source));
        }
    }
    let owner = fs::symlink_metadata(&copy).map_err(file("look at", &copy))?;
    if owner.uid() != 0 || !owner.is_dir() || owner.mode() & 0o022 != 0 {
        return Err(Error::NotOurs { path: copy });
    }
    Ok(copy)
}

fn is_root() -> bool {
    geteuid().is_root()
}

/// A folder for temporary things that the server's user can reach.
fn base() -> Result<PathBuf> {
    let tried = vec![std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
    match tried.iter().find(|place| !is_root() || is_open(place)) {
        Some(place) => Ok(place.clone()),
        None => Err(Error::NoPlace { uid: NOBODY, tried }),
    }
}

/// Whether everybody may enter `path` and all that it is in.
fn is_open(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    path.ancestors()
        .all(|folder| folder.metadata().is_ok_and(|found| found.mode() & 0o001 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_the_servers_user_cannot_read_is_copied_once() {
        let closed = new_folder("belay-test-").unwrap();
        fs::write(
            closed.path().join(".installed"),
            closed.path().as_os_str().as_encoded_bytes(),
        )
        .unwrap();
        fs::write(closed.path().join("program"), "x").unwrap();
        let readable_place = || readable(closed.path().to_owned()).unwrap();
        let found = readable_place();
        assert_eq!(fs::read_to_string(found.join("program")).unwrap(), "x");
        assert_eq!(found == closed.path(), !is_root());
        if is_root() {
            assert_eq!(readable_place(), found);
            fs::remove_dir_all(found).unwrap();
        }
    }
}
