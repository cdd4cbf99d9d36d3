//! Schedules fire: in one transaction, tasks are enqueued for slots that are due and the schedule's next slot is
//! written, so that each slot has its task once, whichever process is first.
//!
//! It happens in the transactions that are made anyway, before their first claim; an idle pool wakes for the next slot
//! as it does for a delayed task. Files without schedules pay nothing: see [`Features`]. Rows are written by
//! [`set`]; which tasks belong to which slots is kept by [`slots`].
//!
//! A slot whose queue is full waits for room and is tried again: as long as its policy for missed slots lets it run.

mod enqueue;
pub(crate) mod row;
pub(crate) mod set;
pub(crate) mod slots;

use std::time::Duration;

use rusqlite::params;

use self::enqueue::Fired;
use self::row::Stored;
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::writer::Writer;
use crate::model::{Due, Durability, Error, Result, Rule, TaskId};
use crate::time::{Clock, Moment, Timestamp};

/// Schedules with a due slot, those of cron expressions only if `?2`.
pub(crate) const DUE: &str = "SELECT id FROM prismq_schedule
     WHERE next_at <= ?1 AND (cron IS NULL OR ?2) ORDER BY next_at LIMIT ?3";
/// Schedules whose next slot was decided after a time.
pub(crate) const AHEAD: &str = "SELECT id FROM prismq_schedule
     WHERE next_at IS NOT NULL AND decided_at > ?1 AND (cron IS NULL OR ?2) LIMIT ?3";
/// The next slot of all schedules.
pub(crate) const NEXT_SLOT: &str = "SELECT min(next_at) FROM prismq_schedule
     WHERE next_at IS NOT NULL AND (cron IS NULL OR ?1)";
/// When a slot was decided last.
pub(crate) const LAST_DECIDED: &str = "SELECT max(decided_at) FROM prismq_schedule
     WHERE next_at IS NOT NULL AND (cron IS NULL OR ?1)";
/// Whether a task is neither completed nor dead.
pub(crate) const IS_LIVE: &str = "SELECT 1 FROM prismq_task WHERE id = ?1 AND state <> 3";
/// Records what a schedule did.
pub(crate) const FIRED: &str = "UPDATE prismq_schedule SET
         next_at = ?2, decided_at = ?3, last_slot = coalesce(?4, last_slot),
         last_task = coalesce(?5, last_task), enqueued = enqueued + ?6, error = ?7, held_slot = ?8
     WHERE id = ?1";
/// Stops a schedule.
const STOP: &str =
    "UPDATE prismq_schedule SET next_at = NULL, held_slot = NULL, error = ?2 WHERE id = ?1";

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

impl Writer {
    /// Whether a transaction begun now fires a schedule. It must then be as durable as an enqueue: the id of a task
    /// that a power cut undid would be given to another one.
    pub(crate) fn will_fire(&self, clock: &dyn Clock) -> Result<bool> {
        if !self.ledger.features.has(Features::PERIODIC) {
            return Ok(false);
        }
        let now = Moment::now(clock);
        match self.next_slot(now) {
            // Another process recovers the file. The next transaction looks again.
            Err(error) if error.is_busy() => Ok(false),
            slot => Ok(slot?.is_some_and(|slot| slot <= now.monotonic)),
        }
    }

    /// Enqueues the tasks of due slots: of so many schedules that a transaction stays small; the rest follow in the
    /// next. None are enqueued in a transaction that does not wait for the disk: see [`Self::will_fire`].
    pub(crate) fn fire(&mut self, now: Moment) -> Result<()> {
        if !self.ledger.features.has(Features::PERIODIC) {
            return Ok(());
        }
        let correction = now.wall.after(CORRECTION_MIN).as_micros();
        for id in self.schedules(AHEAD, correction)? {
            self.decide_again(id, now)?;
        }
        if !self.waits_for_disk && self.durability == Durability::Full {
            return Ok(());
        }
        let mut tasks = 0;
        for id in self.schedules(DUE, now.wall.as_micros())? {
            if tasks >= STEP_TASKS_MAX {
                break;
            }
            tasks += self.fire_one(id, now)?;
        }
        Ok(())
    }

    /// By the monotonic time, when the next schedule fires.
    pub(crate) fn next_slot(&self, now: Moment) -> Result<Option<Timestamp>> {
        if !self.ledger.features.has(Features::PERIODIC) {
            return Ok(None);
        }
        Ok(self.first(NEXT_SLOT, [Rule::HAS_CRON])?.map(|slot| now.to_monotonic(slot)))
    }

    /// Whether a slot was decided by a clock that has been corrected since.
    pub(crate) fn has_ahead_schedule(&self, now: Moment) -> Result<bool> {
        if !self.ledger.features.has(Features::PERIODIC) {
            return Ok(false);
        }
        let last = self.first(LAST_DECIDED, [Rule::HAS_CRON])?;
        Ok(last.is_some_and(|last| last > now.wall.after(CORRECTION_MIN)))
    }

    /// The schedules that a statement finds for a time.
    fn schedules(&self, select: &str, time: i64) -> Result<Vec<i64>> {
        self.prepare(select)?
            .query_map(params![time, Rule::HAS_CRON, STEP_TASKS_MAX], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))
    }

    /// Fires a schedule, and returns how many slots were due.
    fn fire_one(&mut self, id: i64, now: Moment) -> Result<usize> {
        let Some(schedule) = self.usable(id)? else { return Ok(0) };
        let Some(first) = schedule.next_slot else { return Ok(0) };
        let slots = match schedule.slots() {
            Ok(slots) => slots,
            Err(error) => return self.stop(id, error.to_string()).map(|()| 0),
        };
        let Due { mut run, skipped, next } = Due::at(&slots, schedule.of.missed, first, now.wall);
        if skipped {
            let (path, name) = (path_of(&self.connection), schedule.of.name.clone());
            let tasks = run.len();
            self.ledger.log.add_on_commit(move || {
                tracing::warn!(path, name = &*name, %first, tasks, "a schedule missed slots: no process enqueued their tasks in time");
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
        let Fired { added, last, holder, refused } = self.enqueue_slots(&schedule, &run, now)?;
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
                next = Next { at: Some(now.wall.after(FULL_RETRY)), held: Some(slot) };
            }
            Some((_, refused)) => error = Some(refused.to_string()),
            None => {}
        }
        if next.at.is_none() {
            error.get_or_insert_with(|| NO_SLOT.to_owned());
        }
        self.record(&schedule, now, next, (last, added), error.as_deref())?;
        Ok(run.len())
    }

    /// Writes what a schedule did: the last task with its slot, and how many were added.
    fn record(
        &self,
        schedule: &Stored,
        now: Moment,
        next: Next,
        (last, added): (Option<(TaskId, Timestamp)>, usize),
        error: Option<&str>,
    ) -> Result<()> {
        self.execute(
            FIRED,
            params![
                schedule.id,
                next.at.map(Timestamp::as_micros),
                now.wall.as_micros(),
                last.map(|(_, slot)| slot.as_micros()),
                last.map(|(task, _)| task.as_i64()),
                added,
                error,
                next.held.map(Timestamp::as_micros),
            ],
        )
        .map(drop)
    }

    /// Decides the next slot again, by a clock that was corrected.
    fn decide_again(&mut self, id: i64, now: Moment) -> Result<()> {
        let Some(schedule) = self.usable(id)? else { return Ok(()) };
        let slots = match schedule.slots() {
            Ok(slots) => slots,
            Err(error) => return self.stop(id, error.to_string()),
        };
        let next = slots.after(now.wall);
        let (path, name) = (path_of(&self.connection), schedule.of.name.clone());
        let corrected = now.wall;
        self.ledger.log.add_on_commit(move || {
            tracing::warn!(path, name = &*name, %corrected, "the clock was set back by hours: the next slot of a schedule was decided again");
        });
        let error = next.is_none().then_some(NO_SLOT);
        self.record(&schedule, now, Next { at: next, held: None }, (None, 0), error)
    }

    /// The task that a schedule enqueued last, if it is not done.
    fn live_task(&self, schedule: &Stored) -> Result<Option<TaskId>> {
        let Some(task) = schedule.last_task else { return Ok(None) };
        let live = self.prepare(IS_LIVE)?.exists([task.as_i64()]);
        Ok(live.map_err(|error| self.failure(error))?.then_some(task))
    }
}
