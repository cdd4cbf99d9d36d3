use std::path::Path;

use crate::support::{Fixture, task, wait_until};

fn length(wal: &Path) -> u64 {
    std::fs::metadata(wal).unwrap().len()
}

#[test]
fn the_wal_is_cut_once_the_queue_is_idle() {
    let fixture = Fixture::new();
    let wal = fixture.folder.path().join("queue.db-wal");
    // More than the WAL may hold before it is shortened beside the commits.
    let tasks = vec![task(&"x".repeat(1000)); 5_000];
    fixture.queue.enqueue_all(&tasks).unwrap();
    assert!(length(&wal) > 4 << 20);
    wait_until(|| length(&wal) == 0);
    assert_eq!(fixture.claim(10).len(), 10);
}
