//! Setting schedules, and what may be set.
//!
//! Failure mode: schedule: its row is damaged, or its settings are out of bounds | it stops alone, and can be set again; settings are refused

use std::time::Duration;

use prismq::limits::{INTERVAL_MAX, SCHEDULE_PAYLOAD_BYTES_MAX, SCHEDULES_MAX};
use prismq::{Clock, Error, Missed, NewTask, Schedule, Timestamp};

use super::firing::{HOUR, hourly, payloads, slots_since};
use crate::support::{Fixture, alter, task};

#[test]
fn a_schedule_that_is_set_again_goes_on() {
    let fixture = Fixture::new();
    let start = fixture.clock.now();
    assert!(fixture.queue.schedules().set(&hourly("first")).unwrap(), "it is new");
    fixture.clock.advance(HOUR / 2);
    assert!(!fixture.queue.schedules().set(&hourly("first")).unwrap());
    assert!(!fixture.queue.schedules().set(&hourly("second").missed(Missed::All)).unwrap());
    fixture.clock.advance(HOUR / 2);
    assert_eq!(fixture.claimed(9), ["second"], "the slot stays, the payload is the new one");
    let faster = Schedule::every("hourly", HOUR / 6, task("faster"));
    fixture.queue.schedules().set(&faster).unwrap();
    let info = fixture.queue.schedules().get("hourly").unwrap().unwrap();
    assert_eq!((info.rule.as_str(), info.enqueued), ("every 600s", 1));
    assert_eq!(info.next_run, Some(start.after(HOUR).after(HOUR / 6)));
}

#[test]
fn a_slot_missed_before_the_restart_is_not_lost_by_setting_the_schedule_again() {
    let fixture = Fixture::new();
    fixture.queue.schedules().set(&hourly("tick")).unwrap();
    let clock = fixture.clock.clone();
    let fixture = fixture.reopen_after(|_| clock.advance(HOUR));
    fixture.queue.schedules().set(&hourly("tick")).unwrap();
    assert_eq!(fixture.claimed(9), ["tick"]);
}

#[test]
fn schedules_are_listed_with_their_next_slots() {
    let fixture = Fixture::new();
    let start = fixture.clock.now();
    let nightly =
        Schedule::cron("nightly", "30 2 * * *", NewTask::new("report", []).queue("reports"))
            .time_zone("Europe/Berlin")
            .missed(Missed::Skip)
            .no_overlap();
    let schedules = fixture.queue.schedules();
    schedules.set(&nightly).unwrap();
    schedules.set(&hourly("tick")).unwrap();
    let list = fixture.another_handle().schedules().list().unwrap();
    let [hourly, nightly] = list.as_slice() else { panic!("{list:?}") };
    assert_eq!((hourly.name.as_str(), hourly.time_zone.as_str()), ("hourly", "UTC"));
    let hours = [1, 2, 3].map(|hours| start.after(HOUR * hours));
    assert_eq!(hourly.next_runs(3).unwrap(), hours);
    assert_eq!(
        (nightly.rule.as_str(), nightly.time_zone.as_str()),
        ("30 2 * * *", "Europe/Berlin")
    );
    assert_eq!((nightly.queue.as_str(), nightly.task_type.as_str()), ("reports", "report"));
    assert_eq!((nightly.missed, nightly.overlap, nightly.paused), (Missed::Skip, false, false));
    let next: Vec<_> = nightly.next_runs(2).unwrap().iter().map(Timestamp::to_string).collect();
    assert_eq!(next, ["1970-01-01T01:30:00Z", "1970-01-02T01:30:00Z"]);
    assert_eq!(schedules.get("unknown").unwrap(), None);
}

#[test]
fn a_paused_schedule_does_nothing_until_it_is_resumed() {
    let fixture = Fixture::new();
    let start = fixture.clock.now();
    let schedules = fixture.queue.schedules();
    schedules.set(&hourly("tick").missed(Missed::All)).unwrap();
    schedules.pause("hourly").unwrap();
    schedules.set(&hourly("tock").missed(Missed::All)).unwrap();
    let info = schedules.get("hourly").unwrap().unwrap();
    assert_eq!((info.paused, info.next_run, info.next_runs(5).unwrap()), (true, None, vec![]));
    fixture.clock.advance(HOUR * 5 + HOUR / 2);
    assert!(fixture.claim(9).is_empty());
    schedules.resume("hourly").unwrap();
    schedules.resume("hourly").unwrap();
    assert!(fixture.claim(9).is_empty(), "slots of the pause are not missed ones");
    fixture.clock.advance(HOUR / 2);
    assert_eq!(slots_since(&fixture, start), [6], "the interval is counted from where it was");
}

#[test]
fn a_removed_schedule_is_gone_and_its_tasks_stay() {
    let fixture = Fixture::new();
    let schedules = fixture.queue.schedules();
    schedules.set(&hourly("tick")).unwrap();
    fixture.clock.advance(HOUR);
    let at = fixture.clock.now();
    fixture.enqueue("fires the slot");
    assert!(schedules.remove("hourly").unwrap());
    assert!(!schedules.remove("hourly").unwrap());
    assert_eq!(schedules.list().unwrap(), []);
    fixture.clock.advance(HOUR);
    let leases = fixture.claim(9);
    let slots: Vec<_> = leases.iter().map(prismq::Lease::scheduled_for).collect();
    assert_eq!(slots, [None, Some(at)]);
}

#[test]
fn a_schedule_can_be_run_now_and_keeps_its_slots() {
    let fixture = Fixture::new();
    let schedules = fixture.queue.schedules();
    schedules.set(&hourly("tick").no_overlap()).unwrap();
    let next = schedules.get("hourly").unwrap().unwrap().next_run;
    fixture.clock.advance(HOUR / 3);
    let task = schedules.run_now("hourly").unwrap().unwrap();
    let stored = fixture.queue.task(task).unwrap().unwrap();
    assert_eq!(stored.scheduled_for, Some(fixture.clock.now()));
    assert_eq!(schedules.run_now("hourly").unwrap(), None, "the last task is not done");
    let info = schedules.get("hourly").unwrap().unwrap();
    assert_eq!((info.next_run, info.enqueued, info.last_task), (next, 1, Some(task)));
    fixture.queue.complete(&fixture.claim_one()).unwrap();
    schedules.pause("hourly").unwrap();
    assert!(schedules.run_now("hourly").unwrap().is_some(), "also while it is paused");
}

#[test]
fn an_unknown_schedule_is_an_error_that_names_it() {
    let fixture = Fixture::new();
    let schedules = fixture.queue.schedules();
    let answers = [
        schedules.pause("nightly"),
        schedules.resume("nightly"),
        schedules.run_now("nightly").map(drop),
    ];
    for answer in answers {
        let error = answer.unwrap_err();
        assert!(matches!(&error, Error::NoSchedule { name } if name == "nightly"), "{error:?}");
    }
}

#[track_caller]
fn assert_refused(fixture: &Fixture, schedule: &Schedule, what: &str) {
    let error = fixture.queue.schedules().set(schedule).unwrap_err();
    let Error::InvalidInput { what: refused, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*refused, what, "{error}");
    assert_eq!(fixture.queue.schedules().list().unwrap(), []);
}

#[test]
fn a_schedule_out_of_bounds_is_refused() {
    let fixture = Fixture::new();
    let start = fixture.clock.now();
    let micro = Duration::from_micros(1);
    for name in ["", "a\0b", &"long".repeat(40)] {
        assert_refused(&fixture, &Schedule::every(name, HOUR, task("x")), "schedule name");
    }
    for interval in [Duration::ZERO, micro, INTERVAL_MAX + micro, Duration::MAX] {
        assert_refused(&fixture, &Schedule::every("x", interval, task("x")), "interval");
    }
    assert_refused(&fixture, &hourly("x").time_zone("Europe/Berlin"), "time zone");
    let never = Schedule::cron("never", "0 0 31 4,6 *", task("x"));
    assert_refused(&fixture, &never, "cron expression");
    let large =
        Schedule::every("x", HOUR, NewTask::new("job", [0; SCHEDULE_PAYLOAD_BYTES_MAX + 1]));
    assert_refused(&fixture, &large, "payload");
    let timed = [(task("x").delay(HOUR), "a delay"), (task("x").run_at(start), "run_at")];
    for (task, named) in timed {
        let refused = fixture.queue.schedules().set(&Schedule::every("x", HOUR, task)).unwrap_err();
        assert!(matches!(refused, Error::InvalidInput { what: "schedule", .. }), "{refused:?}");
        assert!(refused.to_string().contains(named), "{refused}");
    }
    let unknown = Schedule::every("x", HOUR, task("x").limit("unknown"));
    let refused = fixture.queue.schedules().set(&unknown).unwrap_err();
    assert!(matches!(&refused, Error::UnknownLimit { limit } if limit == "unknown"), "{refused:?}");
    assert_refused(
        &fixture,
        &Schedule::every("x", HOUR, task("x").max_attempts(0)),
        "max_attempts",
    );
    assert_refused(&fixture, &Schedule::every("x", HOUR, task("x").queue("")), "queue name");
}

#[test]
fn a_file_holds_a_bounded_number_of_schedules() {
    let fixture = Fixture::new();
    fixture.queue.schedules().set(&hourly("tick")).unwrap();
    alter(
        &fixture,
        &format!(
            "WITH RECURSIVE n (value) AS (SELECT 2 UNION ALL SELECT value + 1 FROM n WHERE value < {SCHEDULES_MAX})
             INSERT INTO prismq_schedule (id, name, interval, cron, zone, anchor, missed, overlap, next_at, decided_at,
                 queue, type, requirements, priority, max_attempts, payload)
             SELECT value, 'schedule ' || value, interval, cron, zone, anchor, missed, overlap, next_at, decided_at,
                 queue, type, requirements, priority, max_attempts, payload
             FROM n, prismq_schedule WHERE name = 'hourly'"
        ),
    );
    let one_more = Schedule::every("one more", HOUR, task("x"));
    let refused = fixture.queue.schedules().set(&one_more).unwrap_err();
    assert!(matches!(refused, Error::InvalidInput { what: "schedule", .. }), "{refused:?}");
    fixture.queue.schedules().remove("hourly").unwrap();
    assert!(fixture.queue.schedules().set(&one_more).unwrap());
}

#[test]
fn a_damaged_schedule_stops_alone_and_can_be_set_again() {
    let damages = [
        "missed = 7",
        "interval = -1",
        "max_attempts = 0",
        "interval = NULL, cron = '0 0 * * *', zone = 'Mars/Olympus'",
        "type = ''",
        "unique_hold = 2",
        "unique_hold = 0, on_conflict = 9",
        "expires_after = -1",
    ];
    for damage in damages {
        let fixture = Fixture::new();
        let schedules = fixture.queue.schedules();
        schedules.set(&hourly("damaged")).unwrap();
        schedules.set(&Schedule::every("other", HOUR, task("other"))).unwrap();
        alter(
            &fixture,
            &format!(
                "PRAGMA ignore_check_constraints = ON; UPDATE prismq_schedule SET {damage} WHERE name = 'hourly'"
            ),
        );
        fixture.clock.advance(HOUR);
        assert_eq!(payloads(&fixture), ["other"], "{damage}");
        assert!(!schedules.set(&hourly("repaired")).unwrap(), "{damage}");
        fixture.clock.advance(HOUR);
        assert_eq!(payloads(&fixture), ["other", "repaired"], "{damage}");
    }
}
