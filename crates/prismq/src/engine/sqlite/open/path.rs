//! Which paths can hold a queue.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf, absolute};

use super::create::create;
#[cfg(target_os = "linux")]
use super::filesystem;
#[cfg(unix)]
use super::permission;
use crate::engine::sqlite::connection::files::with_suffix;
use crate::model::{Error, Result};

/// The longest path that SQLite opens on Unix: its limit of 512 less the suffix of the journal.
const PATH_BYTES_MAX: usize = 512 - "-journal".len();
/// The longest file name that leaves room for the suffix of the journal.
const NAME_BYTES_MAX: usize = 255 - "-journal".len();

/// The file's absolute path, with the links of its folder resolved: SQLite requires such a path to open a file
/// without following links, and every handle must find the same `-wal`.
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

/// Checks that a path can hold a queue, and creates the file if it does not exist: `true` if it did.
///
/// An existing file is never opened here: closing any descriptor of a database drops the locks that SQLite holds on
/// it in this process.
pub(super) fn check_or_create(path: &Path) -> Result<bool> {
    let folder = path.parent().unwrap_or(path);
    #[cfg(target_os = "linux")]
    filesystem::warn_of_network(folder);
    let file = metadata(path)?;
    if let Some(reason) = file.as_ref().and_then(objection) {
        return Err(unusable(path, reason));
    }
    // SQLite would use files of these names, or fail on them after the file was created.
    for suffix in ["-journal", "-wal", "-shm"] {
        if metadata(&with_suffix(path, suffix))?.is_some_and(|metadata| !metadata.is_file()) {
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

/// The metadata of this path, without following a link.
fn metadata(path: &Path) -> Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, format!("its metadata cannot be read: {error}"))),
    }
}

fn objection(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Some("it is a directory: name a file in it");
    }
    if kind.is_symlink() {
        return Some(
            "it is a symbolic link, and SQLite would look for its -wal next to the link: name its target",
        );
    }
    if !kind.is_file() {
        return Some("it is not a regular file");
    }
    if metadata.permissions().readonly() {
        return Some("it is read-only: run `chmod u+w` on it");
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(metadata) > 1 {
        return Some(
            "it has more than one name (hard link): SQLite would use another -wal for each",
        );
    }
    None
}

pub(super) fn unusable(path: &Path, reason: impl Into<String>) -> Error {
    Error::Unusable { path: path.to_owned(), reason: reason.into() }
}
