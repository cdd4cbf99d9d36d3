//! Unique tasks: who holds a key, and for how long.

use std::time::Duration;

use prismq::limits::{UNIQUE_KEY_BYTES_MAX, UNIQUE_PERIOD_MAX};
use prismq::{Enqueued, Error, Handle, NewTask, Queue, Task, TaskError, Unique};
use rusqlite::{Connection, TransactionBehavior};
use serde::{Deserialize, Serialize};

use crate::support::{Fixture, RETRY, TestProcess, task};

pub(super) const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn add(queue: &Queue, task: NewTask) -> Enqueued {
    queue.enqueue(task).unwrap().enqueued()
}

/// A task with this payload under this key.
pub(super) fn keyed(payload: &str, unique: Unique) -> NewTask {
    task(payload).unique(unique)
}

pub(super) fn key() -> Unique {
    Unique::key("order-881")
}

/// How many rows of keys the file has.
fn rows(fixture: &Fixture) -> i64 {
    let file = Connection::open(fixture.path()).unwrap();
    file.query_row("SELECT count(*) FROM prismq_unique", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_key_is_held_until_its_task_is_completed() {
    let fixture = Fixture::new();
    let first = add(&fixture.queue, keyed("a", key()));
    assert!(first.is_new());
    assert_eq!(add(&fixture.queue, keyed("a", key())), Enqueued::Duplicate(first.id()));
    let lease = fixture.claim_one();
    assert_eq!(add(&fixture.queue, keyed("a", key())), Enqueued::Duplicate(first.id()));
    fixture.queue.fail(&lease, "again").unwrap();
    assert_eq!(add(&fixture.queue, keyed("a", key())), Enqueued::Duplicate(first.id()));
    fixture.clock.advance(RETRY);
    fixture.queue.complete(&fixture.claim_one()).unwrap();
    let second = add(&fixture.queue, keyed("a", key()));
    assert!(second.is_new() && second.id() > first.id());
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 2);
}

#[test]
fn a_dead_or_kept_task_holds_no_key() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 9).unwrap();
    assert!(add(&fixture.queue, keyed("a", key())).is_new());
    fixture.queue.fail(&fixture.claim_one(), TaskError::permanent("no")).unwrap();
    assert!(add(&fixture.queue, keyed("a", key())).is_new());
    fixture.queue.complete(&fixture.claim_one()).unwrap();
    assert!(add(&fixture.queue, keyed("a", key())).is_new());
}

#[test]
fn the_same_key_with_another_payload_is_a_conflict_and_changes_nothing() {
    let fixture = Fixture::new();
    let first = add(&fixture.queue, keyed("a", key()));
    assert_eq!(add(&fixture.queue, keyed("b", key())), Enqueued::Conflict(first.id()));
    assert_eq!(fixture.claimed(9), ["a"]);
}

#[test]
fn keys_of_other_types_and_tasks_without_a_key_are_apart_and_queues_are_not() {
    let fixture = Fixture::new();
    let first = add(&fixture.queue, keyed("a", key()));
    assert!(add(&fixture.queue, NewTask::new("other", *b"a").unique(key())).is_new());
    assert!(add(&fixture.queue, task("a")).is_new());
    assert!(add(&fixture.queue, keyed("a", Unique::payload())).is_new(), "a payload is no text");
    let elsewhere = keyed("a", key()).queue("elsewhere").requires(["gpu"]);
    assert_eq!(add(&fixture.queue, elsewhere), Enqueued::Duplicate(first.id()));
}

#[test]
fn payloads_of_any_size_are_keys() {
    let fixture = Fixture::new();
    for bytes in [0, 1, 1024, 1025, 1 << 20] {
        let unique = |last: u8| {
            let mut payload = vec![7; bytes];
            payload.push(last);
            NewTask::new("job", payload).unique(Unique::payload())
        };
        let first = add(&fixture.queue, unique(1));
        assert!(first.is_new());
        assert_eq!(add(&fixture.queue, unique(1)), Enqueued::Duplicate(first.id()));
        assert!(add(&fixture.queue, unique(2)).is_new(), "another byte is another key");
    }
}

#[test]
fn a_key_held_while_waiting_is_free_once_the_task_starts() {
    let fixture = Fixture::new();
    let waiting = || keyed("a", key().while_waiting());
    let first = add(&fixture.queue, waiting());
    assert_eq!(add(&fixture.queue, waiting()), Enqueued::Duplicate(first.id()));
    let lease = fixture.claim_one();
    fixture.queue.release(&lease).unwrap();
    assert_eq!(add(&fixture.queue, waiting()), Enqueued::Duplicate(first.id()), "it waits again");
    let lease = fixture.claim_one();
    let second = add(&fixture.queue, waiting());
    assert!(second.is_new(), "what is enqueued while the first one runs, runs after it");
    fixture.queue.fail(&lease, "again").unwrap();
    assert_eq!(add(&fixture.queue, waiting()), Enqueued::Duplicate(second.id()));
    fixture.clock.advance(RETRY);
    assert_eq!(fixture.claim(9).len(), 2);
}

/// Other unique tasks that were added while it was leased have removed the rows of keys that are free for good.
#[test]
fn a_key_held_while_waiting_is_held_again_by_a_task_that_is_released() {
    let fixture = Fixture::new();
    let waiting = || keyed("a", key().while_waiting());
    let first = fixture.queue.enqueue(waiting()).unwrap().id();
    let lease = fixture.claim_one();
    for number in 0..9 {
        add(&fixture.queue, keyed("b", Unique::key(format!("other {number}"))));
    }
    fixture.queue.release(&lease).unwrap();
    assert_eq!(add(&fixture.queue, waiting()), Enqueued::Duplicate(first));
}

#[test]
fn a_key_held_while_waiting_is_held_again_by_a_task_that_is_put_off_unless_it_was_taken() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let snooze = || TaskError::snooze(RETRY);
    let first = add(queue, keyed("a", key().while_waiting()));
    queue.fail(&fixture.claim_one(), snooze()).unwrap();
    assert_eq!(add(queue, keyed("a", key().while_waiting())), Enqueued::Duplicate(first.id()));
    fixture.clock.advance(RETRY);
    let lease = fixture.claim_one();
    let second = add(queue, keyed("a", key().while_waiting()));
    assert!(second.is_new());
    queue.fail(&lease, snooze()).unwrap();
    assert_eq!(add(queue, keyed("a", key().while_waiting())), Enqueued::Duplicate(second.id()));
    fixture.clock.advance(RETRY);
    let ran: Vec<_> = fixture.claim(9).iter().map(|lease| lease.id()).collect();
    assert_eq!(ran, [first.id(), second.id()]);
}

#[test]
fn a_key_held_while_waiting_is_not_held_by_a_retry() {
    let fixture = Fixture::new();
    let waiting = || keyed("a", key().while_waiting());
    add(&fixture.queue, waiting());
    fixture.queue.fail(&fixture.claim_one(), "again").unwrap();
    assert!(add(&fixture.queue, waiting()).is_new());
}

#[test]
fn a_key_held_for_a_period_outlives_its_task_and_ends_with_the_period() {
    let fixture = Fixture::new();
    let hourly = || keyed("a", key().for_period(HOUR));
    let first = add(&fixture.queue, hourly());
    fixture.queue.complete(&fixture.claim_one()).unwrap();
    fixture.clock.advance(HOUR - Duration::from_micros(1));
    assert_eq!(add(&fixture.queue, hourly()), Enqueued::Duplicate(first.id()));
    let other = keyed("b", key().for_period(HOUR));
    assert_eq!(add(&fixture.queue, other), Enqueued::Conflict(first.id()));
    fixture.clock.advance(Duration::from_micros(1));
    let second = add(&fixture.queue, hourly());
    assert!(second.is_new());
    fixture.clock.advance(HOUR);
    assert!(add(&fixture.queue, hourly()).is_new(), "also while the second one still waits");
}

#[test]
fn a_batch_with_duplicates_adds_the_rest() {
    let fixture = Fixture::new();
    let batch = [keyed("a", key()), task("b"), keyed("a", key()), keyed("c", key())];
    let handles = fixture.queue.enqueue_all(&batch).unwrap();
    let added: Vec<_> = handles.iter().map(Handle::enqueued).collect();
    let first = added[0].id();
    assert!(added[0].is_new() && added[1].is_new());
    assert_eq!(added[2..], [Enqueued::Duplicate(first), Enqueued::Conflict(first)]);
    assert_eq!(fixture.claimed(9), ["a", "b"]);
}

#[test]
fn a_refused_batch_takes_no_key() {
    let fixture = Fixture::new();
    let wrong = task("wrong").max_attempts(0);
    fixture.queue.enqueue_all(&[keyed("a", key()), wrong]).unwrap_err();
    assert!(add(&fixture.queue, keyed("a", key())).is_new());
}

#[test]
fn a_key_taken_in_a_callers_transaction_is_taken_by_its_commit() {
    let fixture = Fixture::new();
    let mut connection = Connection::open(fixture.path()).unwrap();
    for commits in [false, true] {
        let behavior = TransactionBehavior::Immediate;
        let transaction = connection.transaction_with_behavior(behavior).unwrap();
        let tasks = [keyed("a", key()), keyed("a", key())];
        let handles = prismq::sqlite::enqueue_in(&fixture.queue, &transaction, &tasks).unwrap();
        assert_eq!(handles[0].id(), handles[1].id());
        assert!(handles[0].is_new() && !handles[1].is_new());
        if commits {
            transaction.commit().unwrap();
        }
    }
    assert!(!add(&fixture.queue, keyed("a", key())).is_new());
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 1);
}

#[test]
fn rows_of_free_keys_do_not_pile_up() {
    let fixture = Fixture::new();
    for round in 0..200 {
        let payload = format!("{round}");
        add(&fixture.queue, task(&payload).unique(Unique::payload()));
        if round % 10 != 0 {
            fixture.queue.complete(&fixture.claim_one()).unwrap();
        }
    }
    // Twenty are waiting, under the lowest ids that were not claimed.
    let rows = rows(&fixture);
    assert!((20..80).contains(&rows), "{rows}");
}

#[derive(Task, Serialize, Deserialize)]
#[task(name = "job", unique = "while waiting", expires_after = "1h")]
struct Thumbnail {
    user: i64,
}

#[test]
fn a_type_declares_how_its_tasks_are_unique_and_how_long_they_live() {
    let fixture = Fixture::new();
    let first = fixture.queue.enqueue(Thumbnail { user: 1 }).unwrap();
    let again = fixture.queue.enqueue(Thumbnail { user: 1 }).unwrap();
    assert_eq!(again.enqueued(), Enqueued::Duplicate(first.id()));
    fixture.claim_one();
    assert!(fixture.queue.enqueue(Thumbnail { user: 1 }).unwrap().is_new());
    fixture.clock.advance(HOUR);
    fixture.claim(9);
    assert_eq!(fixture.queue.stats("default").unwrap().expired, 1);
}

#[test]
fn a_key_out_of_bounds_is_refused() {
    let fixture = Fixture::new();
    let long = "k".repeat(UNIQUE_KEY_BYTES_MAX);
    assert!(add(&fixture.queue, keyed("a", Unique::key(long.as_str()))).is_new());
    assert!(add(&fixture.queue, keyed("a", key().for_period(UNIQUE_PERIOD_MAX))).is_new());
    let wrong = [
        Unique::key(""),
        Unique::key(format!("{long}k")),
        Unique::key("a\0b"),
        key().for_period(Duration::ZERO),
        key().for_period(UNIQUE_PERIOD_MAX + Duration::from_micros(1)),
    ];
    for unique in wrong {
        let refused = fixture.queue.enqueue(&keyed("a", unique.clone()));
        assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{unique:?}: {refused:?}");
    }
}

#[test]
#[ignore = "started by processes_that_enqueue_the_same_keys_add_each_once"]
fn enqueuer() {
    let (file, _watchdog) = TestProcess::file();
    let queue = Queue::open(file).unwrap();
    for number in 0..200 {
        let unique = Unique::key(format!("key {number}"));
        queue.enqueue(&NewTask::new("job", *b"x").unique(unique)).unwrap();
    }
}

#[test]
fn processes_that_enqueue_the_same_keys_add_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.db");
    let queue = Queue::open(&file).unwrap();
    let start = |_| TestProcess::start(concat!(module_path!(), "::enqueuer"), &file);
    let processes: Vec<_> = (0..3).map(start).collect();
    processes.into_iter().for_each(|process| drop(process.output()));
    assert_eq!(queue.stats("default").unwrap().enqueued, 200);
}
