//! The disk that holds the databases: which directory, which filesystem, whether that is a disk, and that
//! nothing is left on it.
//!
//! Each database has a directory of its own, on which its process holds a lock for as long as it is used.
//! The kernel drops the lock with the process, so that a directory without one was left behind by a
//! process that was killed, and is removed by the next run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prismq_record::Known;
use rustix::fs::statfs;
use tempfile::TempDir;

use crate::base::error::{Error, Result};
use crate::base::paths;

/// The variable that names the directory.
pub const VARIABLE: &str = "PRISMQ_BENCH_DIR";

/// A directory of a database is named `prismq-`, six random characters, `.benchdb`: nothing else in a user's directory may be
/// taken for one, as it is removed.
const PREFIX: &str = "prismq-";
const SUFFIX: &str = ".benchdb";
const RANDOM: usize = 6;
/// A new directory may be taken for a forgotten one before it is locked, which does not happen twice.
const TRIES: usize = 10;

/// Those that this process has made, with their locks. A lock is missing where the filesystem knows none.
type InUse = BTreeMap<PathBuf, Option<File>>;

/// The directory under which each database gets a directory of its own for as long as it is used.
#[derive(Debug, Clone)]
pub struct BenchDir {
    root: PathBuf,
    in_use: Arc<Mutex<InUse>>,
}

impl BenchDir {
    /// The directory named by `PRISMQ_BENCH_DIR`, else one in the target directory, which is on a
    /// disk where `/tmp` often is not. Nothing is created yet.
    #[must_use]
    pub fn from_env() -> Self {
        let usual = || paths::target_dir().join("prismq-bench").join("db");
        Self::at(paths::named_by(VARIABLE).unwrap_or_else(usual))
    }

    /// A directory to be used instead of what the environment says.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), in_use: Arc::default() }
    }

    /// Where the directories of databases are made.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A new empty directory, removed with all that is in it when it is dropped.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be created.
    pub fn fresh(&self) -> Result<TempDir> {
        fs::create_dir_all(&self.root).map_err(Error::io("create", &self.root))?;
        let mut tries = 0;
        loop {
            let directory = tempfile::Builder::new()
                .prefix(PREFIX)
                .suffix(SUFFIX)
                .rand_bytes(RANDOM)
                .tempdir_in(&self.root)
                .map_err(Error::io("create a directory in", &self.root))?;
            let lock = lock(directory.path());
            tries += 1;
            // Another process may have removed it in the moment before it was locked.
            if directory.path().is_dir() || tries == TRIES {
                let mut in_use = self.in_use();
                in_use.retain(|path, _| path.exists());
                in_use.insert(directory.path().to_owned(), lock);
                return Ok(directory);
            }
        }
    }

    /// Removes the databases that processes left behind which were killed, and says how many.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory cannot be read.
    pub fn sweep(&self) -> Result<usize> {
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(Error::io("read", &self.root)(error)),
        };
        let mut removed = 0;
        for entry in entries {
            let entry = entry.map_err(Error::io("read", &self.root))?;
            let ours = entry.file_name().to_str().is_some_and(is_database)
                && entry.file_type().is_ok_and(|kind| kind.is_dir());
            // Held while it is removed, so that two processes do not remove the same one.
            let Some(_lock) = ours.then(|| lock(&entry.path())).flatten() else { continue };
            removed += usize::from(fs::remove_dir_all(entry.path()).is_ok());
        }
        Ok(removed)
    }

    /// Removes what this process has made and not yet removed: the databases are open and must not be
    /// used any more, as the process is about to end.
    pub fn remove_all(&self) {
        for path in self.in_use().keys() {
            // What cannot be removed now is swept by the next run.
            let _ = fs::remove_dir_all(path);
        }
    }

    fn in_use(&self) -> MutexGuard<'_, InUse> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The nearest directory that exists already: a fresh one below it is on the same filesystem.
    #[must_use]
    pub fn existing(&self) -> &Path {
        self.root.ancestors().find(|path| path.exists()).unwrap_or(&self.root)
    }

    /// The type of the filesystem as far as `statfs` says, and whether it keeps its data in memory.
    #[must_use]
    pub fn filesystem(&self) -> (Known<String>, bool) {
        match statfs(self.existing()) {
            Err(error) => (Known::unknown(format!("statfs: {error}")), false),
            Ok(stat) => {
                // The field's type differs between architectures; its 32 bits do not.
                let magic = (stat.f_type as u64) & 0xffff_ffff;
                match name_of(magic) {
                    Some((name, in_memory)) => (Known::value(name.to_owned()), in_memory),
                    None => (Known::value(format!("{magic:#010x}")), false),
                }
            }
        }
    }
}

/// The lock of a directory, if no process holds it.
fn lock(directory: &Path) -> Option<File> {
    let directory = File::open(directory).ok()?;
    directory.try_lock().ok()?;
    Some(directory)
}

fn is_database(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
    random.is_some_and(|random| {
        random.len() == RANDOM && random.chars().all(|letter| letter.is_ascii_alphanumeric())
    })
}

/// Names of `statfs`'s magic numbers (`man 2 statfs`), and whether the data is in memory.
const fn name_of(magic: u64) -> Option<(&'static str, bool)> {
    Some(match magic {
        0xef53 => ("ext2/ext3/ext4", false),
        0x5846_5342 => ("xfs", false),
        0x9123_683e => ("btrfs", false),
        0x2fc1_2fc1 => ("zfs", false),
        0xf2f5_2010 => ("f2fs", false),
        0xca45_1a4e => ("bcachefs", false),
        0x794c_7630 => ("overlayfs", false),
        0x6969 => ("nfs", false),
        0x0102_1997 => ("9p", false),
        0x6573_5546 => ("fuse", false),
        0xff53_4d42 | 0xfe53_4d42 => ("cifs", false),
        0x0102_1994 => ("tmpfs", true),
        0x8584_58f6 => ("ramfs", true),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(root: &Path) -> usize {
        fs::read_dir(root).unwrap().count()
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_what_is_in_use_stays() {
        let root = tempfile::tempdir().unwrap();
        let dir = BenchDir::at(root.path());
        let used = dir.fresh().unwrap();
        let left = root.path().join("prismq-a1B2c3.benchdb");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("queue.db"), "old").unwrap();
        assert_eq!(BenchDir::at(root.path()).sweep().unwrap(), 1);
        assert!(!left.exists());
        assert!(used.path().is_dir());
    }

    #[test]
    fn nothing_of_the_users_own_is_swept() {
        let root = tempfile::tempdir().unwrap();
        for name in ["prismq-web", "prismq-abcdef", "notes.benchdb", "prismq-two-it.benchdb"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        fs::write(root.path().join("prismq-abcdef.benchdb"), "a file").unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("prismq-ghijkl.benchdb")).unwrap();
        assert_eq!(BenchDir::at(root.path()).sweep().unwrap(), 0);
        assert_eq!(count(root.path()), 6);
        assert_eq!(BenchDir::at(root.path().join("not there")).sweep().unwrap(), 0);
    }

    #[test]
    fn a_process_that_is_stopped_removes_its_databases() {
        let root = tempfile::tempdir().unwrap();
        let dir = BenchDir::at(root.path());
        let used = dir.fresh().unwrap();
        fs::write(used.path().join("queue.db"), "open").unwrap();
        let clone = dir.clone();
        clone.remove_all();
        assert_eq!(count(root.path()), 0);
    }
}
