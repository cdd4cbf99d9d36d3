//! Which paths can hold a queue.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf, absolute};

use super::create::create;
#[cfg(target_os = "linux")]
use super::filesystem;
use super::identity::with_suffix;
#[cfg(unix)]
use super::permission;
use crate::model::{Error, Result};

/// The longest path that SQLite opens on Unix: its own limit of 512 less the name of the journal.
const PATH_BYTES_MAX: usize = 512 - "-journal".len();
/// The longest name of a file that leaves room for the name of the journal.
const NAME_BYTES_MAX: usize = 255 - "-journal".len();

/// The file's path from the root, without a link in its folder's part: SQLite opens a file only by such a
/// path when it is not to follow links, and every handle must find the same `-wal`.
pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    let absolute = absolute(path)
        .map_err(|error| unusable(path, format!("the path is not valid: {error}")))?;
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(unusable(&absolute, "it is a directory: name a file in it"));
    };
    let folder = folder.canonicalize().map_err(|error| match error.kind() {
        ErrorKind::NotFound => unusable(&absolute, "its folder does not exist: create it first"),
        _ => unusable(&absolute, format!("its folder cannot be reached: {error}")),
    })?;
    let resolved = folder.join(name);
    let bytes = resolved.as_os_str().len();
    if bytes > PATH_BYTES_MAX || name.len() > NAME_BYTES_MAX {
        let reason = format!(
            "its path of {bytes} bytes, or its name of {}, is too long: SQLite opens paths of up to \
             {PATH_BYTES_MAX} bytes, links resolved, and names of up to {NAME_BYTES_MAX}",
            name.len()
        );
        return Err(unusable(&resolved, reason));
    }
    Ok(resolved)
}

/// Lets through a path that can hold a queue, and creates the file if there is none: `true` if it did.
///
/// An existing file is looked at but never opened here: closing any descriptor of a database drops
/// the locks SQLite holds on it in this process.
pub(super) fn admit(path: &Path) -> Result<bool> {
    let folder = path.parent().unwrap_or(path);
    #[cfg(target_os = "linux")]
    filesystem::warn_of_another_machine(folder);
    let file = look(path)?;
    if let Some(reason) = file.as_ref().and_then(objection) {
        return Err(unusable(path, reason));
    }
    // SQLite would use what it finds under these names, or fail on it once the file is created.
    for suffix in ["-journal", "-wal", "-shm"] {
        if look(&with_suffix(path, suffix))?.is_some_and(|metadata| !metadata.is_file()) {
            return Err(unusable(path, format!("its {suffix} is not a regular file: remove it")));
        }
    }
    #[cfg(target_os = "linux")]
    permission::refuse_forbidden(path, folder, file.as_ref())?;
    #[cfg(unix)]
    permission::warn_of_others(path, folder, file.as_ref());
    match file {
        Some(_) => Ok(false),
        None => create(path),
    }
}

/// What is there under this name, a link itself and not its target.
fn look(path: &Path) -> Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, format!("it cannot be looked at: {error}"))),
    }
}

fn objection(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Some("it is a directory: name a file in it");
    }
    if kind.is_symlink() {
        return Some(
            "it is a symbolic link, next to which the -wal would be lost: name its target",
        );
    }
    if !kind.is_file() {
        return Some("it is not a regular file");
    }
    if metadata.permissions().readonly() {
        return Some("it is read-only, and a queue must be written: run `chmod u+w` on it");
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(metadata) > 1 {
        return Some("it has more than one name: under each, SQLite would use another -wal");
    }
    None
}

pub(super) fn unusable(path: &Path, reason: impl Into<String>) -> Error {
    Error::Unusable { path: path.to_owned(), reason: reason.into() }
}
