//! Failed attempts, each kept with its task.

use std::time::Duration;

use prismq::limits::{ATTEMPT_ERROR_BYTES_MAX, ATTEMPTS_KEPT_MAX};
use prismq::{Attempt, Clock as _, NewTask, State, TaskError, TaskId, WorkerPool};

use super::rows;
use crate::support::{Fixture, LEASE, RETRY, task, wait_until};

fn attempts(fixture: &Fixture, id: TaskId) -> Vec<Attempt> {
    fixture.queue.task(id).unwrap().unwrap().attempts
}

/// Fails a task until its attempts are used up; each attempt takes a second.
fn fail_all(fixture: &Fixture, attempts: u32) -> TaskId {
    fixture.queue.enqueue(&task("job").max_attempts(attempts)).unwrap();
    let mut id = None;
    for attempt in 1..=attempts {
        let lease = fixture.claim_one();
        fixture.clock.advance(Duration::from_secs(1));
        fixture.queue.fail(&lease, TaskError::new(format!("error {attempt}"))).unwrap();
        fixture.clock.advance(RETRY);
        id = Some(lease.id());
    }
    id.unwrap()
}

#[test]
fn each_failed_attempt_is_kept_with_its_error_its_times_and_its_process() {
    let fixture = Fixture::new();
    let begun = fixture.clock.now();
    let id = fail_all(&fixture, 2);
    let second = Duration::from_secs(1);
    let kept = attempts(&fixture, id);
    let errors: Vec<_> = kept.iter().map(|each| (each.attempt, each.error.as_str())).collect();
    assert_eq!(errors, [(1, "error 1"), (2, "error 2")]);
    assert_eq!((kept[0].began_at, kept[0].ended_at), (Some(begun), begun.after(second)));
    assert_eq!(kept[1].began_at, Some(begun.after(second + RETRY)));
    assert!(kept.iter().all(|each| each.process == Some(std::process::id())), "{kept:?}");
    assert!(kept.iter().all(|each| each.worker.is_none()), "no pool ran it: {kept:?}");
}

#[test]
fn an_attempt_has_the_type_of_its_error_and_the_texts_of_its_sources() {
    let fixture = Fixture::new();
    let error = prismq::Error::TransactionRolledBack {
        source: Box::new(prismq::Error::Full { reason: "quota".to_owned() }),
    };
    fixture.enqueue("job");
    let lease = fixture.claim_one();
    fixture.queue.fail(&lease, error).unwrap();
    let [attempt] = &attempts(&fixture, lease.id())[..] else { panic!("one attempt") };
    assert_eq!(attempt.error_type.as_deref(), Some("prismq::model::error::Error"));
    assert!(attempt.error.contains("rolled back") && attempt.error.contains("quota"));
}

#[test]
fn only_the_last_attempts_are_kept_and_long_errors_are_cut() {
    let fixture = Fixture::new();
    let id = fail_all(&fixture, ATTEMPTS_KEPT_MAX + 3);
    let numbers: Vec<_> = attempts(&fixture, id).iter().map(|each| each.attempt).collect();
    assert_eq!(numbers, (4..=ATTEMPTS_KEPT_MAX + 3).collect::<Vec<_>>());

    let id = fixture.enqueue("long");
    let long = "ä".repeat(ATTEMPT_ERROR_BYTES_MAX);
    fixture.queue.fail(&fixture.claim_one(), TaskError::permanent(long)).unwrap();
    let [attempt] = &attempts(&fixture, id)[..] else { panic!("one attempt") };
    assert_eq!(attempt.error, "ä".repeat(ATTEMPT_ERROR_BYTES_MAX / 2));
}

#[test]
fn a_lease_that_expired_is_kept_as_an_attempt_of_an_unknown_process() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("late");
    fixture.claim_one();
    fixture.clock.advance(LEASE);
    let reclaimed_at = fixture.clock.now();
    fixture.claim_one();
    let [attempt] = &attempts(&fixture, id)[..] else { panic!("one attempt") };
    assert!(attempt.error.contains("lease expired"), "{attempt:?}");
    assert_eq!((attempt.attempt, attempt.ended_at), (1, reclaimed_at));
    assert_eq!((attempt.began_at, attempt.process, attempt.worker), (None, None, None));
}

#[test]
fn a_released_attempt_is_not_kept() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("job");
    fixture.queue.release(&fixture.claim_one()).unwrap();
    assert_eq!(attempts(&fixture, id), []);
    assert_eq!(rows(&fixture), 0);
}

#[test]
fn attempts_are_deleted_with_their_task_and_kept_with_a_kept_one() {
    let fixture = Fixture::new();
    let fail_and_complete = || {
        let id = fixture.enqueue("job");
        fixture.queue.fail(&fixture.claim_one(), "no").unwrap();
        fixture.clock.advance(RETRY);
        fixture.queue.complete(&fixture.claim_one()).unwrap();
        id
    };
    fail_and_complete();
    assert_eq!(rows(&fixture), 0, "deleted with the task");

    fixture.queue.set_history("default", 1).unwrap();
    let id = fail_and_complete();
    assert_eq!(attempts(&fixture, id).len(), 1);
    fail_and_complete();
    assert_eq!(rows(&fixture), 1, "only that of the last task");
    fixture.queue.set_history("default", 0).unwrap();
    assert_eq!(rows(&fixture), 0);
}

#[test]
fn a_deleted_or_cancelled_task_leaves_no_attempt_behind() {
    let fixture = Fixture::new();
    let dead = fixture.enqueue("dead");
    fixture.queue.fail(&fixture.claim_one(), TaskError::permanent("no")).unwrap();
    let retried = fixture.enqueue("retried");
    fixture.queue.fail(&fixture.claim_one(), "no").unwrap();
    assert_eq!(rows(&fixture), 2);
    fixture.queue.tasks().dead().delete().unwrap();
    assert!(fixture.queue.task(dead).unwrap().is_none());
    fixture.queue.cancel(retried).unwrap();
    assert!(fixture.queue.task(retried).unwrap().is_none());
    assert_eq!(rows(&fixture), 0);
}

#[test]
fn an_attempt_of_a_pool_names_its_worker_and_begins_with_its_handler() {
    let fixture = Fixture::new();
    let begun = fixture.clock.now();
    let pool = WorkerPool::builder(&fixture.queue)
        .workers(1)
        .handle_bytes("job", |_, _| Err(TaskError::permanent("no")))
        .start()
        .unwrap();
    let id = fixture.enqueue("job");
    wait_until!(pool.stats().dead == 1);
    let [attempt] = &attempts(&fixture, id)[..] else { panic!("one attempt") };
    assert_eq!((attempt.worker, attempt.process), (Some(0), Some(std::process::id())));
    assert!(attempt.began_at.unwrap() <= begun && attempt.ended_at == begun, "{attempt:?}");
}

#[test]
fn a_dead_task_keeps_its_last_error_in_full() {
    let fixture = Fixture::new();
    let text = "x".repeat(2 * ATTEMPT_ERROR_BYTES_MAX);
    fixture.queue.enqueue(&NewTask::new("job", [])).unwrap();
    let lease = fixture.claim_one();
    fixture.queue.fail(&lease, TaskError::permanent(text.clone())).unwrap();
    let task = fixture.queue.task(lease.id()).unwrap().unwrap();
    assert_eq!((task.state, task.error), (State::Dead, Some(text)));
}
