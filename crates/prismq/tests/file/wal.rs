//! The length of the WAL while transactions are larger than what it is to hold. Only its metadata is read:
//! opening and closing it would drop SQLite's locks.
use std::sync::{Arc, Mutex};

use prismq::{NewTask, Queue};
use rusqlite::Connection;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::support::Fixture;

const MIB: u64 = 1 << 20;

/// Collects the warnings of this thread.
#[derive(Debug, Default, Clone)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    fn during(run: impl FnOnce()) -> Vec<String> {
        let warnings = Self::default();
        tracing::subscriber::with_default(warnings.clone(), run);
        warnings.0.lock().unwrap().clone()
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn length(fixture: &Fixture) -> u64 {
    std::fs::metadata(fixture.folder.path().join("queue.db-wal")).map_or(0, |wal| wal.len())
}

fn enqueue(queue: &Queue, tasks: usize) {
    queue.enqueue_all(&vec![NewTask::new("job", vec![7; 20 << 10]); tasks]).unwrap();
}

#[test]
fn the_wal_holds_at_most_two_large_transactions_and_8_mib() {
    // Larger than what is copied while commits go on, and larger than all bounds.
    for tasks in [150, 400, 800] {
        let fixture = Fixture::new();
        let mut largest = 0;
        let mut longest = 0;
        let warnings = Warnings::during(|| {
            enqueue(&fixture.queue, tasks);
            largest = length(&fixture);
            for _ in 0..10 {
                enqueue(&fixture.queue, tasks);
                longest = longest.max(length(&fixture));
            }
        });
        let allowed = 2 * largest + 8 * MIB;
        assert!(
            longest <= allowed,
            "{tasks} tasks: {longest} bytes, at most {allowed} are allowed"
        );
        assert_eq!(warnings, [""; 0], "nobody else has the file open");
    }
}

#[test]
fn a_reader_that_keeps_the_wal_from_being_reset_is_reported_once() {
    let fixture = Fixture::new();
    fixture.enqueue("first");
    let reader = Connection::open(fixture.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM task").unwrap();
    let warnings = Warnings::during(|| {
        while length(&fixture) < 80 * MIB {
            enqueue(&fixture.queue, 400);
        }
    });
    assert_eq!(warnings, ["WAL cannot be reset: a reader holds an old snapshot"]);
    drop(reader);
    for _ in 0..3 {
        enqueue(&fixture.queue, 400);
    }
    let long = length(&fixture);
    for _ in 0..3 {
        enqueue(&fixture.queue, 400);
    }
    assert_eq!(length(&fixture), long, "it grows no more once the reader is gone");
}
