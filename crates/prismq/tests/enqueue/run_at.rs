//! Tasks due at a time of the wall clock.
//!
//! Failure mode: input: a time in the past, or beyond the longest delay | due at once, or `InvalidInput`

use std::time::Duration;

use prismq::limits::DELAY_MAX;
use prismq::{Clock, Error, State, Timestamp};

use crate::support::{Fixture, task};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_task_is_due_at_the_wall_clock_time_it_was_enqueued_for() {
    let fixture = Fixture::new();
    let at = fixture.clock.now().after(HOUR);
    let id = fixture.queue.enqueue(&task("later").run_at(at)).unwrap().id();
    let stored = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!((stored.state, stored.run_at), (State::Scheduled, at));
    fixture.clock.advance(HOUR - Duration::from_micros(1));
    assert!(fixture.claim(1).is_empty());
    fixture.clock.advance(Duration::from_micros(1));
    assert_eq!(fixture.claim_one().id(), id);
}

#[test]
fn the_time_left_is_decided_at_the_enqueue_and_not_when_the_task_was_built() {
    let fixture = Fixture::new();
    let task = task("later").run_at(fixture.clock.now().after(HOUR));
    fixture.clock.advance(HOUR / 2);
    fixture.queue.enqueue(&task).unwrap();
    fixture.clock.advance(HOUR / 2);
    fixture.claim_one();
}

#[test]
fn a_task_for_a_past_time_is_ready_at_once() {
    let fixture = Fixture::new();
    for past in [Timestamp::from_micros(0), Timestamp::from_micros(i64::MIN)] {
        fixture.queue.enqueue(&task("late").run_at(past)).unwrap();
        assert_eq!(fixture.claimed(9), ["late"], "{past}");
    }
}

#[test]
fn a_time_beyond_the_longest_delay_is_refused_with_the_whole_call() {
    let fixture = Fixture::new();
    let last = fixture.clock.now().after(DELAY_MAX);
    fixture.queue.enqueue(&task("last").run_at(last)).unwrap();
    for time in [last.after(Duration::from_micros(1)), Timestamp::from_micros(i64::MAX)] {
        let tasks = [task("fine"), task("late").run_at(time)];
        let refused = fixture.queue.enqueue_all(&tasks).unwrap_err();
        assert!(matches!(refused, Error::InvalidInput { what: "run_at", .. }), "{refused:?}");
        assert!(refused.to_string().contains(&time.to_string()), "{refused}");
    }
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.scheduled), (0, 1));
}

#[test]
fn of_a_delay_and_a_time_the_one_set_last_counts() {
    let fixture = Fixture::new();
    let at = fixture.clock.now().after(HOUR);
    fixture.queue.enqueue(&task("now").run_at(at).delay(Duration::ZERO)).unwrap();
    fixture.queue.enqueue(&task("later").delay(Duration::ZERO).run_at(at)).unwrap();
    assert_eq!(fixture.claimed(9), ["now"]);
}
