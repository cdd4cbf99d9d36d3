//! Which transactions wait for the disk.

use prismq::{Durability, Error, Queue};

use crate::support::{Fixture, task};

fn setting(queue: &Queue, name: &str) -> String {
    let settings = queue.settings().unwrap();
    settings.into_iter().find(|(found, _)| found == name).expect("the setting is listed").1
}

#[test]
fn the_default_durability_is_full() {
    let fixture = Fixture::new();
    assert_eq!(setting(&fixture.queue, "journal_mode"), "wal");
    assert_eq!(setting(&fixture.queue, "synchronous"), "2");
    assert_eq!(setting(&fixture.queue, "auto_vacuum"), "2", "pages are freed without being read");
    let normal = Queue::builder(fixture.path()).durability(Durability::Normal).open().unwrap();
    assert_eq!(setting(&normal, "synchronous"), "1");
}

#[test]
fn synced_transactions_are_counted() {
    let fixture = Fixture::new();
    fixture.enqueue("full");
    let lease = fixture.claim_one();
    let counts = |queue: &Queue| {
        let counted = queue.contention();
        (counted.write_transactions, counted.synced_transactions)
    };
    assert_eq!(counts(&fixture.queue), (2, 1), "a claim does not wait");
    fixture.queue.complete(&lease).unwrap();
    assert_eq!(counts(&fixture.queue), (3, 2));

    let path = fixture.folder.path().join("normal.db");
    let queue = Queue::builder(path).durability(Durability::Normal).open().unwrap();
    queue.enqueue(task("normal")).unwrap();
    assert_eq!(counts(&queue), (1, 0));
}

#[test]
fn a_file_has_no_standby() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let opened = Queue::builder(&path).durability(Durability::Replicated).open();
    let error = opened.unwrap_err();
    assert!(matches!(error, Error::InvalidInput { what: "durability", .. }), "{error:?}");
    assert!(!path.exists());
}
