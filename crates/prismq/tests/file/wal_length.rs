use crate::support::{Fixture, task};

const PAGE_BYTES: u64 = 4096;
/// From here on the writer itself makes room (4 MiB).
const WAL_PAGES: u64 = 1024;

#[test]
fn the_wal_stays_short_under_sustained_load() {
    let fixture = Fixture::new();
    let wal = fixture.folder.path().join("queue.db-wal");
    let batch = vec![task(&"x".repeat(1000)); 500];
    let mut written = 0;
    let mut longest = 0;
    while written < 10 * WAL_PAGES * PAGE_BYTES {
        fixture.queue.enqueue_all(&batch).unwrap();
        written += 500 * 1000;
        longest = longest.max(wal.metadata().unwrap().len());
    }
    // The last transaction before the writer makes room may be a large one.
    let allowed = 2 * WAL_PAGES * PAGE_BYTES;
    assert!(longest < allowed, "{longest} bytes, at most {allowed} are allowed");
}
