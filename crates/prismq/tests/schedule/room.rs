//! Slots whose queue is full.
//!
//! Failure mode: schedule: the queue of its task is full at a slot | the slot waits for room, and its policy for missed slots decides whether it still runs

use std::time::Duration;

use prismq::limits::MISSED_AFTER;
use prismq::{Clock, Missed, Timestamp, WorkerPool};

use super::firing::{HOUR, hourly, slots_since};
use crate::support::{Fixture, claim, wait_until};

const RETRY: Duration = Duration::from_secs(1);

/// A queue that holds as many tasks as it may, when the slots of so many hours pass.
fn full_at_slots(missed: Missed, hours: u32) -> (Fixture, Timestamp) {
    let fixture = Fixture::new();
    let start = fixture.clock.now();
    fixture.queue.set_depth_limit("default", 1).unwrap();
    fixture.enqueue("in the way");
    fixture.queue.schedules().set(&hourly("tick").missed(missed)).unwrap();
    for _ in 0..hours {
        fixture.clock.advance(HOUR);
        fire(&fixture);
    }
    (fixture, start)
}

/// Fires what is due, and claims none of it.
fn fire(fixture: &Fixture) {
    assert!(fixture.queue.claim(&claim().queue("other")).unwrap().is_empty());
}

fn make_room(fixture: &Fixture) {
    fixture.queue.tasks().queue("default").delete().unwrap();
    fixture.clock.advance(RETRY);
}

#[test]
fn a_slot_waits_for_room_and_says_so() {
    let (fixture, start) = full_at_slots(Missed::Once, 1);
    let info = fixture.queue.schedules().get("hourly").unwrap().unwrap();
    let error = info.error.unwrap();
    assert!(error.starts_with("waits for room: queue \"default\" is full"), "{error}");
    assert_eq!((info.next_run, info.enqueued), (Some(start.after(HOUR)), 0));
    make_room(&fixture);
    assert_eq!(slots_since(&fixture, start), [1]);
    let info = fixture.queue.schedules().get("hourly").unwrap().unwrap();
    assert_eq!((info.next_run, info.error), (Some(start.after(2 * HOUR)), None));
}

#[test]
fn of_slots_that_wait_the_last_runs_under_once() {
    let (fixture, start) = full_at_slots(Missed::Once, 3);
    make_room(&fixture);
    assert_eq!(slots_since(&fixture, start), [3]);
    fixture.clock.advance(RETRY);
    assert!(fixture.claim(9).is_empty());
}

#[test]
fn of_slots_that_wait_each_runs_under_all_as_room_comes() {
    let (fixture, start) = full_at_slots(Missed::All, 3);
    for slot in 1..=3 {
        make_room(&fixture);
        assert_eq!(slots_since(&fixture, start), [slot]);
    }
    make_room(&fixture);
    assert!(fixture.claim(9).is_empty());
    assert_eq!(fixture.queue.schedules().get("hourly").unwrap().unwrap().enqueued, 3);
}

#[test]
fn a_slot_waits_no_longer_than_a_minute_under_skip() {
    for (waits, run) in [(MISSED_AFTER - 2 * RETRY, vec![1]), (MISSED_AFTER, vec![])] {
        let (fixture, start) = full_at_slots(Missed::Skip, 1);
        fixture.clock.advance(waits);
        fire(&fixture);
        make_room(&fixture);
        assert_eq!(slots_since(&fixture, start), run);
    }
}

#[test]
fn a_full_queue_costs_a_transaction_each_retry_and_no_more() {
    let (fixture, _) = full_at_slots(Missed::Once, 1);
    let writes = || fixture.queue.contention().write_transactions;
    let before = writes();
    for _ in 0..5 {
        fire(&fixture);
    }
    assert_eq!(writes(), before);
    fixture.clock.advance(RETRY);
    fire(&fixture);
    assert_eq!(writes(), before + 1);
}

#[test]
fn a_pool_runs_the_task_of_a_slot_that_waited() {
    let (fixture, _) = full_at_slots(Missed::Once, 1);
    let pool =
        WorkerPool::builder(&fixture.queue).handle_bytes("job", |_, _| Ok(())).start().unwrap();
    wait_until!(fixture.queue.stats("default").unwrap().completed == 1);
    fixture.clock.advance(RETRY);
    wait_until!(fixture.queue.stats("default").unwrap().completed == 2);
    drop(pool);
}
