//! What a queue logs: a subscriber that enqueues each message into the same queue finds it unlocked.

use std::thread;

use prismq::{Claim, NewTask, Queue, State};
use tracing::Level;

use crate::support::{Fixture, Messages, alter, hold_snapshot, join};

/// The messages that are logged while this runs on the fixture's queue. Each is also enqueued there, as a task
/// of the type `log`.
#[track_caller]
fn logged(fixture: &Fixture, run: impl FnOnce(&Queue) + Send + 'static) -> Vec<String> {
    let (queue, enqueued) = (fixture.queue.clone(), fixture.queue.clone());
    let messages = Messages::new(Level::TRACE, move |message| {
        enqueued.enqueue(NewTask::new("log", message.as_bytes())).unwrap();
    });
    let running = thread::spawn(move || messages.during(|| run(&queue)));
    let lines = join(running, "the operation that logs");
    assert_eq!(fixture.queue.claim(&Claim::new(["log"]).max(99)).unwrap().len(), lines.len());
    lines
}

#[test]
fn a_subscriber_may_enqueue_what_a_claim_logs() {
    let fixture = Fixture::new();
    let bad = fixture.enqueue("bad");
    alter(&fixture, "UPDATE prismq_task SET priority = 9999999999");
    let lines = logged(&fixture, |queue| {
        assert!(queue.claim(&Claim::new(["job"])).unwrap().is_empty());
    });
    assert_eq!(lines, ["damaged row: the task is dead"]);
    assert_eq!(fixture.queue.task(bad).unwrap().unwrap().state, State::Dead);
}

#[test]
fn a_subscriber_may_enqueue_what_a_completion_logs() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 1).unwrap();
    fixture.enqueue("job");
    alter(&fixture, "UPDATE prismq_queue SET kept = 50");
    let lease = fixture.claim_one();
    let lines = logged(&fixture, move |queue| queue.complete(&lease).unwrap());
    assert_eq!(lines, ["history counter corrected: fewer tasks are kept than it said"]);
}

#[test]
fn a_subscriber_may_enqueue_what_an_empty_claim_logs() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(NewTask::new("other", [])).unwrap();
    alter(&fixture, "UPDATE prismq_lane SET type = CAST(x'ff' AS TEXT)");
    let fixture = fixture.reopen_after(|_| {});
    let lines = logged(&fixture, |queue| {
        assert!(queue.claim(&Claim::new(["job"])).unwrap().is_empty());
    });
    assert_eq!(lines, ["damaged lane: its tasks cannot be claimed"]);
}

#[test]
fn a_subscriber_may_enqueue_what_a_commit_logs() {
    let fixture = Fixture::new();
    fixture.enqueue("first");
    let _reader = hold_snapshot(&fixture.path());
    let lines = logged(&fixture, |queue| {
        for _ in 0..6 {
            queue.enqueue_all(vec![NewTask::new("job", vec![7; 20 << 10]); 800]).unwrap();
        }
    });
    assert_eq!(lines, ["WAL cannot be reset: a reader holds an old snapshot; end its transaction"]);
}
