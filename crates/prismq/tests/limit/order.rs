//! The ordered tasks of a key run one at a time, in order.

use std::time::Duration;

use prismq::{Claim, Limit, NewTask, TaskError};

use super::{drained, leases, payloads};
use crate::support::{Fixture, LEASE, RETRY, task};

fn ordered(key: &str, payload: &str) -> NewTask {
    task(payload).key(key).ordered()
}

/// A queue with three tasks of the key `a` and one of `b`.
fn queue() -> Fixture {
    let fixture = Fixture::new();
    let tasks = ["a1", "a2", "a3", "b1"].map(|name| ordered(&name[..1], name));
    fixture.queue.enqueue_all(&tasks).unwrap();
    fixture
}

#[test]
fn one_task_of_a_key_runs_at_a_time_in_order() {
    let fixture = queue();
    let mut first = leases(&fixture, 9);
    first.sort_by_key(prismq::Lease::id);
    assert_eq!(payloads(&first), ["a1", "b1"]);
    fixture.queue.complete(&first[0]).unwrap();
    assert_eq!(drained(&fixture), ["a2", "a3"]);
}

#[test]
fn others_of_the_key_wait_for_the_retries_of_the_first() {
    let fixture = queue();
    let first = fixture.queue.claim(&Claim::new(["job"]).max(9)).unwrap();
    let a1 = first.iter().find(|lease| lease.payload() == b"a1").unwrap();
    fixture.queue.fail(a1, TaskError::new("later")).unwrap();
    assert!(leases(&fixture, 9).is_empty());
    fixture.clock.advance(RETRY);
    let retry = leases(&fixture, 9);
    assert_eq!(payloads(&retry), ["a1"]);
    fixture.queue.fail(&retry[0], TaskError::new("now").retry_after(Duration::ZERO)).unwrap();
    let again = leases(&fixture, 9);
    assert_eq!(payloads(&again), ["a1"]);
    fixture.queue.fail(&again[0], TaskError::permanent("never")).unwrap();
    assert_eq!(drained(&fixture), ["a2", "a3"], "once it is dead");
}

#[test]
fn a_more_urgent_task_does_not_overtake_one_that_has_begun() {
    let fixture = queue();
    let first = leases(&fixture, 1);
    assert_eq!(first.len(), 1);
    let key = &payloads(&first)[0][..1];
    fixture.queue.enqueue(&ordered(key, "urgent").priority(1)).unwrap();
    fixture.queue.fail(&first[0], TaskError::new("later")).unwrap();
    let between = drained(&fixture);
    assert!(!between.contains(&"urgent".to_owned()), "{between:?}");
    fixture.clock.advance(RETRY);
    let order = drained(&fixture);
    assert_eq!(order[..2], [payloads(&first)[0].clone(), "urgent".to_owned()], "{order:?}");
}

#[test]
fn a_key_goes_on_with_the_task_whose_lease_expired() {
    let fixture = queue();
    let first = leases(&fixture, 9);
    assert_eq!(first.len(), 2);
    fixture.clock.advance(LEASE);
    let mut again = leases(&fixture, 9);
    again.sort_by_key(prismq::Lease::id);
    assert_eq!(payloads(&again), ["a1", "b1"]);
}

#[test]
fn the_order_of_a_key_holds_over_its_types() {
    let fixture = Fixture::new();
    let of_type = |task_type: &str, payload: &str| {
        NewTask::new(task_type, payload.as_bytes()).key("k").ordered()
    };
    let tasks = [("create", "1"), ("update", "2"), ("create", "3"), ("update", "4")];
    fixture.queue.enqueue_all(&tasks.map(|(kind, payload)| of_type(kind, payload))).unwrap();
    let claim = |types: &[&str]| {
        let types: Vec<String> = types.iter().map(|name| (*name).to_owned()).collect();
        fixture.queue.claim(&Claim::new(types).max(9)).unwrap()
    };
    assert!(claim(&["update"]).is_empty(), "a create comes first");
    for (number, kind) in ["create", "update", "create", "update"].into_iter().enumerate() {
        let leases = claim(&["create", "update"]);
        assert_eq!(payloads(&leases), [(number + 1).to_string()], "{kind}");
        assert!(claim(&["update"]).is_empty() && claim(&["create"]).is_empty());
        fixture.queue.complete(&leases[0]).unwrap();
    }
}

#[test]
fn keys_are_ordered_within_their_queue() {
    let fixture = queue();
    let first = leases(&fixture, 9);
    assert_eq!(first.len(), 2);
    fixture.queue.enqueue(&ordered("a", "elsewhere").queue("mail")).unwrap();
    let claimed = fixture.queue.claim(&Claim::new(["job"]).queue("mail")).unwrap();
    assert_eq!(payloads(&claimed), ["elsewhere"]);
}

#[test]
fn an_ordered_key_keeps_the_rate_of_its_limit() {
    let fixture = Fixture::new();
    let second = Duration::from_secs(1);
    fixture.queue.set_limit("api", Limit::rate(1, second).per_key()).unwrap();
    let tasks = ["1", "2", "3"].map(|name| ordered("k", name).limit("api"));
    fixture.queue.enqueue_all(&tasks).unwrap();
    assert_eq!(drained(&fixture), ["1"]);
    fixture.clock.advance(second);
    assert_eq!(drained(&fixture), ["2"]);
    fixture.clock.advance(second);
    assert_eq!(drained(&fixture), ["3"]);
}
