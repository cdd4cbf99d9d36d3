//! The disk the databases lie on: which directory, which filesystem, and whether that is a disk.

use std::fs;
use std::path::{Path, PathBuf};

use prismq_report::record::Known;
use rustix::fs::statfs;
use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::places;

/// The directory under which each database gets a directory of its own for as long as it is used.
#[derive(Debug, Clone)]
pub struct BenchDir {
    root: PathBuf,
}

impl BenchDir {
    /// The directory named by `PRISMQ_BENCH_DIR`, else one in the target directory, which is on a
    /// disk where `/tmp` often is not. Nothing is created yet.
    #[must_use]
    pub fn from_env() -> Self {
        let usual = || places::target_dir().join("prismq-bench").join("db");
        Self { root: places::named_by("PRISMQ_BENCH_DIR").unwrap_or_else(usual) }
    }

    /// A directory to be used instead of what the environment says.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// A new empty directory, removed with all that is in it when it is dropped.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be created.
    pub fn fresh(&self) -> Result<TempDir> {
        fs::create_dir_all(&self.root).map_err(Error::io("create", &self.root))?;
        tempfile::Builder::new()
            .prefix("prismq-")
            .tempdir_in(&self.root)
            .map_err(Error::io("create a directory in", &self.root))
    }

    /// The nearest directory that exists already: a fresh one below it is on the same filesystem.
    #[must_use]
    pub fn existing(&self) -> &Path {
        self.root.ancestors().find(|path| path.exists()).unwrap_or(&self.root)
    }

    /// The type of the filesystem as far as `statfs` tells, and whether it keeps its data in memory.
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
