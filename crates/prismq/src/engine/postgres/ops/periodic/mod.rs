//! Schedules fire: in one transaction, tasks are enqueued for slots that are due and the schedule's next slot is
//! written, so that each slot has its task once, whichever process is first; the others pass over its row.
//!
//! It happens in transactions with claims, before the first; an idle pool wakes for the next slot as it does for a
//! delayed task. A crash of the server may undo it with its claims, which are not waited for: then it happens again.
//! Rows are written by [`set`].
//!
//! A slot whose queue is full waits for room and is tried again: as long as its policy for missed slots lets it run.

mod enqueue;
pub(crate) mod row;
pub(crate) mod set;

use std::time::Duration;

use self::enqueue::Fired;
use self::row::{Stored, stored};
use crate::engine::postgres::batch::STEP_TASKS_MAX;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::batch::send::Ticket;
use crate::engine::postgres::client::{Columns, Row, Value};
use crate::model::{Due, Error, Result, Rule, TaskId};
use crate::time::Timestamp;

/// Schedules with a due slot, those of cron expressions only if `$2`, without some.
pub(crate) const DUE: &str = stored!(
    "WHERE next_at <= $1 AND (cron IS NULL OR $2) AND id <> ALL ($4) ORDER BY next_at LIMIT $3
     FOR UPDATE SKIP LOCKED"
);
/// Schedules whose next slot was decided after a time.
pub(crate) const AHEAD: &str = stored!(
    "WHERE next_at IS NOT NULL AND decided_at > $1 AND (cron IS NULL OR $2) LIMIT $3
     FOR UPDATE SKIP LOCKED"
);
/// Whether a task is neither completed nor dead nor cancelled.
pub(crate) const IS_LIVE: &str = "SELECT FROM prismq.task WHERE id = $1 AND state IN (0, 1, 2)";
/// Records what a schedule did.
pub(crate) const FIRED: &str = "UPDATE prismq.schedule SET
         next_at = $2, decided_at = $3, last_slot = coalesce($4, last_slot),
         last_task = coalesce($5, last_task), enqueued = enqueued + $6, error = $7, held_slot = $8
     WHERE id = $1";
/// Stops a schedule.
const STOP: &str =
    "UPDATE prismq.schedule SET next_at = NULL, held_slot = NULL, error = $2 WHERE id = $1";

/// A clock set back by more than this was wrong before: slots are then decided again by the new time. After a smaller
/// step, a schedule waits until the clock has caught up, and runs no slot twice. As Vixie's cron does.
const CORRECTION_MIN: Duration = Duration::from_secs(3 * 60 * 60);

/// How long after a queue was full a slot that waits for room is tried again.
const FULL_RETRY: Duration = Duration::from_secs(1);

const NO_SLOT: &str = "it has no further slot";

/// When a schedule fires next.
#[derive(Debug, Clone, Copy)]
struct Next {
    /// The next slot, or when the one that is held is tried again.
    at: Option<Timestamp>,
    /// The first slot that waits for room in its queue.
    held: Option<Timestamp>,
}

impl Run<'_, '_> {
    /// Enqueues the tasks of due slots: of so many schedules that a transaction stays small; the rest follow in the
    /// next. A lock that another transaction holds, say on the unique key of a task, is not waited for long: the whole
    /// transaction fails then, and is repeated without the schedule that [`Run::firing`] names.
    pub(crate) fn fire(&mut self) -> Result<()> {
        let now = self.now.wall.as_micros();
        if self.due.slot.is_none_or(|slot| slot > now) {
            return Ok(());
        }
        if self.skips_slots {
            self.slots_wait = true;
            return Ok(());
        }
        let postponed = self.shared.postponed().schedules();
        let due = self.query(DUE, &[&now, &Rule::HAS_CRON, &STEP_TASKS_MAX, &postponed])?;
        self.slots_wait = due.is_empty();
        if due.is_empty() {
            return Ok(());
        }
        self.waiting_briefly(|run| {
            let mut tasks = 0;
            for row in &due {
                if tasks >= STEP_TASKS_MAX {
                    break;
                }
                run.firing = Some(row.column(0)?);
                tasks += run.fire_one(row)?;
            }
            run.firing = None;
            Ok(())
        })
    }

    /// Asks for the schedules whose slots were decided by a clock that has been corrected since.
    pub(crate) fn find_schedules_ahead(&mut self) -> Ticket {
        let correction = self.now.wall.after(CORRECTION_MIN).as_micros();
        self.put_off(AHEAD, &[&correction, &Rule::HAS_CRON, &STEP_TASKS_MAX])
    }

    /// Decides the slots of these schedules again.
    pub(crate) fn correct_schedules(&mut self, ahead: Ticket) -> Result<()> {
        self.take_answer(ahead).iter().try_for_each(|row| self.decide_again(row))
    }

    /// The schedule in a row; if it cannot be read, it is stopped.
    fn usable(&mut self, row: &Row) -> Result<Option<Stored>> {
        match Stored::read(row) {
            Ok(stored) => Ok(Some(stored)),
            Err(damage) => {
                let reason = format!("its row cannot be read: {damage}");
                self.stop(row.column(0)?, reason).map(|()| None)
            }
        }
    }

    /// Stops a schedule for this reason until it is set again.
    fn stop(&mut self, id: i32, reason: String) -> Result<()> {
        self.execute(STOP, &[&id, &reason])?;
        self.log_on_commit(move || {
            tracing::error!(schedule = id, reason, "a schedule is stopped: set it again");
        });
        Ok(())
    }

    /// Fires a schedule, and returns how many slots were due.
    fn fire_one(&mut self, row: &Row) -> Result<i64> {
        let Some(schedule) = self.usable(row)? else { return Ok(0) };
        let Some(first) = schedule.next_slot else { return Ok(0) };
        let slots = match schedule.slots() {
            Ok(slots) => slots,
            Err(error) => return self.stop(schedule.id, error.to_string()).map(|()| 0),
        };
        let now = self.now.wall;
        let Due { mut run, skipped, next } = Due::at(&slots, schedule.of.missed, first, now);
        if skipped {
            let (name, tasks) = (schedule.of.name.clone(), run.len());
            self.log_on_commit(move || {
                tracing::warn!(name = &*name, %first, tasks, "a schedule missed slots: no process enqueued their tasks in time");
            });
        }
        let mut error = None;
        if !schedule.of.overlap {
            run.drain(..run.len().saturating_sub(1));
            if let Some(live) = self.live_task(&schedule)? {
                run.clear();
                error = Some(format!("task {live} of the slot before is not done"));
            }
        }
        let Fired { added, last, holder, refused } = self.enqueue_slots(&schedule, &run)?;
        if let Some(holder) = holder {
            error = Some(format!("task {holder} holds its unique key"));
        }
        let mut next = Next { at: next, held: None };
        if let Some((_, refused)) = &refused {
            self.log_refused(&schedule, refused);
        }
        match refused {
            Some((slot, full @ Error::QueueFull { .. })) => {
                error = Some(format!("waits for room: {full}"));
                next = Next { at: Some(now.after(FULL_RETRY)), held: Some(slot) };
            }
            Some((_, refused)) => error = Some(refused.to_string()),
            None => {}
        }
        if next.at.is_none() {
            error.get_or_insert_with(|| NO_SLOT.to_owned());
        }
        self.record(&schedule, next, (last, added), error.as_deref())?;
        Ok(i64::try_from(run.len()).unwrap_or(i64::MAX))
    }

    /// Writes what a schedule did: the last task with its slot, and how many were added.
    fn record(
        &mut self,
        schedule: &Stored,
        next: Next,
        (last, added): (Option<(TaskId, Timestamp)>, i64),
        error: Option<&str>,
    ) -> Result<()> {
        let at = next.at.map(Timestamp::as_micros);
        let held = next.held.map(Timestamp::as_micros);
        let now = self.now.wall.as_micros();
        let slot = last.map(|(_, slot)| slot.as_micros());
        let task = last.map(|(task, _)| task.as_i64());
        let params: [&dyn Value; 8] =
            [&schedule.id, &at, &now, &slot, &task, &added, &error, &held];
        self.execute(FIRED, &params)
    }

    /// Decides the next slot again, by a clock that was corrected.
    fn decide_again(&mut self, row: &Row) -> Result<()> {
        let Some(schedule) = self.usable(row)? else { return Ok(()) };
        let slots = match schedule.slots() {
            Ok(slots) => slots,
            Err(error) => return self.stop(schedule.id, error.to_string()),
        };
        let (name, corrected) = (schedule.of.name.clone(), self.now.wall);
        let next = slots.after(corrected);
        self.log_on_commit(move || {
            tracing::warn!(name = &*name, %corrected, "the clock was set back by hours: the next slot of a schedule was decided again");
        });
        let error = next.is_none().then_some(NO_SLOT);
        self.record(&schedule, Next { at: next, held: None }, (None, 0), error)
    }

    /// The task that a schedule enqueued last, if it is not done.
    fn live_task(&mut self, schedule: &Stored) -> Result<Option<TaskId>> {
        let Some(task) = schedule.last_task else { return Ok(None) };
        let live = self.query(IS_LIVE, &[&task.as_i64()])?;
        Ok((!live.is_empty()).then_some(task))
    }
}
