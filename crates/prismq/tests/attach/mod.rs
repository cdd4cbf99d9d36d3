//! Queues in databases of applications: what these databases are, and what applications do to them.

mod databases;
mod use_by_application;

use std::path::PathBuf;

use prismq::Queue;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::{claim, task};

/// A database of an application made by these statements, and the application's connection.
fn application(statements: &str) -> (TempDir, PathBuf, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let app = Connection::open(&path).unwrap();
    app.execute_batch(statements).unwrap();
    (folder, path, app)
}

/// Has a task enqueued, claimed and completed.
#[track_caller]
fn works(queue: &Queue) {
    queue.enqueue(task("works")).unwrap();
    let leases = queue.claim(&claim().max(9)).unwrap();
    assert!(!leases.is_empty());
    for lease in leases {
        queue.complete(&lease).unwrap();
    }
}
