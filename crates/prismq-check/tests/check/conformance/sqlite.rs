//! The SQLite engine under test: a queue in a file.

use std::path::PathBuf;
use std::sync::Arc;

use prismq::{Durability, ManualClock, Queue};
use prismq_check::{Snapshot, this_test};
use tempfile::TempDir;

use super::queue::{Place, UnderTest};
use super::random_operations::{Fresh, compare};
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

impl Fresh for InFile {
    fn new() -> Self {
        Self(fast_folder())
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::take(self.path()).unwrap()
    }
}

#[test]
fn a_queue_answers_as_the_model_does() {
    compare::<InFile>(this_test!("a_queue_answers_as_the_model_does"), (60, 600));
}

pub(crate) type Sqlite = UnderTest<InFile>;

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self::at(InFile::new(), 1_800_000_000_000_000, 1)
    }
}
