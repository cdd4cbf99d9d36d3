//! In which order a queue returns its tasks.

use std::time::Duration;

use prismq::limits::AGEING_STEP_MAX;
use prismq::{Claim, Error, NewTask, Order, Queue};

use crate::support::{Fixture, LEASE, claim, task, text};

fn filled(order: Order) -> Fixture {
    let fixture = Fixture::new();
    fixture.queue.set_order("default", order).unwrap();
    for (payload, priority) in [("a", 5), ("b", 1), ("c", 3)] {
        fixture.queue.enqueue(task(payload).priority(priority)).unwrap();
        fixture.clock.advance(Duration::from_secs(10));
    }
    fixture
}

fn claimed(queue: &Queue) -> Vec<String> {
    queue.claim(&claim().max(10)).unwrap().iter().map(text).collect()
}

#[test]
fn tasks_are_claimed_by_priority() {
    assert_eq!(claimed(&filled(Order::Priority).queue), ["b", "c", "a"]);
}

#[test]
fn first_in_first_out_ignores_priorities() {
    assert_eq!(claimed(&filled(Order::FirstInFirstOut).queue), ["a", "b", "c"]);
}

#[test]
fn last_in_first_out_claims_the_newest_first() {
    assert_eq!(claimed(&filled(Order::LastInFirstOut).queue), ["c", "b", "a"]);
}

#[test]
fn ageing_weighs_age_against_priority() {
    let ageing = |seconds| Order::Ageing { step: Duration::from_secs(seconds) };
    // One step of priority is worth 1 s, less than the 10 s between two tasks; then 4 s; then 20 s.
    assert_eq!(claimed(&filled(ageing(1)).queue), ["a", "b", "c"]);
    assert_eq!(claimed(&filled(ageing(4)).queue), ["b", "a", "c"]);
    assert_eq!(claimed(&filled(ageing(20)).queue), ["b", "c", "a"]);
}

#[test]
fn weighted_random_returns_each_task_once() {
    let mut tasks = claimed(&filled(Order::WeightedRandom).queue);
    tasks.sort();
    assert_eq!(tasks, ["a", "b", "c"]);
}

#[test]
fn the_order_applies_to_every_handle() {
    let fixture = Fixture::new();
    let other = fixture.another_handle();
    other.enqueue(task("first")).unwrap();
    other.complete(&fixture.claim_one()).unwrap();
    fixture.queue.set_order("default", Order::LastInFirstOut).unwrap();
    for payload in ["a", "b"] {
        other.enqueue(task(payload)).unwrap();
    }
    assert_eq!(claimed(&fixture.queue), ["b", "a"]);
}

#[test]
fn the_order_can_be_set_only_while_the_queue_is_empty() {
    let fixture = filled(Order::Priority);
    let set = |order| fixture.queue.set_order("default", order);
    set(Order::Priority).unwrap();
    let error = set(Order::LastInFirstOut).unwrap_err();
    assert!(matches!(error, Error::NotEmpty { tasks: 3, .. }), "{error:?}");
    fixture.queue.set_order("another", Order::LastInFirstOut).unwrap();
    let step = AGEING_STEP_MAX + Duration::from_micros(1);
    let error = fixture.queue.set_order("aged", Order::Ageing { step }).unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
    fixture.queue.set_order("aged", Order::Ageing { step: AGEING_STEP_MAX }).unwrap();
}

#[test]
fn lower_priorities_come_first_then_older_tasks() {
    let fixture = Fixture::new();
    for (payload, priority) in [("c", 100), ("e", 101), ("a", -5), ("d", 100), ("b", 0)] {
        fixture.queue.enqueue(task(payload).priority(priority)).unwrap();
    }
    assert_eq!(fixture.claimed(2), ["a", "b"]);
    assert_eq!(fixture.claimed(10), ["c", "d", "e"]);
}

#[test]
fn a_delayed_task_is_not_claimed_before_a_ready_one() {
    let fixture = Fixture::new();
    let delayed = task("delayed").priority(0).delay(Duration::from_secs(1));
    fixture.queue.enqueue(&delayed).unwrap();
    fixture.enqueue("ready");
    assert_eq!(fixture.claimed(10), ["ready"]);
}

#[test]
fn a_claim_of_several_types_returns_them_in_one_order() {
    let fixture = Fixture::new();
    // More than is read from a lane at a time.
    let expected: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    for (number, payload) in expected.iter().enumerate() {
        let task_type = ["mail", "image", "other"][number % 3];
        let other = task_type == "other";
        let task = NewTask::new(task_type, payload.as_bytes());
        fixture.queue.enqueue(task.priority(if other { 0 } else { 100 })).unwrap();
    }
    let claim = Claim::new(["mail", "image", "never seen", "mail"]).lease(LEASE).max(200);
    let leases = fixture.queue.claim(&claim).unwrap();
    let expected: Vec<String> =
        (0..200).filter(|number| number % 3 != 2).map(|number: i32| number.to_string()).collect();
    assert_eq!(leases.iter().map(text).collect::<Vec<_>>(), expected);
}
