//! Setting limits, listing them, and what is refused.

use std::time::Duration;

use prismq::{Error, Limit, TaskError};

use super::leases;
use crate::support::{Fixture, task};

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, Error>, what: &str) {
    match answer {
        Err(Error::InvalidInput { what: named, .. }) => assert_eq!(named, what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_task_under_a_limit_that_is_not_set_is_refused_with_its_batch() {
    let fixture = Fixture::new();
    let unknown = fixture.queue.enqueue_all(&[task("a"), task("b").limit("ap1")]);
    assert!(
        matches!(&unknown, Err(Error::UnknownLimit { limit }) if limit == "ap1"),
        "{unknown:?}"
    );
    assert_eq!(fixture.queue.stats("default").unwrap().enqueued, 0);
    fixture.another_handle().set_limit("ap1", Limit::unlimited()).unwrap();
    fixture.queue.enqueue(&task("b").limit("ap1")).unwrap();
}

#[test]
fn limits_are_listed_with_their_tasks_and_survive_a_restart() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let limit = Limit::rate(10, Duration::from_secs(1)).burst(4);
    let per_key = Limit::concurrency(2).per_key();
    queue.set_limit("api", limit.and(per_key)).unwrap();
    queue.set_limit("other", Limit::unlimited()).unwrap();
    queue.set_limit("other", Limit::concurrency(7)).unwrap();
    let tasks = ["a", "a", "a", "b"].map(|key| task("x").limit("api").key(key));
    queue.enqueue_all(&tasks).unwrap();
    queue.enqueue(&task("x").limit("api")).unwrap();
    assert_eq!(leases(&fixture, 9).len(), 4);
    let fixture = fixture.reopen_after(|_| {});
    let limits = fixture.queue.limits().unwrap();
    let listed: Vec<_> = limits
        .iter()
        .map(|info| (info.name.as_str(), info.limit, info.running, info.waiting, info.keys))
        .collect();
    let api = ("api", limit.and(per_key), 4, 1, 2);
    assert_eq!(listed, [api, ("other", Limit::concurrency(7), 0, 0, 0)]);
}

#[test]
fn bounds_and_names_that_cannot_be_are_refused() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    refused(queue.set_limit("api", Limit::concurrency(0)), "concurrency");
    refused(queue.set_limit("api", Limit::rate(0, Duration::from_secs(1))), "rate");
    refused(queue.set_limit("", Limit::unlimited()), "limit name");
    refused(queue.set_limit("a\0b", Limit::unlimited()), "limit name");
    refused(queue.set_concurrency("default", Some(0)), "concurrency");
    refused(queue.set_concurrency("a\nb", Some(1)), "queue name");
    refused(queue.enqueue(&task("x").key("")), "key");
    refused(queue.enqueue(&task("x").key("k".repeat(129))), "key");
    refused(queue.enqueue(&task("x").limit("a\tb")), "limit name");
    refused(queue.enqueue(&task("x").ordered()), "ordered");
    assert!(queue.limits().unwrap().is_empty());
}

#[test]
fn a_file_holds_so_many_limits_and_goes_on_with_those_it_has() {
    let fixture = Fixture::new();
    for number in 0..prismq::limits::LIMITS_MAX {
        fixture.queue.set_limit(&number.to_string(), Limit::concurrency(1)).unwrap();
    }
    let full = fixture.queue.set_limit("one more", Limit::unlimited());
    assert!(matches!(full, Err(Error::TooManyLimits { .. })), "{full:?}");
    fixture.queue.set_limit("7", Limit::concurrency(2)).unwrap();
}

/// What a task of a key leaves in the history is found by its id as any other.
#[test]
fn completed_tasks_of_keys_are_kept_as_history() {
    let fixture = Fixture::new();
    fixture.queue.set_history("default", 10).unwrap();
    let id = fixture.queue.enqueue(&task("x").key("k")).unwrap();
    fixture.queue.complete(&fixture.claim_one()).unwrap();
    let kept = fixture.queue.task(id.id()).unwrap().unwrap();
    assert_eq!((kept.state, kept.task_type.as_str()), (prismq::State::Completed, "job"));
    let dead = fixture.queue.enqueue(&task("y").key("k")).unwrap();
    fixture.queue.fail(&fixture.claim_one(), TaskError::permanent("no")).unwrap();
    assert_eq!(fixture.queue.task(dead.id()).unwrap().unwrap().queue, "default");
}
