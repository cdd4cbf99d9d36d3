//! The wall clock is set under a schedule.
//!
//! Failure mode: schedule: the clock is set forward and back | no slot runs twice; those passed over count as missed

use std::time::Duration;

use prismq::{Clock, Missed, Timestamp};

use super::firing::{HOUR, hourly, slots_since};
use crate::support::Fixture;

fn set_back(fixture: &Fixture, by: Duration) {
    let now = fixture.clock.now().as_micros() - i64::try_from(by.as_micros()).unwrap();
    fixture.clock.set(Timestamp::from_micros(now));
}

#[test]
fn no_slot_runs_twice_when_the_clock_is_set_back() {
    let fixture = Fixture::new();
    let start = fixture.clock.now();
    fixture.queue.schedules().set(&hourly("tick")).unwrap();
    fixture.clock.advance(HOUR);
    assert_eq!(slots_since(&fixture, start), [1]);
    set_back(&fixture, HOUR);
    fixture.clock.advance(HOUR);
    assert!(fixture.claim(9).is_empty(), "the slot at this time has run");
    fixture.clock.advance(HOUR);
    assert_eq!(slots_since(&fixture, start), [2]);
}

#[test]
fn slots_that_the_clock_jumped_over_count_as_missed() {
    for (missed, slots) in [(Missed::Once, vec![10]), (Missed::All, (1..=10).collect())] {
        let fixture = Fixture::new();
        let start = fixture.clock.now();
        fixture.queue.schedules().set(&hourly("tick").missed(missed)).unwrap();
        fixture.clock.set(start.after(HOUR * 10));
        assert_eq!(slots_since(&fixture, start), slots);
    }
}

/// A clock that was ten years ahead must not stop a schedule for ten years once it is right.
#[test]
fn a_clock_that_is_corrected_by_hours_does_not_hold_a_schedule_up() {
    let fixture = Fixture::new();
    let start = fixture.clock.now();
    let ahead = HOUR * 24 * 3650;
    fixture.queue.schedules().set(&hourly("tick")).unwrap();
    fixture.clock.advance(ahead);
    assert_eq!(slots_since(&fixture, start).len(), 1);
    set_back(&fixture, ahead);
    assert!(fixture.claim(9).is_empty());
    let next = fixture.queue.schedules().get("hourly").unwrap().unwrap().next_run;
    assert_eq!(next, Some(start.after(HOUR)));
    fixture.clock.advance(HOUR);
    assert_eq!(slots_since(&fixture, start), [1]);
}
