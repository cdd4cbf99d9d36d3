//! Permissions of the file and its folder: missing ones of this process are refused with the system's reason, and those
//! of other users are warned of. A folder that every user can write is not refused: volumes of containers are often
//! mounted so, and their users cannot change that.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

#[cfg(target_os = "linux")]
use super::path::unusable;
#[cfg(target_os = "linux")]
use crate::model::Result;

const STICKY: u32 = 0o1000;
const WRITTEN_BY_OTHERS: u32 = 0o002;
const OPEN_TO_OTHERS: u32 = 0o077;

/// Refuses a file or a folder that this process cannot read and write. Nothing is opened for that; where the system
/// gives no answer, SQLite will fail.
#[cfg(target_os = "linux")]
pub(super) fn refuse_forbidden(path: &Path, folder: &Path, file: Option<&Metadata>) -> Result<()> {
    use rustix::fs::Access;

    if let Some(file) = file {
        let what = "cannot read and write it";
        refuse(path, path, Access::READ_OK | Access::WRITE_OK, what, file)?;
    }
    if let Ok(metadata) = fs::metadata(folder) {
        let what =
            format!("cannot write its folder {}, where SQLite keeps the -wal", folder.display());
        refuse(path, folder, Access::WRITE_OK | Access::EXEC_OK, &what, &metadata)?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn refuse(
    path: &Path,
    place: &Path,
    access: rustix::fs::Access,
    what: &str,
    metadata: &Metadata,
) -> Result<()> {
    use rustix::fs::{AtFlags, CWD, accessat};
    use rustix::io::Errno;

    let Err(errno) = accessat(CWD, place, access, AtFlags::EACCESS) else { return Ok(()) };
    let user = rustix::process::geteuid().as_raw();
    let remedy = match errno {
        Errno::ROFS => "mount its filesystem read-write".to_owned(),
        Errno::ACCESS | Errno::PERM if metadata.uid() == user => {
            format!(
                "it has mode {:o}: run `chmod u+rwX {}`",
                metadata.mode() & 0o7777,
                place.display()
            )
        }
        Errno::ACCESS | Errno::PERM => format!(
            "it belongs to user {} and has mode {:o}: run as that user, or run `chown {user} {}`",
            metadata.uid(),
            metadata.mode() & 0o7777,
            place.display()
        ),
        _ => return Ok(()),
    };
    let error = std::io::Error::from(errno);
    let reason = format!("this process of user {user} {what}: {error}; {remedy}");
    Err(unusable(path, reason))
}

/// Warns if other users can read or write the tasks, or replace the file.
pub(super) fn warn_of_others(path: &Path, folder: &Path, file: Option<&Metadata>) {
    let folder_mode = fs::metadata(folder).map_or(0, |metadata| metadata.mode());
    let file = file.map(|metadata| (metadata.mode(), metadata.uid()));
    for warning in warnings(path, folder, folder_mode, file, user()) {
        tracing::warn!(path = %path.display(), "{warning}");
    }
}

/// The effective user of this process, where it is known without unsafe code.
fn user() -> Option<u32> {
    #[cfg(target_os = "linux")]
    return Some(rustix::process::geteuid().as_raw());
    #[cfg(not(target_os = "linux"))]
    return None;
}

fn warnings(
    path: &Path,
    folder: &Path,
    folder_mode: u32,
    file: Option<(u32, u32)>,
    user: Option<u32>,
) -> Vec<String> {
    let (path, folder) = (path.display(), folder.display());
    let mut warnings = Vec::new();
    // In a sticky folder, such as `/tmp`, each user's files stay. Who is in the folder's group is its owner's
    // decision: many systems give every user a group of their own, and folders that it can write.
    if folder_mode & (STICKY | WRITTEN_BY_OTHERS) == WRITTEN_BY_OTHERS {
        warnings.push(format!(
            "every user can write the queue's folder and put another file in its place: run \
             `chmod o-w {folder}`, or keep it in a folder made by `mkdir -m 700 {folder}/queue`"
        ));
    }
    let Some((mode, owner)) = file else { return warnings };
    if mode & OPEN_TO_OTHERS != 0 {
        warnings.push(format!(
            "other users can use the queue's file, which has mode {:o}: run `chmod 600 {path}*`",
            mode & 0o7777
        ));
    }
    if let Some(user) = user.filter(|user| *user != owner) {
        warnings.push(format!(
            "the queue's file belongs to user {owner} and this process is of user {user}: what one of them \
             creates next to it the other may not be able to open; run as one user, or run \
             `chown {user} {path}*`"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(folder_mode: u32, file: Option<(u32, u32)>) -> String {
        warnings(Path::new("/data/q.db"), Path::new("/data"), folder_mode, file, Some(7)).join("\n")
    }

    #[test]
    fn access_by_other_users_is_warned_of_with_a_remedy() {
        assert!(of(0o40777, None).contains("`mkdir -m 700 /data/queue`"));
        assert!(of(0o40702, Some((0o100_600, 7))).contains("`chmod o-w /data`"));
        assert!(
            of(0o40700, Some((0o100_640, 7))).contains("mode 640: run `chmod 600 /data/q.db*`")
        );
        assert!(of(0o40700, Some((0o100_604, 7))).contains("mode 604"));
        assert!(of(0o40700, Some((0o100_600, 8))).contains("run `chown 7 /data/q.db*`"));
    }

    #[test]
    fn a_private_file_is_not_warned_of() {
        for folder_mode in [0o40700, 0o40755, 0o40775, 0o41777] {
            assert_eq!(of(folder_mode, Some((0o100_600, 7))), "");
            assert_eq!(of(folder_mode, None), "");
        }
    }
}
