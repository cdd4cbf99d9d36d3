use std::fs;

use crate::common::{Fixture, task};
use prismq::{Error, Queue};

#[track_caller]
fn assert_stopped(fixture: &Fixture) {
    let error = fixture.queue.enqueue(&task("lost")).unwrap_err();
    assert!(matches!(error, Error::Poisoned { .. }), "{error:?}");
    assert!(error.to_string().contains("moved, deleted or replaced"), "{error}");
    // For good: what was written before is in doubt too.
    assert!(fixture.queue.enqueue(&task("lost")).is_err());
}

#[test]
fn a_deleted_file() {
    let fixture = Fixture::new();
    fixture.enqueue("there");
    fs::remove_file(fixture.path()).unwrap();
    assert_stopped(&fixture);
}

#[test]
fn a_file_that_another_was_put_in_place_of() {
    let fixture = Fixture::new();
    fixture.enqueue("there");
    let other = fixture.folder.path().join("other.db");
    drop(Queue::open(&other).unwrap());
    fs::rename(&other, fixture.path()).unwrap();
    assert_stopped(&fixture);
}

#[test]
fn a_file_that_was_moved() {
    let fixture = Fixture::new();
    let lease = {
        fixture.enqueue("there");
        fixture.claim_one()
    };
    fs::rename(fixture.path(), fixture.folder.path().join("moved.db")).unwrap();
    let error = fixture.queue.complete(&lease).unwrap_err();
    assert!(matches!(error, Error::Poisoned { .. }), "{error:?}");
}
