//! Which paths can hold a queue, and the creation of a file that is not there.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::Path;

#[cfg(target_os = "linux")]
use super::filesystem;
use crate::error::{Error, Result};

/// Lets through a path that can hold a queue, and creates the file if there is none.
///
/// An existing file is looked at but never opened here: closing any descriptor of a database drops
/// the locks SQLite holds on it in this process.
pub(super) fn admit(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        #[cfg(unix)]
        refuse_open_folder(path, folder)?;
        #[cfg(target_os = "linux")]
        filesystem::warn_of_another_machine(folder);
    }
    match fs::symlink_metadata(path) {
        Ok(metadata) => match objection(&metadata) {
            Some(reason) => Err(unusable(path, reason)),
            None => Ok(()),
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
    // A folder that is not there is told of when the file is created.
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
        return Some("it is a symbolic link, beside which the -wal would be lost: name its target");
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

/// Creates an empty file that only its owner can read; SQLite gives the same mode to its `-wal`.
fn create(path: &Path) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(unusable(path, "its folder does not exist: create it first"))
        }
        Err(error) => Err(unusable(path, format!("it cannot be created: {error}"))),
    }
}
pub(super) fn unusable(path: &Path, reason: impl Into<String>) -> Error {
    Error::Unusable { path: path.to_owned(), reason: reason.into() }
}
