//! One measurement at a time on a machine: two at once would measure each other.
//!
//! A suite holds a lock on a file in the directory for temporary files while it measures. As with cargo's
//! own lock, a second one says who holds it and waits; the kernel drops it with its process.

use std::env;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process;

use jiff::Timestamp;
use rustix::fs::OFlags;

use crate::base::error::{Error, Result};

const FILE: &str = "prismq-bench.lock";
/// Other users of the machine measure too.
const FOR_EVERYONE: u32 = 0o666;

/// The lock, released when it is dropped.
#[derive(Debug)]
pub struct MachineLock {
    _file: File,
}

impl MachineLock {
    /// The file of this machine: `prismq-bench.lock` in `TMPDIR`, usually `/tmp`.
    #[must_use]
    pub fn path() -> PathBuf {
        env::temp_dir().join(FILE)
    }

    /// Takes the lock in this file for a suite, waiting for whoever has it. `waiting` is called with who
    /// that is before it waits.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be opened or locked.
    pub fn take(path: &Path, suite: &str, waiting: impl FnOnce(&str)) -> Result<Self> {
        let mut file = open(path).map_err(Error::io("open", path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting(&holder(path));
                file.lock().map_err(Error::io("lock", path))?;
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
        }
        let own =
            format!("process {} (suite {suite}) since {:.0}\n", process::id(), Timestamp::now());
        let named = file.set_len(0).and_then(|()| file.write_all(own.as_bytes()));
        named.map_err(Error::io("write to", path))?;
        Ok(Self { _file: file })
    }
}

fn holder(path: &Path) -> String {
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => text.trim().to_owned(),
        // It has taken the lock just now and not written yet.
        Ok(_) | Err(_) => "another process".to_owned(),
    }
}

/// Never follows a link, as the directory is everybody's and the file is written to.
fn open(path: &Path) -> io::Result<File> {
    let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let existing = OpenOptions::new().read(true).write(true).custom_flags(no_link).open(path);
    let Err(error) = existing else { return existing };
    if error.kind() != io::ErrorKind::NotFound {
        return Err(error);
    }
    let mut new = OpenOptions::new();
    let file =
        new.read(true).write(true).create(true).truncate(false).custom_flags(no_link).open(path)?;
    // Not at its creation, where the process's mask would take rights away.
    file.set_permissions(fs::Permissions::from_mode(FOR_EVERYONE))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn the_second_names_the_first_and_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = MachineLock::take(&path, "latency", |_| panic!("nobody has it")).unwrap();
        let (say, said) = mpsc::channel();
        thread::scope(|scope| {
            let second = scope.spawn(|| {
                MachineLock::take(&path, "memory", |holder| say.send(holder.to_owned()).unwrap())
            });
            let holder = said.recv().unwrap();
            assert!(holder.contains(&process::id().to_string()), "{holder}");
            assert!(holder.contains("(suite latency) since 2"), "{holder}");
            drop(first);
            let _second = second.join().unwrap().unwrap();
            assert!(fs::read_to_string(&path).unwrap().contains("(suite memory)"));
        });
    }

    #[test]
    fn every_user_of_the_machine_may_take_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        drop(MachineLock::take(&path, "latency", |_| {}).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o666);
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (link, aim) = (folder.path().join("lock"), folder.path().join("mine"));
        fs::write(&aim, "precious").unwrap();
        std::os::unix::fs::symlink(&aim, &link).unwrap();
        assert!(MachineLock::take(&link, "latency", |_| {}).is_err());
        assert_eq!(fs::read_to_string(&aim).unwrap(), "precious");
    }
}
