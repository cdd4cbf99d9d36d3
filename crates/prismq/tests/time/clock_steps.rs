//! The wall clock is set, forward or back.
//!
//! Failure mode: clock: set forward and back

use std::sync::Arc;
use std::time::Duration;

use prismq::{Clock, ManualClock, Order, Queue, TaskError, Timestamp};

use crate::support::{Fixture, LEASE, Wall, claim, task};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Sets the wall clock back by a day.
fn set_back(fixture: &Fixture) {
    let now = fixture.clock.now().as_micros() - i64::try_from(DAY.as_micros()).unwrap();
    fixture.clock.set(Timestamp::from_micros(now));
}

#[test]
fn a_retry_is_due_after_its_delay_when_the_clock_is_set_back() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("retried");
    let failed = TaskError::new("no").retry_after(SECOND);
    fixture.queue.fail(&fixture.claim_one(), failed).unwrap();
    set_back(&fixture);
    assert!(fixture.claim(1).is_empty());
    fixture.clock.advance(SECOND);
    assert_eq!(fixture.claim_one().id(), id);
}

#[test]
fn a_delayed_task_is_due_after_its_delay_when_the_clock_is_set_back() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(task("delayed").delay(SECOND)).unwrap().id();
    set_back(&fixture);
    fixture.clock.advance(SECOND - Duration::from_micros(1));
    assert!(fixture.claim(1).is_empty());
    fixture.clock.advance(Duration::from_micros(1));
    assert_eq!(fixture.claim_one().id(), id);
}

#[test]
fn a_task_ages_by_elapsed_time_when_the_clock_is_set_back() {
    let fixture = Fixture::new();
    fixture.queue.set_order("default", Order::Ageing { step: SECOND }).unwrap();
    fixture.enqueue("before the step");
    set_back(&fixture);
    fixture.clock.advance(SECOND);
    fixture.enqueue("after the step");
    assert_eq!(fixture.claimed(2), ["before the step", "after the step"]);
}

#[test]
fn a_lease_keeps_its_duration_when_the_clock_is_set_back() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("task");
    let held = fixture.claim_one();
    set_back(&fixture);
    fixture.clock.advance(LEASE - Duration::from_micros(1));
    assert!(fixture.claim(1).is_empty());
    fixture.clock.advance(Duration::from_micros(1));
    let again = fixture.claim_one();
    assert_eq!((again.id(), again.attempt()), (id, 2));
    assert!(fixture.queue.complete(&held).unwrap_err().is_lease_lost());
    assert!(fixture.enqueue("later") > id, "ids do not follow the clock");
    fixture.queue.complete(&again).unwrap();
}

#[test]
fn times_are_shown_by_the_current_wall_clock() {
    let fixture = Fixture::new();
    let delayed = fixture.queue.enqueue(task("delayed").delay(SECOND)).unwrap().id();
    let leased = fixture.enqueue("leased");
    fixture.claim_one();
    set_back(&fixture);
    let now = fixture.clock.now();
    let shown = |id| fixture.queue.task(id).unwrap().unwrap();
    assert_eq!(shown(delayed).run_at, now.after(SECOND));
    assert_eq!(shown(leased).lease_expires_at, Some(now.after(LEASE)));
    assert_eq!(shown(leased).enqueued_at, now.after(DAY), "by the wall clock of that time");
    fixture.enqueue("another");
    let lease = fixture.claim_one();
    assert_eq!(lease.expires_at(), now.after(LEASE));
    assert_eq!(fixture.queue.extend(&lease, 2 * LEASE).unwrap(), now.after(2 * LEASE));
}

/// The lease of a worker that died while the clock was ahead once held its task until the clock had caught up.
#[test]
fn with_only_a_wall_clock_no_lease_outlasts_the_longest_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let right = Timestamp::from_micros(1_000_000_000);
    let clock = Arc::new(Wall(ManualClock::new(right.after(TEN_YEARS))));
    let queue = Queue::builder(folder.path().join("queue.db")).clock(clock.clone()).open().unwrap();
    queue.enqueue(task("task")).unwrap();
    let held = queue.claim(&claim()).unwrap().remove(0);
    clock.0.set(right);
    let again = queue.claim(&claim()).unwrap().remove(0);
    assert_eq!((again.id(), again.attempt()), (held.id(), 2));
    assert!(queue.complete(&held).unwrap_err().is_lease_lost());
}

#[test]
fn the_longest_lease_holds_when_the_clock_is_set_to_the_same_time() {
    let fixture = Fixture::new();
    fixture.enqueue("task");
    let claim = claim().lease(prismq::limits::LEASE_MAX);
    let lease = fixture.queue.claim(&claim).unwrap().remove(0);
    fixture.clock.set(fixture.clock.now());
    assert!(fixture.claim(1).is_empty());
    fixture.queue.complete(&lease).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn the_boot_id_is_stored_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let queue = Queue::open(&path).unwrap();
    let id = queue.enqueue(task("now")).unwrap().id();
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let stored: String = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("SELECT boot_id FROM prismq_meta", [], |row| row.get(0))
        .unwrap();
    assert_eq!(stored, boot_id.trim());
    let stored = queue.task(id).unwrap().unwrap();
    let difference =
        stored.run_at.since(stored.enqueued_at) + stored.enqueued_at.since(stored.run_at);
    assert!(difference < DAY, "both follow the wall clock: {stored:?}");
}
