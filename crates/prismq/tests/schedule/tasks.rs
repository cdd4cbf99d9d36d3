//! What the task of a schedule may have.

use prismq::{Clock, Limit, Schedule, Unique};

use super::firing::{HOUR, slots_since};
use crate::support::{Fixture, claim, task};

#[test]
fn a_task_has_the_limit_and_the_key_of_its_schedule() {
    let fixture = Fixture::new();
    fixture.queue.set_limit("api", Limit::concurrency(1)).unwrap();
    let limited = Schedule::every("limited", HOUR, task("x").limit("api").key("k").ordered());
    fixture.queue.schedules().set(&limited).unwrap();
    let fixture = fixture.reopen_after(|_| {});
    for _ in 0..2 {
        fixture.clock.advance(HOUR);
        fixture.another_handle().claim(&claim().queue("other")).unwrap();
    }
    assert_eq!(fixture.queue.tasks().key("k").count().unwrap(), 2);
    let lease = fixture.claim_one();
    assert!(fixture.claim(9).is_empty(), "the limit lets one run at once");
    fixture.queue.complete(&lease).unwrap();
    assert_eq!(fixture.claim(9).len(), 1);
}

#[test]
fn a_task_that_has_not_started_within_its_time_to_live_never_runs() {
    let fixture = Fixture::new();
    let expiring = Schedule::every("expiring", HOUR, task("x").expires_after(HOUR / 2));
    fixture.queue.schedules().set(&expiring).unwrap();
    fixture.clock.advance(HOUR);
    fixture.another_handle().claim(&claim().queue("other")).unwrap();
    fixture.clock.advance(HOUR / 2);
    assert!(fixture.claim(9).is_empty());
    assert_eq!(fixture.queue.stats("default").unwrap().expired, 1);
}

#[test]
fn a_slot_whose_unique_key_is_taken_has_no_task_and_says_so() {
    let fixture = Fixture::new();
    let schedules = fixture.queue.schedules();
    for unique in [Unique::payload(), Unique::key("k"), Unique::key("p").for_period(HOUR * 9)] {
        schedules.set(&Schedule::every("unique", HOUR, task("x").unique(unique))).unwrap();
        fixture.clock.advance(HOUR);
        let lease = fixture.queue.claim(&claim().lease(2 * HOUR)).unwrap().remove(0);
        fixture.clock.advance(HOUR);
        assert!(fixture.claim(9).is_empty());
        let info = schedules.get("unique").unwrap().unwrap();
        assert_eq!(info.last_task, Some(lease.id()));
        assert_eq!(info.error, Some(format!("task {} holds its unique key", lease.id())));
        assert_eq!(schedules.run_now("unique").unwrap(), Some(lease.id()));
        fixture.queue.complete(&lease).unwrap();
        schedules.remove("unique").unwrap();
    }
}

#[test]
fn a_waiting_task_that_a_slot_replaces_is_of_that_slot() {
    let fixture = Fixture::new();
    let start = fixture.clock.now();
    let replaces = task("x").unique(Unique::key("k").while_waiting().replace());
    let schedule = Schedule::every("unique", HOUR, replaces);
    fixture.queue.schedules().set(&schedule).unwrap();
    for _ in 0..3 {
        fixture.clock.advance(HOUR);
        fixture.another_handle().claim(&claim().queue("other")).unwrap();
    }
    let info = fixture.queue.schedules().get("unique").unwrap().unwrap();
    assert_eq!((info.enqueued, info.last_run), (1, Some(start.after(3 * HOUR))));
    assert_eq!(slots_since(&fixture, start), [3]);
}
