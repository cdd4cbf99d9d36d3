use std::time::Duration;

use prismq::limits::AGEING_STEP_MAX;
use prismq::{Error, Order, Queue};

use crate::support::{Fixture, claim, task, text};

fn filled(order: Order) -> Fixture {
    let fixture = Fixture::new();
    fixture.queue.set_order("default", order).unwrap();
    for (payload, priority) in [("a", 5), ("b", 1), ("c", 3)] {
        fixture.queue.enqueue(&task(payload).priority(priority)).unwrap();
        fixture.clock.advance(Duration::from_secs(10));
    }
    fixture
}

fn claimed(queue: &Queue) -> Vec<String> {
    queue.claim(&claim().max(10)).unwrap().iter().map(text).collect()
}

#[test]
fn by_priority() {
    assert_eq!(claimed(&filled(Order::Priority).queue), ["b", "c", "a"]);
}

#[test]
fn first_in_first_out() {
    assert_eq!(claimed(&filled(Order::FirstInFirstOut).queue), ["a", "b", "c"]);
}

#[test]
fn last_in_first_out() {
    assert_eq!(claimed(&filled(Order::LastInFirstOut).queue), ["c", "b", "a"]);
}

#[test]
fn by_age_and_priority() {
    let ageing = |seconds| Order::Ageing { step: Duration::from_secs(seconds) };
    // One number is worth 1 s, less than the 10 s between them; then 4 s; then 20 s.
    assert_eq!(claimed(&filled(ageing(1)).queue), ["a", "b", "c"]);
    assert_eq!(claimed(&filled(ageing(4)).queue), ["b", "a", "c"]);
    assert_eq!(claimed(&filled(ageing(20)).queue), ["b", "c", "a"]);
}

#[test]
fn at_random_without_losing_one() {
    let mut tasks = claimed(&filled(Order::WeightedRandom).queue);
    tasks.sort();
    assert_eq!(tasks, ["a", "b", "c"]);
}

#[test]
fn the_order_holds_for_every_handle() {
    let fixture = Fixture::new();
    let other = fixture.another_handle();
    other.enqueue(&task("first")).unwrap();
    other.complete(&fixture.claim_one()).unwrap();
    fixture.queue.set_order("default", Order::LastInFirstOut).unwrap();
    for payload in ["a", "b"] {
        other.enqueue(&task(payload)).unwrap();
    }
    assert_eq!(claimed(&fixture.queue), ["b", "a"]);
}

#[test]
fn the_order_is_set_only_while_the_queue_is_empty() {
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
