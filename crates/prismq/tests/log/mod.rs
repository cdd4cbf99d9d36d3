//! What a queue says in the log: a subscriber that writes each line into the same queue finds it unlocked.

use std::fmt::Debug;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use prismq::{Claim, NewTask, Queue, State};
use rusqlite::Connection;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::Fixture;

/// Longer than anything takes that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Enqueues each line of the log as a task of the type `log`, and keeps it.
#[derive(Clone)]
struct Enqueuer {
    queue: Queue,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Subscriber for Enqueuer {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.queue.enqueue(&NewTask::new("log", text.0.as_bytes())).unwrap();
        self.lines.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The lines that are logged while this runs on the fixture's queue; fails if it does not end.
fn logged(fixture: &Fixture, run: impl FnOnce(&Queue) + Send + 'static) -> Vec<String> {
    let (queue, lines) = (fixture.queue.clone(), Arc::<Mutex<Vec<String>>>::default());
    let enqueuer = Enqueuer { queue: queue.clone(), lines: lines.clone() };
    let (end, ended) = channel::<()>();
    let running = thread::spawn(move || {
        let _end = end;
        tracing::subscriber::with_default(enqueuer, || run(&queue));
    });
    assert_eq!(ended.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected), "it hangs");
    running.join().unwrap();
    let lines = lines.lock().unwrap().clone();
    assert_eq!(fixture.queue.claim(&Claim::new(["log"]).max(99)).unwrap().len(), lines.len());
    lines
}

fn damage(fixture: &Fixture, sql: &str) {
    let file = Connection::open(fixture.path()).unwrap();
    file.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    file.execute_batch(sql).unwrap();
}

#[test]
fn a_subscriber_may_enqueue_what_a_claim_remarks() {
    let fixture = Fixture::new();
    let bad = fixture.enqueue("bad");
    damage(&fixture, "UPDATE task SET priority = 9999999999");
    let lines = logged(&fixture, |queue| {
        assert!(queue.claim(&Claim::new(["job"])).unwrap().is_empty());
    });
    assert_eq!(lines, ["a task's row is damaged: it is now a dead letter"]);
    assert_eq!(fixture.queue.task(bad).unwrap().unwrap().state, State::Dead);
}

#[test]
fn a_subscriber_may_enqueue_what_a_completion_remarks() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 1).unwrap();
    fixture.enqueue("job");
    damage(&fixture, "UPDATE queue SET kept = 50");
    let lease = fixture.claim_one();
    let lines = logged(&fixture, move |queue| queue.complete(&lease).unwrap());
    assert_eq!(lines, ["the history was shorter than its counter: the counter is set right"]);
}

#[test]
fn a_subscriber_may_enqueue_what_a_look_at_an_empty_queue_remarks() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(&NewTask::new("other", [])).unwrap();
    damage(&fixture, "UPDATE lane SET type = CAST(x'ff' AS TEXT)");
    let fixture = Fixture { queue: fixture.another_handle(), ..fixture };
    let lines = logged(&fixture, |queue| {
        assert!(queue.claim(&Claim::new(["job"])).unwrap().is_empty());
    });
    assert_eq!(lines, ["a lane is damaged"]);
}

#[test]
fn a_subscriber_may_enqueue_that_a_reader_keeps_the_wal_long() {
    let fixture = Fixture::new();
    fixture.enqueue("first");
    let reader = Connection::open(fixture.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM task").unwrap();
    let lines = logged(&fixture, |queue| {
        for _ in 0..6 {
            queue.enqueue_all(&vec![NewTask::new("job", vec![7; 20 << 10]); 800]).unwrap();
        }
    });
    assert_eq!(lines, ["WAL cannot be reset: a reader holds an old snapshot"]);
}
