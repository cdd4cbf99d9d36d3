//! Slots become tasks, each once.
//!
//! Failure mode: schedule: several processes are up at a slot, none is up for many slots, the last task is not done | each slot once, by its policies for missed slots and overlap

use std::time::Duration;

use prismq::limits::MISSED_RUNS_MAX;
use prismq::{Clock, Missed, NewTask, Queue, RetryPolicy, Schedule, State, TaskId, Timestamp};

use crate::support::{Fixture, claim, task, text};

pub(super) const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn hourly(payload: &str) -> Schedule {
    Schedule::every("hourly", HOUR, task(payload))
}

/// The slot that a task was enqueued for.
fn slot(queue: &Queue, task: TaskId) -> Option<Timestamp> {
    queue.task(task).unwrap().unwrap().scheduled_for
}

/// Completes all tasks that can be claimed, and returns their slots in hours after a time.
pub(super) fn slots_since(fixture: &Fixture, start: Timestamp) -> Vec<u64> {
    let complete = |lease: &prismq::Lease| {
        let slot = slot(&fixture.queue, lease.id()).unwrap();
        fixture.queue.complete(lease).unwrap();
        slot.since(start).as_secs() / 3600
    };
    fixture.claim(4000).iter().map(complete).collect()
}

/// Completes all tasks that can be claimed, and returns their payloads in order.
pub(super) fn payloads(fixture: &Fixture) -> Vec<String> {
    let leases = fixture.claim(4000);
    leases.iter().for_each(|lease| fixture.queue.complete(lease).unwrap());
    let mut payloads: Vec<_> = leases.iter().map(text).collect();
    payloads.sort_unstable();
    payloads
}

#[test]
fn a_schedule_enqueues_its_task_at_each_slot() {
    let fixture = Fixture::new();
    let start = fixture.clock.now();
    let task = NewTask::new("job", *b"tick").priority(7).max_attempts(2).requires(["gpu"]);
    fixture.queue.schedules().set(&Schedule::every("hourly", HOUR, task)).unwrap();
    let claim = claim().capabilities(["gpu"]).max(9);
    assert!(fixture.queue.claim(&claim).unwrap().is_empty(), "the first slot is an hour away");
    for hours in 1..4 {
        fixture.clock.advance(HOUR - Duration::from_micros(1));
        assert!(fixture.queue.claim(&claim).unwrap().is_empty());
        fixture.clock.advance(Duration::from_micros(1));
        let leases = fixture.queue.claim(&claim).unwrap();
        let [lease] = leases.as_slice() else { panic!("{leases:?}") };
        assert_eq!((text(lease).as_str(), lease.priority(), lease.max_attempts()), ("tick", 7, 2));
        assert_eq!(slot(&fixture.queue, lease.id()), Some(start.after(HOUR * hours)));
        assert_eq!(lease.scheduled_for(), Some(start.after(HOUR * hours)));
        let info = fixture.queue.schedules().get("hourly").unwrap().unwrap();
        assert_eq!((info.last_task, info.enqueued), (Some(lease.id()), u64::from(hours)));
        assert_eq!(info.last_run, Some(start.after(HOUR * hours)));
        assert_eq!(info.next_run, Some(start.after(HOUR * (hours + 1))));
        fixture.queue.complete(lease).unwrap();
    }
    fixture.enqueue("by hand");
    assert_eq!(slot(&fixture.queue, fixture.claim_one().id()), None);
}

#[test]
fn a_slot_has_one_task_however_many_handles_are_open() {
    let fixture = Fixture::new();
    fixture.queue.schedules().set(&hourly("tick")).unwrap();
    let handles: Vec<Queue> = (0..4).map(|_| fixture.another_handle()).collect();
    for round in 0..5_u64 {
        fixture.clock.advance(HOUR);
        std::thread::scope(|scope| {
            for handle in &handles {
                scope.spawn(|| handle.claim(&claim()).unwrap());
            }
        });
        assert_eq!(fixture.queue.stats("default").unwrap().enqueued, round + 1);
    }
}

#[test]
fn any_operation_fires_a_slot_that_is_due() {
    let fixture = Fixture::new();
    fixture.queue.schedules().set(&hourly("tick")).unwrap();
    fixture.clock.advance(HOUR);
    fixture.queue.enqueue(&task("other").queue("another")).unwrap();
    assert_eq!(fixture.queue.stats("default").unwrap().ready, 1);
}

#[test]
fn the_slot_of_a_task_stays_known_through_retries_and_after_its_death() {
    let fixture = Fixture::new();
    fixture.queue.schedules().set(&hourly("tick").missed(Missed::Skip)).unwrap();
    fixture.clock.advance(HOUR);
    let at = fixture.clock.now();
    let mut lease = fixture.claim_one();
    while fixture.queue.fail(&lease, "no").unwrap() != State::Dead {
        fixture.clock.advance(RetryPolicy::default().max);
        lease = fixture.claim_one();
        assert_eq!((lease.scheduled_for(), slot(&fixture.queue, lease.id())), (Some(at), Some(at)));
    }
    assert_eq!(slot(&fixture.queue, lease.id()), Some(at));
}

/// The slots that run after nobody was up for five and a half hours.
fn after_an_outage(missed: Missed) -> (Vec<u64>, Vec<u64>) {
    let fixture = Fixture::new();
    let start = fixture.clock.now();
    fixture.queue.schedules().set(&hourly("tick").missed(missed)).unwrap();
    let clock = fixture.clock.clone();
    let fixture = fixture.reopen_after(|_| clock.advance(HOUR * 11 / 2));
    let caught_up = slots_since(&fixture, start);
    fixture.clock.advance(HOUR / 2);
    (caught_up, slots_since(&fixture, start))
}

#[test]
fn slots_missed_while_no_process_was_up_run_by_the_schedules_policy() {
    assert_eq!(after_an_outage(Missed::Skip), (vec![], vec![6]));
    assert_eq!(after_an_outage(Missed::Once), (vec![5], vec![6]));
    assert_eq!(after_an_outage(Missed::All), (vec![1, 2, 3, 4, 5], vec![6]));
}

#[test]
fn of_very_many_missed_slots_a_bounded_number_runs() {
    let fixture = Fixture::new();
    let start = fixture.clock.now();
    fixture.queue.schedules().set(&hourly("tick").missed(Missed::All)).unwrap();
    fixture.clock.advance(HOUR * 5000);
    let slots = slots_since(&fixture, start);
    assert_eq!(slots.len(), MISSED_RUNS_MAX);
    assert_eq!((slots[0], slots[MISSED_RUNS_MAX - 1]), (4001, 5000));
}

#[test]
fn many_schedules_that_are_due_together_all_fire() {
    let fixture = Fixture::new();
    for number in 0..50 {
        let schedule = Schedule::every(format!("schedule {number}"), HOUR, task("tick"));
        fixture.queue.schedules().set(&schedule.missed(Missed::All)).unwrap();
    }
    fixture.clock.advance(HOUR * 100);
    let mut found = 0;
    while let claimed = fixture.claim(4000).len()
        && claimed > 0
    {
        found += claimed;
    }
    assert_eq!(found, 5000, "in several transactions");
}

#[test]
fn a_schedule_without_overlap_drops_slots_while_its_last_task_is_not_done() {
    let fixture = Fixture::new();
    let start = fixture.clock.now();
    fixture.queue.schedules().set(&hourly("tick").missed(Missed::All).no_overlap()).unwrap();
    fixture.clock.advance(HOUR);
    let lease = fixture.claim_one();
    fixture.queue.extend(&lease, HOUR * 24).unwrap();
    fixture.clock.advance(HOUR * 2);
    assert!(fixture.claim(9).is_empty());
    let info = fixture.queue.schedules().get("hourly").unwrap().unwrap();
    assert!(info.error.unwrap().contains("is not done"));
    assert_eq!(info.next_run, Some(start.after(HOUR * 4)));
    fixture.queue.complete(&lease).unwrap();
    assert!(fixture.claim(9).is_empty(), "a slot that was dropped does not come back");
    fixture.clock.advance(HOUR);
    assert_eq!(slots_since(&fixture, start), [4]);
    assert_eq!(fixture.queue.schedules().get("hourly").unwrap().unwrap().error, None);
}

#[test]
fn a_dead_task_is_no_overlap() {
    let fixture = Fixture::new();
    fixture.queue.schedules().set(&hourly("tick").no_overlap()).unwrap();
    fixture.clock.advance(HOUR);
    fixture.queue.fail(&fixture.claim_one(), prismq::TaskError::permanent("no")).unwrap();
    fixture.clock.advance(HOUR);
    fixture.claim_one();
}

#[test]
fn slots_of_tasks_that_are_gone_are_forgotten() {
    let fixture = Fixture::new();
    fixture.queue.schedules().set(&hourly("tick")).unwrap();
    let mut dead = Vec::new();
    for round in 0..200 {
        fixture.clock.advance(HOUR);
        let at = fixture.clock.now();
        let lease = fixture.claim_one();
        if round % 50 == 0 {
            fixture.queue.fail(&lease, prismq::TaskError::permanent("no")).unwrap();
            dead.push((lease.id(), at));
        } else {
            fixture.queue.complete(&lease).unwrap();
        }
    }
    for (task, at) in dead {
        assert_eq!(slot(&fixture.queue, task), Some(at));
    }
    let rows = "SELECT count(*) FROM prismq_slot";
    let file = rusqlite::Connection::open(fixture.path()).unwrap();
    let rows: i64 = file.query_row(rows, [], |row| row.get(0)).unwrap();
    assert!(rows < 10, "{rows}");
}
