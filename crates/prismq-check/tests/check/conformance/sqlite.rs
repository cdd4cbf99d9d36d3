//! The SQLite engine under test: a queue in a file.

use std::path::PathBuf;
use std::sync::Arc;

use prismq::{Durability, ManualClock, Queue};
use tempfile::TempDir;

use super::queue::{Place, UnderTest};
use crate::support::fast_folder;

/// The folder of the file.
#[derive(Debug)]
pub(crate) struct InFile(TempDir);

impl InFile {
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("queue.db")
    }
}

impl Place for InFile {
    fn open(&self, clock: &Arc<ManualClock>) -> Queue {
        let builder = Queue::builder(self.path()).clock(clock.clone());
        builder.durability(Durability::Normal).open().unwrap()
    }
}

pub(crate) type Sqlite = UnderTest<InFile>;

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self::with_handles(1_800_000_000_000_000, 1)
    }

    /// By this many handles on one file, from this time of the wall clock on.
    pub(crate) fn with_handles(now: i64, count: usize) -> Self {
        Self::at(InFile(fast_folder()), now, count)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.place().path()
    }
}
