//! Adding, changing and removing schedules.

use std::collections::BTreeSet;

use super::NO_SLOT;
use super::enqueue::Fired;
use super::row::{Definition, Stored, stored};
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::{Columns, Value};
use crate::engine::postgres::ops::enqueue;
use crate::engine::{Answer, ScheduleChange};
use crate::model::limits::SCHEDULES_MAX;
use crate::model::{Enqueued, Error, Result, Schedule};
use crate::time::Timestamp;

/// A schedule by its name, locked.
pub(crate) const NAMED: &str = stored!("WHERE name = $1 FOR UPDATE");
/// Keeps others from adding schedules, so that there are no more than may be.
const LOCK: &str = "LOCK TABLE prismq.schedule IN SHARE ROW EXCLUSIVE MODE";
/// Adds a schedule, if there is room for it.
const ADD: &str = "INSERT INTO prismq.schedule (name, interval, cron, zone, missed, overlap, queue, type, requirements,
         priority, max_attempts, payload, limit_name, key, ordered, unique_hold, unique_key, unique_period, on_conflict,
         expires_after, anchor, next_at, decided_at, error, paused)
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
         $24, $25
     WHERE (SELECT count(*) FROM prismq.schedule) < $26 RETURNING id";
const CHANGE: &str = "UPDATE prismq.schedule SET
         interval = $2, cron = $3, zone = $4, missed = $5, overlap = $6, queue = $7, type = $8, requirements = $9,
         priority = $10, max_attempts = $11, payload = $12, limit_name = $13, key = $14, ordered = $15,
         unique_hold = $16, unique_key = $17, unique_period = $18, on_conflict = $19, expires_after = $20,
         anchor = $21, next_at = $22, decided_at = $23, error = $24, paused = $25, held_slot = NULL
     WHERE name = $1";
const PAUSE: &str =
    "UPDATE prismq.schedule SET paused = true, next_at = NULL, held_slot = NULL, error = NULL
     WHERE id = $1";
const RESUME: &str =
    "UPDATE prismq.schedule SET paused = false, next_at = $2, held_slot = NULL, decided_at = $3,
         error = $4
     WHERE id = $1";
const RAN: &str =
    "UPDATE prismq.schedule SET last_slot = $2, last_task = $3, enqueued = enqueued + $4
     WHERE id = $1";
const REMOVE: &str = "DELETE FROM prismq.schedule WHERE name = $1";

/// Outer error: SQL failed. Inner: the operation does not apply.
type Answered = Result<Result<Answer>>;

/// When a schedule fires next.
struct Next {
    anchor: Timestamp,
    at: Option<Timestamp>,
}

impl Run<'_, '_> {
    /// Adds a schedule or changes the one of its name. Its next slot is kept if the rule is the same.
    pub(crate) fn set_schedule(&mut self, schedule: &Schedule) -> Answered {
        let mut row = self.query(NAMED, &[&&*schedule.name])?.pop();
        if row.is_none() {
            self.execute(LOCK, &[])?;
            // Another transaction may have added it meanwhile.
            row = self.query(NAMED, &[&&*schedule.name])?.pop();
        }
        let is_new = row.is_none();
        let limits: BTreeSet<&str> = schedule.task.limit.name.as_deref().into_iter().collect();
        let known = enqueue::known(self, &limits)?;
        if let Some(limit) = limits.into_iter().find(|limit| !known.contains(*limit)) {
            return Ok(Err(Error::UnknownLimit { limit: limit.to_owned() }));
        }
        // What cannot be read is replaced.
        let stored = row.and_then(|row| Stored::read(&row).ok());
        let paused = stored.as_ref().is_some_and(|stored| stored.paused);
        let goes_on = |stored: &Stored| stored.next_slot.is_some() || stored.paused;
        let kept = stored.filter(|stored| stored.of.rule == schedule.rule && goes_on(stored));
        if kept.as_ref().is_some_and(|kept| kept.of == *schedule) {
            return Ok(Ok(Answer::ScheduleSet { is_new: false }));
        }
        let now = self.now.wall;
        let next = match kept {
            Some(Stored { anchor, next_slot, .. }) => Next { anchor, at: next_slot },
            None => match schedule.rule.slots(now) {
                Ok(slots) => Next { anchor: now, at: slots.after(now).filter(|_| !paused) },
                Err(error) => return Ok(Err(error)),
            },
        };
        if !self.write_schedule(schedule, is_new, paused, &next)? {
            let reason = format!("the schema holds {SCHEDULES_MAX}, which is the most: remove one");
            return Ok(Err(Error::invalid("schedule", reason)));
        }
        Ok(Ok(Answer::ScheduleSet { is_new }))
    }

    /// Pauses, resumes or removes a schedule.
    pub(crate) fn change_schedule(&mut self, name: &str, change: ScheduleChange) -> Answered {
        let Some(row) = self.query(NAMED, &[&name])?.pop() else {
            return Ok(Err(Error::NoSchedule { name: name.to_owned() }));
        };
        let id: i32 = row.column(0)?;
        match change {
            ScheduleChange::Pause => self.execute(PAUSE, &[&id])?,
            ScheduleChange::Resume => {
                if let Some(schedule) = self.usable(&row)? {
                    self.resume_schedule(&schedule)?;
                }
            }
            ScheduleChange::Remove => self.execute(REMOVE, &[&name])?,
        }
        Ok(Ok(Answer::ScheduleChanged))
    }

    /// Enqueues the task of a schedule for the present; none if it must not overlap with the last, which is not done.
    pub(crate) fn run_schedule(&mut self, name: &str) -> Answered {
        let row = self.query(NAMED, &[&name])?.pop();
        let usable = row.map(|row| self.usable(&row)).transpose()?.flatten();
        let Some(schedule) = usable else {
            return Ok(Err(Error::NoSchedule { name: name.to_owned() }));
        };
        if !schedule.of.overlap && self.live_task(&schedule)?.is_some() {
            return Ok(Ok(Answer::Enqueued(Vec::new())));
        }
        let slot = self.now.wall;
        let Fired { added, last, holder, refused } = self.enqueue_slots(&schedule, &[slot])?;
        if let Some((_, error)) = refused {
            return Ok(Err(error));
        }
        if let Some((task, slot)) = last {
            let (slot, task) = (slot.as_micros(), task.as_i64());
            self.execute(RAN, &[&schedule.id, &slot, &task, &added])?;
        }
        let task = match last {
            Some((task, _)) if added > 0 => Some(Enqueued::Inserted(task)),
            Some((task, _)) => Some(Enqueued::Updated(task)),
            None => holder.map(Enqueued::Duplicate),
        };
        Ok(Ok(Answer::Enqueued(task.into_iter().collect())))
    }

    fn resume_schedule(&mut self, schedule: &Stored) -> Result<()> {
        if !schedule.paused && schedule.next_slot.is_some() {
            return Ok(());
        }
        let now = self.now.wall;
        let (next, error) = match schedule.slots() {
            Ok(slots) => match slots.after(now) {
                Some(next) => (Some(next.as_micros()), None),
                None => (None, Some(NO_SLOT.to_owned())),
            },
            Err(error) => (None, Some(error.to_string())),
        };
        self.execute(RESUME, &[&schedule.id, &next, &now.as_micros(), &error])
    }

    /// `false` if there is no room for another.
    fn write_schedule(
        &mut self,
        schedule: &Schedule,
        is_new: bool,
        paused: bool,
        next: &Next,
    ) -> Result<bool> {
        let definition = Definition::of(schedule);
        let error = (next.at.is_none() && !paused).then_some(NO_SLOT);
        let (name, anchor) = (&*schedule.name, next.anchor.as_micros());
        let (at, now) = (next.at.map(Timestamp::as_micros), self.now.wall.as_micros());
        let most = i64::from(SCHEDULES_MAX);
        let mut params: Vec<&dyn Value> = vec![&name];
        params.extend(definition.values());
        let more: [&dyn Value; 5] = [&anchor, &at, &now, &error, &paused];
        params.extend(more);
        if !is_new {
            self.execute(CHANGE, &params)?;
            return Ok(true);
        }
        params.push(&most);
        Ok(!self.query(ADD, &params)?.is_empty())
    }
}
