//! The length of the file after a backlog of large payloads. Only its metadata is read: opening and closing it
//! would drop SQLite's locks.

use std::path::{Path, PathBuf};

use prismq::{Claim, NewTask, Queue};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::{Watchdog, wait_until};

const MIB: u64 = 1 << 20;
const TASKS: usize = 800;

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

fn open(folder: &TempDir, name: &str, free_space_max: u64) -> (PathBuf, Queue) {
    let path = folder.path().join(name);
    let queue = Queue::builder(&path).free_space_max(free_space_max).open().unwrap();
    (path, queue)
}

/// Fills the file with 16 MiB of payloads, and completes all tasks but one.
fn drain_a_backlog(path: &Path, queue: &Queue) {
    queue.enqueue_all(vec![NewTask::new("large", vec![7; 20 << 10]); TASKS]).unwrap();
    queue.enqueue(NewTask::new("left", vec![8; 20 << 10])).unwrap();
    assert!(length(path) > 15 * MIB, "{} bytes", length(path));
    for _ in 0..TASKS / 100 {
        for lease in queue.claim(&Claim::new(["large"]).max(100)).unwrap() {
            queue.complete(&lease).unwrap();
        }
    }
}

fn assert_intact(path: &Path) {
    let check: String = Connection::open(path)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

#[test]
fn a_drained_backlog_shrinks_the_file_while_commits_continue() {
    let _watchdog = Watchdog::start();
    let folder = tempfile::tempdir().unwrap();
    let (path, queue) = open(&folder, "shrinks", MIB);
    drain_a_backlog(&path, &queue);
    let drained = length(&path);
    let mut commits = 0;
    wait_until!({
        queue.enqueue(NewTask::new("small", *b"x")).unwrap();
        let lease = queue.claim(&Claim::new(["small"])).unwrap().remove(0);
        queue.complete(&lease).unwrap();
        commits += 1;
        length(&path) < drained
    });
    assert!(commits > 1, "commits continued meanwhile");
    // How fast it goes on depends on how often commits hold the lock, and on what else runs on the machine.
    wait_until!(length(&path) < 2 * MIB);
    let left = queue.claim(&Claim::new(["left"])).unwrap().remove(0);
    assert_eq!(left.payload(), [8; 20 << 10]);
    drop(queue);
    assert_intact(&path);
}

#[test]
fn free_pages_above_the_limit_are_released_after_opening() {
    let _watchdog = Watchdog::start();
    let folder = tempfile::tempdir().unwrap();
    let (path, queue) = open(&folder, "shrinks", u64::MAX);
    drain_a_backlog(&path, &queue);
    drop(queue);
    let (kept_path, keeps) = open(&folder, "keeps", 15 * MIB);
    drain_a_backlog(&kept_path, &keeps);
    // Opened after the other queue, it checks later.
    let (_, queue) = open(&folder, "shrinks", 0);
    wait_until!(length(&path) < MIB / 2);
    assert!(length(&kept_path) >= 15 * MIB, "{} bytes", length(&kept_path));
    drop(queue);
    assert_intact(&path);
}
