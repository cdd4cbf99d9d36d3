//! Proof that schedules cost claims nothing where there are none, and the same for one as for many.

use std::time::Duration;

use rusqlite::StatementStatus;

use super::plans::assert_no_scan;
use super::{NOW, claim_of, claimed_by, writer};
use crate::engine::sqlite::ops::periodic::{self, row, set, slots};
use crate::engine::sqlite::reader::schedules;
use crate::engine::sqlite::writer::Writer;
use crate::engine::{Answer, Operation, ScheduleChange};
use crate::model::limits::SCHEDULES_MAX;
use crate::model::{NewTask, Schedule};
use crate::time::{ManualClock, Timestamp};

const HOUR: Duration = Duration::from_secs(3600);

/// Every statement of firing, and of looking whether there is something to fire.
const STATEMENTS: [&str; 15] = [
    periodic::DUE,
    periodic::AHEAD,
    periodic::NEXT_SLOT,
    periodic::LAST_DECIDED,
    periodic::IS_LIVE,
    periodic::FIRED,
    row::STORED,
    set::ID_OF,
    slots::ADD,
    slots::SET,
    slots::OF_TASKS,
    slots::LOOK,
    slots::DELETE,
    slots::KEEP,
    schedules::SLOT,
];

fn apply(writer: &mut Writer, now: Timestamp, operation: Operation) -> Answer {
    writer.apply(&ManualClock::new(now), &[operation]).unwrap().remove(0).unwrap()
}

fn set(writer: &mut Writer, name: &str) {
    let schedule = Schedule::every(name, HOUR, NewTask::new("tick", []));
    apply(writer, NOW, Operation::SetSchedule(Box::new(schedule)));
}

fn count(writer: &Writer, status: StatementStatus) -> i32 {
    let of = |sql| writer.connection.prepare_cached(sql).unwrap().reset_status(status);
    STATEMENTS.into_iter().map(of).sum()
}

#[test]
fn no_statement_of_schedules_scans_or_sorts() {
    let (_folder, writer) = writer();
    for sql in STATEMENTS {
        assert_no_scan(&writer, sql);
    }
}

#[test]
fn a_file_without_schedules_is_not_searched_for_them() {
    let (_folder, mut writer) = writer();
    set(&mut writer, "removed");
    let remove = ScheduleChange::Remove;
    apply(&mut writer, NOW, Operation::ChangeSchedule { name: "removed".into(), change: remove });
    count(&writer, StatementStatus::Run);
    apply(&mut writer, NOW, Operation::Enqueue(vec![NewTask::new("job", [])]));
    assert!(claimed_by(&mut writer, &ManualClock::new(NOW)).is_some());
    apply(&mut writer, NOW.after(HOUR), claim_of(9));
    assert_eq!(count(&writer, StatementStatus::Run), 0);
}

#[test]
fn a_slot_costs_the_same_among_one_schedule_and_among_many() {
    let steps = |others: u32| {
        let (_folder, mut writer) = writer();
        set(&mut writer, "fires");
        for other in 0..others {
            set(&mut writer, &format!("other {other}"));
        }
        let later =
            "UPDATE prismq_schedule SET next_at = next_at + 1000000 * id WHERE name <> 'fires'";
        writer.connection.execute_batch(later).unwrap();
        count(&writer, StatementStatus::VmStep);
        for _ in 0..2 {
            apply(&mut writer, NOW.after(HOUR), claim_of(9));
        }
        let fired = "SELECT sum(enqueued) FROM prismq_schedule";
        let fired: i64 = writer.connection.query_row(fired, [], |row| row.get(0)).unwrap();
        assert_eq!(fired, 1);
        count(&writer, StatementStatus::VmStep)
    };
    let (one, many) = (steps(0), steps(SCHEDULES_MAX - 1));
    assert!(f64::from(many) <= f64::from(one) * 1.2, "{one} steps alone, {many} among many");
}

/// What a claim reports as due next takes schedules into account, by the monotonic time.
#[test]
fn a_claim_that_finds_nothing_reports_the_next_slot() {
    let (_folder, mut writer) = writer();
    set(&mut writer, "hourly");
    let Answer::Claimed(claimed) = apply(&mut writer, NOW.after(HOUR / 2), claim_of(9)) else {
        panic!("a claim is answered by leases")
    };
    assert_eq!(claimed.next_due, Some(NOW.after(HOUR)));
}
