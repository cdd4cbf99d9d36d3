//! What becomes of a task by the error of its handler.

use std::time::Duration;

use prismq::{
    Claim, Keep, Lease, Outcome, Queue, Retention, State, Task, TaskError, TaskResult, WorkerPool,
};
use serde::{Deserialize, Serialize};

use crate::support::{Fixture, LEASE, RETRY};

#[derive(Task, Serialize, Deserialize)]
#[task(max_attempts = 3, backoff = "7s")]
struct Work;

/// The state of a task after one attempt that returned this error, and the outcome that was reported.
fn after(
    error: impl Fn() -> TaskError + Send + Sync + 'static,
) -> (prismq::TaskInfo, Vec<Outcome>) {
    let fixture = Fixture::new();
    let (send, outcomes) = std::sync::mpsc::channel();
    let handle = fixture.queue.enqueue(Work).unwrap();
    WorkerPool::builder(&fixture.queue)
        .handle(move |_: Work, _| Err(error()))
        .on_event(move |event| send.send(event.outcome).unwrap())
        .run_until_empty()
        .unwrap();
    (handle.info().unwrap().unwrap(), outcomes.iter().collect())
}

#[test]
fn a_failure_is_retried_by_the_policy_of_its_type() {
    let (task, outcomes) = after(|| "no route to host".into());
    assert_eq!((task.state, task.attempt), (State::Scheduled, 1));
    assert_eq!(task.run_at, task.enqueued_at.after(Duration::from_secs(7)));
    assert_eq!(
        (task.error.as_deref(), &outcomes[..]),
        (Some("no route to host"), &[Outcome::Retried][..])
    );
}

#[test]
fn a_failure_with_a_delay_of_its_own_is_retried_after_it() {
    let (task, _) = after(|| TaskError::new("429").retry_after(Duration::from_secs(99)));
    assert_eq!((task.state, task.attempt), (State::Scheduled, 1));
    assert_eq!(task.run_at, task.enqueued_at.after(Duration::from_secs(99)));
}

#[test]
fn a_permanent_failure_is_a_dead_letter_with_all_sources_in_its_error() {
    fn parse() -> TaskResult {
        let parsed: Result<u8, _> = "x".parse();
        let error = parsed.map_err(|error| anyhow::Error::new(error).context("the port"));
        Err(TaskError::permanent(error.unwrap_err()))
    }
    let (task, outcomes) = after(|| parse().unwrap_err());
    assert_eq!((task.state, task.attempt, outcomes), (State::Dead, 1, vec![Outcome::Dead]));
    assert_eq!(task.error.as_deref(), Some("the port: invalid digit found in string"));
}

#[test]
fn a_snooze_counts_no_attempt_and_records_no_error() {
    let (task, outcomes) = after(|| TaskError::snooze(Duration::from_secs(60)));
    assert_eq!((task.state, task.attempt, task.error), (State::Scheduled, 0, None));
    assert_eq!(task.run_at, task.enqueued_at.after(Duration::from_secs(60)));
    assert_eq!(outcomes, [Outcome::Snoozed]);
}

#[test]
fn a_cancelled_task_ends_and_is_kept_with_its_reason_if_its_queue_keeps_such() {
    let fixture = Fixture::new();
    let retention = Retention { cancelled: Keep::last(10), ..Retention::default() };
    let outcome = |queue: &Queue| {
        let handle = queue.enqueue(Work).unwrap();
        let report = WorkerPool::builder(queue)
            .handle(|_: Work, _| Err(TaskError::cancel("the account is closed")))
            .run_until_empty()
            .unwrap();
        assert_eq!((report.stats.cancelled, report.stats.retried), (1, 0));
        handle.info().unwrap()
    };
    assert_eq!(outcome(&fixture.queue), None);
    fixture.queue.set_retention("default", retention).unwrap();
    let kept = outcome(&fixture.queue).unwrap();
    assert_eq!((kept.state, kept.attempt), (State::Cancelled, 1));
    assert_eq!(kept.error.as_deref(), Some("the account is closed"));
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.enqueued, stats.cancelled, stats.leased, stats.failed), (2, 2, 0, 0));
}

fn claim(fixture: &Fixture) -> Lease {
    let claim = Claim::new(["work"]).lease(LEASE);
    fixture.queue.claim(&claim).unwrap().pop().unwrap()
}

#[test]
fn a_task_may_be_put_off_more_often_than_it_has_attempts() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(Work.task().max_attempts(1)).unwrap().id();
    for _ in 0..3 {
        let lease = claim(&fixture);
        assert_eq!(lease.attempt(), 1);
        let state = fixture.queue.fail(&lease, TaskError::snooze(Duration::ZERO)).unwrap();
        assert_eq!(state, State::Ready);
    }
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.leased, stats.failed, stats.dead), (1, 0, 0, 0));
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().attempt, 0);
}

#[test]
fn a_snooze_keeps_the_error_of_the_attempt_before() {
    let fixture = Fixture::new();
    let handle = fixture.queue.enqueue(Work).unwrap();
    fixture.queue.fail(&claim(&fixture), "refused").unwrap();
    fixture.clock.advance(RETRY);
    fixture.queue.fail(&claim(&fixture), TaskError::snooze(RETRY)).unwrap();
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.scheduled, stats.leased, stats.failed), (1, 0, 1));
    let task = handle.info().unwrap().unwrap();
    assert_eq!((task.attempt, task.error.as_deref()), (1, Some("refused")));
}

#[test]
fn a_suspect_that_is_put_off_has_shown_that_it_kills_no_process() {
    let fixture = Fixture::new();
    fixture.queue.enqueue_all([Work, Work]).unwrap();
    let leases = fixture.queue.claim(&Claim::new(["work"]).max(2).lease(LEASE)).unwrap();
    assert_eq!(leases.len(), 2);
    fixture.clock.advance(LEASE);
    let suspect = claim(&fixture);
    fixture.queue.fail(&suspect, TaskError::snooze(Duration::ZERO)).unwrap();
    let suspects: i64 = rusqlite::Connection::open(fixture.path())
        .unwrap()
        .query_row("SELECT count(*) FROM prismq_task WHERE suspect", [], |row| row.get(0))
        .unwrap();
    assert_eq!(suspects, 1, "the other");
}

#[test]
fn a_snooze_beyond_the_longest_delay_is_refused_and_its_lease_holds() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(Work).unwrap();
    let lease = claim(&fixture);
    let error = fixture.queue.fail(&lease, TaskError::snooze(Duration::MAX)).unwrap_err();
    assert!(error.to_string().contains("ten years"), "{error}");
    fixture.queue.complete(&lease).unwrap();
}
