//! Depth limits: how many live tasks a queue may hold.

use std::thread;
use std::time::Duration;

use prismq::{Error, NewTask, Result, TaskError, Unique};
use rusqlite::{Connection, TransactionBehavior};

use crate::support::{DEADLINE, Fixture, RETRY, join, task};

fn limited(limit: u32) -> Fixture {
    let fixture = Fixture::new();
    fixture.queue.set_depth_limit("default", limit).unwrap();
    fixture
}

#[track_caller]
fn assert_full<T: std::fmt::Debug>(refused: Result<T>, limit: u32) {
    match refused {
        Err(Error::QueueFull { queue, limit: found, .. }) if queue == "default" => {
            assert_eq!(found, limit);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_queue_refuses_tasks_until_one_ends() {
    let fixture = limited(3);
    fixture.enqueue("a");
    fixture.queue.enqueue(&task("b").delay(RETRY)).unwrap();
    fixture.enqueue("c");
    assert_full(fixture.queue.enqueue(&task("d")), 3);
    let lease = fixture.claim_one();
    assert_full(fixture.queue.enqueue(&task("d")), 3);
    fixture.queue.complete(&lease).unwrap();
    fixture.enqueue("d");
    assert_full(fixture.queue.enqueue(&task("e")), 3);
    fixture.queue.fail(&fixture.claim_one(), TaskError::permanent("no")).unwrap();
    fixture.enqueue("e");
    assert!(fixture.queue.enqueue(&task("x").queue("other")).is_ok());
}

#[test]
fn a_batch_that_does_not_fit_is_refused_whole() {
    let fixture = limited(3);
    fixture.enqueue("a");
    assert_full(fixture.queue.enqueue_all(&[task("b"), task("c"), task("d")]), 3);
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 1);
    fixture.queue.enqueue_all(&[task("b"), task("c")]).unwrap();
}

#[test]
fn a_duplicate_takes_no_room() {
    let fixture = limited(2);
    let unique = || task("a").unique(Unique::payload());
    fixture.queue.enqueue_all(&[unique(), unique(), unique(), task("b")]).unwrap();
    fixture.queue.enqueue(&unique()).unwrap();
    assert_full(fixture.queue.enqueue(&task("c")), 2);
}

/// The queue of the first has no limit.
#[test]
fn a_duplicate_of_a_task_that_the_same_call_adds_to_another_queue_takes_no_room() {
    let fixture = limited(1);
    fixture.enqueue("a");
    let unique = |queue: &str| task("b").unique(Unique::key("b")).queue(queue);
    let handles = fixture.queue.enqueue_all([unique("other"), unique("default")]).unwrap();
    assert_eq!(handles.iter().map(prismq::Handle::is_new).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_refused_call_hands_its_tasks_back() {
    let fixture = limited(1);
    let tasks = [task("a").unique(Unique::payload()), task("b").priority(7).key("k")];
    let refused = fixture.queue.enqueue_all(tasks.clone()).unwrap_err();
    let Error::QueueFull { tasks: back, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(**back, tasks);
    assert!(!format!("{refused:?}").contains("payload"), "{refused:?}");
    fixture.queue.set_depth_limit("default", 2).unwrap();
    fixture.queue.enqueue_all(back.iter()).unwrap();
    assert_full(fixture.queue.enqueue(task("c")), 2);
}

#[test]
fn tasks_that_are_in_come_back_although_the_limit_was_lowered() {
    let fixture = limited(9);
    for payload in ["a", "b", "c"] {
        fixture.enqueue(payload);
    }
    fixture.queue.set_depth_limit("default", 1).unwrap();
    let leases = fixture.claim(3);
    fixture.queue.release(&leases[0]).unwrap();
    fixture.queue.fail(&leases[1], "again").unwrap();
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.scheduled, stats.depth_limit), (1, 1, Some(1)));
    assert_full(fixture.queue.enqueue(&task("d")), 1);
}

#[test]
fn a_limit_is_kept_in_the_file_until_it_is_lifted() {
    let fixture = limited(1).reopen_after(|_| {});
    let other = fixture.another_handle();
    other.enqueue(&task("a")).unwrap();
    assert_full(fixture.queue.enqueue(&task("b")), 1);
    other.set_depth_limit("default", None).unwrap();
    fixture.enqueue("b");
    assert_eq!(fixture.queue.stats("default").unwrap().depth_limit, None);
}

#[test]
fn a_limit_holds_for_a_callers_transaction_which_goes_on() {
    let fixture = limited(1);
    let mut connection = Connection::open(fixture.path()).unwrap();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let enqueue =
        |tasks: &[NewTask]| prismq::sqlite::enqueue_in(&fixture.queue, &transaction, tasks);
    assert_full(enqueue(&[task("a"), task("b")]), 1);
    enqueue(&[task("a")]).unwrap();
    assert_full(enqueue(&[task("b")]), 1);
    transaction.commit().unwrap();
    assert_eq!(fixture.claimed(9), ["a"]);
}

#[test]
fn a_limit_of_none_is_refused() {
    let fixture = Fixture::new();
    let refused = fixture.queue.set_depth_limit("default", 0);
    assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{refused:?}");
}

#[test]
fn an_enqueue_that_may_wait_goes_on_once_there_is_room() {
    let fixture = limited(1);
    fixture.enqueue("a");
    // By this handle, and by another, as of another process.
    for other in [fixture.queue.clone(), fixture.another_handle()] {
        let lease = fixture.claim_one();
        let queue = fixture.queue.clone();
        let waiting = thread::spawn(move || queue.enqueue_within(&task("next"), DEADLINE));
        other.complete(&lease).unwrap();
        assert!(join(waiting, "the enqueue").unwrap().is_new());
    }
    let lease = fixture.claim_one();
    let queue = fixture.queue.clone();
    let waiting = thread::spawn(move || queue.enqueue_within(&task("next"), DEADLINE));
    fixture.another_handle().set_depth_limit("default", 2).unwrap();
    assert!(join(waiting, "the enqueue").unwrap().is_new());
    fixture.queue.complete(&lease).unwrap();
}

#[test]
fn an_enqueue_waits_no_longer_than_it_may() {
    let fixture = limited(1);
    fixture.enqueue("a");
    for timeout in [Duration::ZERO, Duration::from_millis(30)] {
        assert_full(fixture.queue.enqueue_within(&task("b"), timeout), 1);
    }
}
