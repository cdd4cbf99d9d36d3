//! Cancelling tasks that wait and tasks that run.

use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::{
    CancelOutcome, CancelReason, Keep, Outcome, Retention, State, TaskError, TaskId, WorkerPool,
};

use super::{assert_balanced, dead};
use crate::support::{DEADLINE, Fixture, LEASE, TestProcess, ids, receive, task, wait_until};

const HOUR: Duration = Duration::from_secs(3600);

/// Keeps cancelled tasks, so that they can be looked up.
fn keep_cancelled(fixture: &Fixture) {
    let retention = Retention { cancelled: Keep::last(9), ..Retention::default() };
    fixture.queue.set_retention("default", retention).unwrap();
}

#[track_caller]
fn assert_cancelled(fixture: &Fixture, id: TaskId) {
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Cancelled);
    assert_eq!(fixture.claim(9), []);
    assert_balanced(fixture, "default");
    let connection = rusqlite::Connection::open(fixture.path()).unwrap();
    let left = "SELECT (SELECT count(*) FROM prismq_cancel), features & 16 FROM prismq_meta";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let left: (i64, i64) = connection.query_row(left, [], read).unwrap();
    assert_eq!(left, (0, 0), "no request is left");
}

#[test]
fn a_waiting_task_is_cancelled_at_once_and_never_run() {
    let fixture = Fixture::new();
    let ready = fixture.enqueue("ready");
    let scheduled = fixture.queue.enqueue(task("scheduled").delay(HOUR)).unwrap().id();
    let third = fixture.queue.enqueue(task("third")).unwrap();
    assert_eq!(third.cancel().unwrap(), CancelOutcome::Cancelled);
    for id in [ready, scheduled] {
        assert_eq!(fixture.queue.cancel(id).unwrap(), CancelOutcome::Cancelled);
        assert_eq!(fixture.queue.cancel(id).unwrap(), CancelOutcome::NotActive);
        assert_eq!(fixture.queue.task(id).unwrap(), None, "none is kept unless the queue does so");
    }
    fixture.clock.advance(HOUR);
    assert_eq!(fixture.claim(9), []);
    assert_eq!(fixture.queue.stats("default").unwrap().cancelled, 3);
    assert_balanced(&fixture, "default");
}

#[test]
fn a_queue_keeps_the_tasks_cancelled_last_with_their_payloads() {
    let fixture = Fixture::new();
    keep_cancelled(&fixture);
    let large = "x".repeat(5000);
    let id = fixture.enqueue(&large);
    fixture.queue.cancel(id).unwrap();
    let kept = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!((kept.state, kept.payload.len()), (State::Cancelled, large.len()));
    assert!(kept.completed_at.is_some());
    assert_eq!(fixture.queue.stats("default").unwrap().cancelled_kept, 1);
}

#[test]
fn dead_and_unknown_tasks_cannot_be_cancelled() {
    let fixture = Fixture::new();
    let id = dead(&fixture, "job", "no");
    assert_eq!(fixture.queue.cancel(id).unwrap(), CancelOutcome::NotActive);
    assert_eq!(fixture.queue.cancel(TaskId::from_i64(-7)).unwrap(), CancelOutcome::NotActive);
    assert_eq!(fixture.queue.tasks().cancel().unwrap(), prismq::CancelCount::default());
    assert_eq!(fixture.queue.stats("default").unwrap().dead, 1);
}

#[test]
fn a_running_task_whose_attempt_fails_ends_as_cancelled() {
    let fixture = Fixture::new();
    keep_cancelled(&fixture);
    let id = fixture.enqueue("running");
    let lease = fixture.claim_one();
    for _ in 0..2 {
        assert_eq!(fixture.queue.cancel(id).unwrap(), CancelOutcome::Requested);
    }
    assert_eq!(fixture.queue.fail(&lease, "stopped early").unwrap(), State::Cancelled);
    assert_cancelled(&fixture, id);
    let kept = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!(kept.error.as_deref(), Some("stopped early"));
}

#[test]
fn a_running_task_that_is_released_or_whose_last_attempt_fails_ends_as_cancelled() {
    type End = fn(&Fixture, &prismq::Lease);
    let ends: [End; 2] = [
        |fixture, lease| fixture.queue.release(lease).unwrap(),
        |fixture, lease| _ = fixture.queue.fail(lease, TaskError::permanent("no")).unwrap(),
    ];
    for end in ends {
        let fixture = Fixture::new();
        keep_cancelled(&fixture);
        let id = fixture.enqueue("running");
        let lease = fixture.claim_one();
        fixture.queue.cancel(id).unwrap();
        end(&fixture, &lease);
        assert_cancelled(&fixture, id);
    }
}

#[test]
fn a_running_task_whose_process_died_ends_as_cancelled_with_its_lease() {
    let fixture = Fixture::new();
    keep_cancelled(&fixture);
    let id = fixture.enqueue("running");
    let other = fixture.enqueue("other");
    let late = fixture.claim_one();
    fixture.queue.cancel(id).unwrap();
    fixture.clock.advance(LEASE);
    assert_eq!(fixture.claim_one().id(), other);
    assert!(fixture.queue.complete(&late).unwrap_err().is_lease_lost());
    assert_cancelled(&fixture, id);
}

#[test]
fn a_completion_wins_over_a_request_to_cancel() {
    let fixture = Fixture::new();
    keep_cancelled(&fixture);
    let id = fixture.enqueue("running");
    let lease = fixture.claim_one();
    fixture.queue.cancel(id).unwrap();
    fixture.queue.complete(&lease).unwrap();
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.completed, stats.cancelled, stats.leased), (1, 0, 0));
    let waiting = fixture.enqueue("no request is left");
    fixture.queue.cancel(waiting).unwrap();
    assert_cancelled(&fixture, waiting);
}

#[test]
fn tasks_are_cancelled_by_a_filter_running_ones_by_request() {
    let fixture = Fixture::new();
    fixture.queue.enqueue_all(&vec![task("job"); 1500]).unwrap();
    let held = fixture.claim(2);
    let waiting = fixture.queue.tasks().ready().cancel().unwrap();
    assert_eq!((waiting.ended, waiting.requested), (1498, 0));
    let running = fixture.queue.tasks().of_type("job").cancel().unwrap();
    assert_eq!((running.ended, running.requested), (0, 2));
    for lease in held {
        assert_eq!(fixture.queue.fail(&lease, "stopped").unwrap(), State::Cancelled);
    }
    assert_eq!(fixture.queue.stats("default").unwrap().cancelled, 1500);
    assert_balanced(&fixture, "default");
}

/// A pool whose handler says that it has begun, and runs until its task is to be cancelled.
fn pool(
    fixture: &Fixture,
) -> (WorkerPool, std::sync::mpsc::Receiver<TaskId>, std::sync::mpsc::Receiver<(TaskId, Outcome)>) {
    let (begun, begins) = channel();
    let (ended, ends) = channel();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", move |_, task| {
            begun.send(task.id()).unwrap();
            let started = std::time::Instant::now();
            while task.cancelled().is_none() && started.elapsed() < DEADLINE {
                std::thread::yield_now();
            }
            assert_eq!(task.cancelled(), Some(CancelReason::Operator));
            Err(TaskError::new("stopped early"))
        })
        .on_event(move |event| _ = ended.send((event.id, event.outcome)))
        .start()
        .unwrap();
    (pool, begins, ends)
}

#[test]
fn the_handler_of_a_running_task_is_notified_and_tasks_held_ahead_never_begin() {
    let fixture = Fixture::new();
    keep_cancelled(&fixture);
    let (pool, begins, ends) = pool(&fixture);
    let ids = ids(fixture.queue.enqueue_all(&[task("a"), task("b")]).unwrap());
    let running = receive(&begins, "the beginning of a task");
    let count = fixture.queue.tasks().cancel().unwrap();
    assert_eq!(count.ended + count.requested, 2);
    assert_eq!(receive(&ends, "an event"), (running, Outcome::Cancelled));
    wait_until!(fixture.queue.stats("default").unwrap().cancelled == 2);
    assert_eq!(pool.shutdown(DEADLINE).stats.per_worker, [1]);
    assert!(begins.try_recv().is_err(), "only one of {ids:?} has begun");
    assert_cancelled(&fixture, ids[0]);
}

#[test]
fn the_handler_of_a_task_that_another_process_cancels_is_notified() {
    let fixture = Fixture::new();
    let (pool, begins, ends) = pool(&fixture);
    let id = fixture.enqueue("job");
    assert_eq!(receive(&begins, "the beginning of the task"), id);
    let other = concat!(module_path!(), "::in_another_process");
    assert!(TestProcess::start(other, &fixture.path()).output().contains("1 passed"));
    assert_eq!(receive(&ends, "an event"), (id, Outcome::Cancelled));
    assert_eq!(pool.shutdown(DEADLINE).stats.cancelled, 1);
    assert_balanced(&fixture, "default");
}

#[test]
#[ignore = "run by another test in a process of its own"]
fn in_another_process() {
    let (path, _watchdog) = TestProcess::file();
    let queue = prismq::Queue::open(path).unwrap();
    assert_eq!(queue.tasks().running().cancel().unwrap().requested, 1);
}
