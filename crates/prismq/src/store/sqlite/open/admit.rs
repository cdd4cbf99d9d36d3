//! Which paths can hold a queue.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf, absolute};

use super::create::create;
#[cfg(target_os = "linux")]
use super::filesystem;
use crate::error::{Error, Result};

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
    if let Some(folder) = path.parent() {
        #[cfg(unix)]
        refuse_open_folder(path, folder)?;
        #[cfg(target_os = "linux")]
        filesystem::warn_of_another_machine(folder);
    }
    match fs::symlink_metadata(path) {
        Ok(metadata) => match objection(&metadata) {
            Some(reason) => Err(unusable(path, reason)),
            None => Ok(false),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => create(path),
        Err(error) => Err(unusable(path, format!("it cannot be looked at: {error}"))),
    }
}

/// Refuses a folder in which any user could put another file in the place of the queue's or of its `-wal`.
/// In one that is sticky, such as `/tmp`, each user's files stay. Who is in the folder's group is its owner's
/// decision: many systems give every user a group of their own, and folders that it can write.
#[cfg(unix)]
fn refuse_open_folder(path: &Path, folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    const STICKY: u32 = 0o1000;
    const WRITTEN_BY_OTHERS: u32 = 0o002;
    let mode = fs::metadata(folder).map_or(0, |metadata| metadata.permissions().mode());
    if mode & (STICKY | WRITTEN_BY_OTHERS) == WRITTEN_BY_OTHERS {
        let reason = format!(
            "every user can write its folder {0} and put another file in its place: \
             run `chmod o-w {0}` first",
            folder.display()
        );
        return Err(unusable(path, reason));
    }
    Ok(())
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
        return Some("it is read-only: a queue must be written");
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
