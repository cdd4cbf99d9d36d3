//! Schedules: a task that is enqueued again and again.

use std::time::Duration;

use prismq::Missed;

use crate::conformance::cases::{Engine, SECOND, claim_one};
use crate::conformance::expect::{CaseResult, Mismatch, equal, present, refused};
use crate::conformance::subject::{ClaimSpec, Claimed, Refusal, ScheduleSpec, TaskSpec};

crate::conformance::cases::cases!(
    a_schedule_enqueues_its_task_once_for_each_slot,
    missed_slots_run_by_the_schedules_policy,
    a_schedule_without_overlap_drops_slots_until_its_last_task_is_done,
    a_schedule_that_is_set_again_keeps_its_next_slot,
    a_schedule_survives_a_restart,
    a_paused_schedule_fires_nothing_and_resumes_with_its_next_slot,
    a_removed_schedule_fires_no_more,
    a_schedule_can_be_run_now_between_its_slots,
    no_slot_fires_twice_when_the_clock_is_set_back,
    a_schedule_out_of_bounds_is_refused,
    an_unknown_schedule_is_refused,
);

const HOUR: i64 = 3600 * SECOND;

/// Claims and completes all there is, and returns the slots, in hours after a time.
fn slots_since(engine: Engine<'_>, start: i64) -> Result<Vec<i64>, Mismatch> {
    let claimed = engine.claim(&ClaimSpec::default())?;
    let mut slots = Vec::new();
    for task in &claimed {
        engine.complete(task)?;
        let slot = present("the slot of a task", task.scheduled_for)?;
        slots.push((slot - start) / HOUR);
    }
    Ok(slots)
}

/// Sets the default schedule, changed, and returns when.
fn set(engine: Engine<'_>, change: impl FnOnce(&mut ScheduleSpec)) -> Result<i64, Mismatch> {
    let mut schedule = ScheduleSpec::default();
    change(&mut schedule);
    engine.set_schedule(&schedule)?;
    Ok(engine.now())
}

fn a_schedule_enqueues_its_task_once_for_each_slot(engine: Engine<'_>) -> CaseResult {
    let start = set(engine, |schedule| schedule.task.priority = 7)?;
    equal("before the first slot", slots_since(engine, start)?, Vec::new())?;
    engine.set_clock(HOUR - 1);
    equal("a moment before the slot", slots_since(engine, start)?, Vec::new())?;
    engine.set_clock(1);
    let Claimed { priority, payload, scheduled_for, .. } = claim_one(engine)?;
    let expected = (7, b"tick".to_vec(), Some(start + HOUR));
    equal("the task", (priority, payload, scheduled_for), expected)?;
    equal("the same slot again", slots_since(engine, start)?, Vec::new())
}

fn missed_slots_run_by_the_schedules_policy(engine: Engine<'_>) -> CaseResult {
    for (missed, slots) in
        [(Missed::Skip, vec![]), (Missed::Once, vec![3]), (Missed::All, vec![1, 2, 3])]
    {
        let start = set(engine, |schedule| schedule.missed = missed)?;
        engine.set_clock(3 * HOUR + HOUR / 2);
        equal("the slots that run late", slots_since(engine, start)?, slots)?;
        engine.set_clock(HOUR / 2);
        equal("the next slot", slots_since(engine, start)?, vec![4])?;
        engine.remove_schedule("hourly")?;
    }
    Ok(())
}

fn a_schedule_without_overlap_drops_slots_until_its_last_task_is_done(
    engine: Engine<'_>,
) -> CaseResult {
    let start = set(engine, |schedule| schedule.overlap = false)?;
    engine.set_clock(HOUR);
    let running = claim_one(engine)?;
    engine.extend(&running, Duration::from_secs(24 * 3600))?;
    engine.set_clock(HOUR);
    equal("while it runs", slots_since(engine, start)?, Vec::new())?;
    engine.complete(&running)?;
    equal("the dropped slot", slots_since(engine, start)?, Vec::new())?;
    engine.set_clock(HOUR);
    equal("once it is done", slots_since(engine, start)?, vec![3])
}

fn a_schedule_that_is_set_again_keeps_its_next_slot(engine: Engine<'_>) -> CaseResult {
    let start = set(engine, |_| {})?;
    engine.set_clock(HOUR / 2);
    set(engine, |schedule| schedule.task = TaskSpec::new("tock"))?;
    engine.set_clock(HOUR / 2);
    let task = claim_one(engine)?;
    equal("the payload", &*task.payload, b"tock")?;
    engine.complete(&task)?;
    set(engine, |schedule| schedule.interval = Duration::from_secs(7200))?;
    engine.set_clock(HOUR);
    equal("at the former slot", slots_since(engine, start)?, Vec::new())?;
    engine.set_clock(HOUR);
    equal("at the new slot", slots_since(engine, start)?, vec![3])
}

fn a_schedule_survives_a_restart(engine: Engine<'_>) -> CaseResult {
    let start = set(engine, |_| {})?;
    engine.set_clock(HOUR / 2);
    engine.reopen();
    engine.set_clock(HOUR / 2);
    equal("its slot", slots_since(engine, start)?, vec![1])
}

fn a_paused_schedule_fires_nothing_and_resumes_with_its_next_slot(
    engine: Engine<'_>,
) -> CaseResult {
    let start = set(engine, |schedule| schedule.missed = Missed::All)?;
    engine.pause_schedule("hourly", true)?;
    engine.set_clock(2 * HOUR + HOUR / 2);
    equal("while paused", slots_since(engine, start)?, Vec::new())?;
    engine.pause_schedule("hourly", false)?;
    equal("once resumed", slots_since(engine, start)?, Vec::new())?;
    engine.set_clock(HOUR / 2);
    equal("at its next slot", slots_since(engine, start)?, vec![3])
}

fn a_removed_schedule_fires_no_more(engine: Engine<'_>) -> CaseResult {
    let start = set(engine, |_| {})?;
    equal("there was one", engine.remove_schedule("hourly")?, true)?;
    equal("there was another", engine.remove_schedule("hourly")?, false)?;
    engine.set_clock(2 * HOUR);
    equal("its slots", slots_since(engine, start)?, Vec::new())
}

fn a_schedule_can_be_run_now_between_its_slots(engine: Engine<'_>) -> CaseResult {
    let start = set(engine, |schedule| schedule.overlap = false)?;
    engine.set_clock(HOUR / 2);
    let id = present("a task", engine.run_schedule("hourly")?)?;
    equal("another, while it is live", engine.run_schedule("hourly")?, None)?;
    let task = claim_one(engine)?;
    equal("the task and its slot", (task.task, task.scheduled_for), (id, Some(start + HOUR / 2)))?;
    engine.complete(&task)?;
    engine.set_clock(HOUR / 2);
    equal("its slot", slots_since(engine, start)?, vec![1])
}

fn no_slot_fires_twice_when_the_clock_is_set_back(engine: Engine<'_>) -> CaseResult {
    let start = set(engine, |_| {})?;
    engine.set_clock(HOUR);
    equal("the slot", slots_since(engine, start)?, vec![1])?;
    engine.set_clock(-HOUR);
    engine.set_clock(HOUR);
    equal("the slot again", slots_since(engine, start)?, Vec::new())?;
    engine.set_clock(HOUR);
    equal("the next slot", slots_since(engine, start)?, vec![2])
}

fn a_schedule_out_of_bounds_is_refused(engine: Engine<'_>) -> CaseResult {
    let zero = ScheduleSpec { interval: Duration::ZERO, ..ScheduleSpec::default() };
    refused("an interval of zero", engine.set_schedule(&zero), Refusal::Invalid)?;
    let unnamed = ScheduleSpec { name: String::new(), ..ScheduleSpec::default() };
    refused("an empty name", engine.set_schedule(&unnamed), Refusal::Invalid)?;
    let task = TaskSpec { delay: Duration::from_secs(1), ..TaskSpec::new("later") };
    let delayed = ScheduleSpec { task, ..ScheduleSpec::default() };
    refused("a task with a delay", engine.set_schedule(&delayed), Refusal::Invalid)?;
    equal("a schedule is left", engine.remove_schedule("hourly")?, false)
}

fn an_unknown_schedule_is_refused(engine: Engine<'_>) -> CaseResult {
    refused("a pause", engine.pause_schedule("unknown", true), Refusal::NoSchedule)?;
    refused("a run", engine.run_schedule("unknown"), Refusal::NoSchedule)
}
