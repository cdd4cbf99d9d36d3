//! A queue in a file.

use std::path::PathBuf;

use prismq::{NewTask, Queue};
use tempfile::TempDir;

/// A file in a folder of its own.
pub(crate) fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    (folder, path)
}

/// A file with this many tasks that are ready.
pub(crate) fn file_of(tasks: usize) -> (TempDir, PathBuf) {
    let (folder, path) = file();
    add(&Queue::open(&path).unwrap(), tasks);
    (folder, path)
}

pub(crate) fn add(queue: &Queue, tasks: usize) {
    let mut left = tasks;
    while left > 0 {
        let some = left.min(1000);
        queue.enqueue_all((0..some).map(|_| NewTask::new("job", *b"payload"))).unwrap();
        left -= some;
    }
}
