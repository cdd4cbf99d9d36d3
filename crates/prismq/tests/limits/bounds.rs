//! Each bound is accepted, and one more is refused.
//!
//! Failure mode: input: sizes, delays, attempts, leases and names out of bounds | refused as `InvalidInput` before anything is written; accepted at the bound

use std::time::Duration;

use prismq::limits::*;
use prismq::{Claim, Error, NewTask, Result, TaskError};

use crate::support::{Fixture, claim, task};

/// The last allowed value is accepted, the next is refused as invalid input.
#[track_caller]
fn assert_edge<T>(allowed: Result<T>, refused: Result<T>) {
    assert!(allowed.is_ok(), "{:?}", allowed.err());
    let error = refused.err().expect("one more is refused");
    assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
}

#[test]
fn fields_of_a_task_are_accepted_up_to_their_bounds() {
    let fixture = Fixture::new();
    let enqueue = |task: NewTask| fixture.queue.enqueue(&task);
    let long = |bytes: usize| "x".repeat(bytes);
    assert_edge(
        enqueue(NewTask::new("job", vec![0; PAYLOAD_BYTES_MAX])),
        enqueue(NewTask::new("job", vec![0; PAYLOAD_BYTES_MAX + 1])),
    );
    assert_edge(
        enqueue(NewTask::new(long(NAME_BYTES_MAX), [])),
        enqueue(NewTask::new(long(NAME_BYTES_MAX + 1), [])),
    );
    assert_edge(enqueue(NewTask::new("j", [])), enqueue(NewTask::new("", [])));
    assert_edge(enqueue(task("").queue("é")), enqueue(task("").queue("a\nb")));
    assert_edge(
        enqueue(task("").queue(long(NAME_BYTES_MAX))),
        enqueue(task("").queue(long(NAME_BYTES_MAX + 1))),
    );
    assert_edge(
        enqueue(task("").max_attempts(ATTEMPTS_MAX)),
        enqueue(task("").max_attempts(ATTEMPTS_MAX + 1)),
    );
    assert_edge(enqueue(task("").max_attempts(1)), enqueue(task("").max_attempts(0)));
    assert_edge(
        enqueue(task("").priority(PRIORITY_MAX)),
        enqueue(task("").priority(PRIORITY_MAX + 1)),
    );
    assert_edge(
        enqueue(task("").priority(PRIORITY_MIN)),
        enqueue(task("").priority(PRIORITY_MIN - 1)),
    );
    assert_edge(
        enqueue(task("").delay(DELAY_MAX)),
        enqueue(task("").delay(DELAY_MAX + Duration::from_micros(1))),
    );
}

#[test]
fn fields_of_a_claim_are_accepted_up_to_their_bounds() {
    let fixture = Fixture::new();
    let try_claim = |claim: Claim| fixture.queue.claim(&claim);
    let types = |count: usize| Claim::new((0..count).map(|number| number.to_string()));
    assert_edge(
        try_claim(claim().max(CLAIM_BATCH_MAX)),
        try_claim(claim().max(CLAIM_BATCH_MAX + 1)),
    );
    assert_edge(try_claim(claim().max(1)), try_claim(claim().max(0)));
    assert_edge(try_claim(types(CLAIM_TYPES_MAX)), try_claim(types(CLAIM_TYPES_MAX + 1)));
    assert_edge(try_claim(types(1)), try_claim(types(0)));
    assert_edge(
        try_claim(claim().lease(LEASE_MAX)),
        try_claim(claim().lease(LEASE_MAX + Duration::from_micros(1))),
    );
    assert_edge(
        try_claim(claim().lease(LEASE_MIN)),
        try_claim(claim().lease(LEASE_MIN - Duration::from_nanos(1))),
    );
}

#[test]
fn retry_delays_are_bounded_and_error_texts_are_cut() {
    let fixture = Fixture::new();
    fixture.enqueue("one");
    fixture.enqueue("two");
    let leases = fixture.claim(2);
    let after = |delay| TaskError::new("x").retry_after(delay);
    assert_edge(
        fixture.queue.fail(&leases[0], after(DELAY_MAX)),
        fixture.queue.fail(&leases[1], after(DELAY_MAX + Duration::from_micros(1))),
    );
    // A text is cut, never within a character, and never refused.
    let text = "x".repeat(ERROR_BYTES_MAX - 1) + "é";
    fixture.queue.fail(&leases[1], text).unwrap();
    let error = fixture.queue.task(leases[1].id()).unwrap().unwrap().error.unwrap();
    assert_eq!(error.len(), ERROR_BYTES_MAX - 1);
}

#[test]
fn queues_and_types_of_a_file_are_bounded() {
    let fixture = Fixture::new();
    let types = |count: u32| -> Vec<NewTask> {
        (0..count).map(|number| NewTask::new(format!("type {number}"), [])).collect()
    };
    let error = fixture.queue.enqueue_all(types(TASK_TYPES_MAX + 1)).unwrap_err();
    assert!(matches!(error, Error::TooManyNames { .. }), "{error:?}");
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 0, "all or none");
    fixture.queue.enqueue_all(types(TASK_TYPES_MAX)).unwrap();
    let error = fixture.queue.enqueue(task("")).unwrap_err();
    assert!(matches!(error, Error::TooManyNames { .. }), "{error:?}");

    let queue = |number: u32| format!("queue {number}");
    let set = |name: &str| fixture.queue.set_order(name, prismq::Order::FirstInFirstOut);
    (1..QUEUES_MAX).for_each(|number| set(&queue(number)).unwrap());
    let error = set(&queue(QUEUES_MAX)).unwrap_err();
    assert!(matches!(error, Error::TooManyNames { .. }), "{error:?}");
    set(&queue(1)).unwrap();
}

#[test]
fn the_history_is_bounded() {
    let fixture = Fixture::new();
    assert_edge(
        fixture.queue.set_history("default", HISTORY_MAX),
        fixture.queue.set_history("default", HISTORY_MAX + 1),
    );
}

#[test]
fn requirements_and_capabilities_are_bounded() {
    let fixture = Fixture::new();
    let names = |count: usize| (0..count).map(|number| number.to_string());
    assert_edge(
        fixture.queue.enqueue(task("").requires(names(REQUIREMENTS_MAX))),
        fixture.queue.enqueue(task("").requires(names(REQUIREMENTS_MAX + 1))),
    );
    assert_edge(
        fixture.queue.claim(&claim().capabilities(names(CAPABILITIES_MAX))),
        fixture.queue.claim(&claim().capabilities(names(CAPABILITIES_MAX + 1))),
    );
    assert_edge(
        fixture.queue.enqueue(task("").requires(["a"])),
        fixture.queue.enqueue(task("").requires(["a\nb"])),
    );
}
