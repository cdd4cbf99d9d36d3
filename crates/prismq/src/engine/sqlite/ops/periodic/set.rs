//! Adding, changing and removing schedules.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::enqueue::Fired;
use super::row::{Stored, stored_unique};
use super::{NO_SLOT, slots};
use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::writer::Writer;
use crate::engine::{Answer, ScheduleChange};
use crate::model::limits::SCHEDULES_MAX;
use crate::model::{Enqueued, Error, Missed, Result, Schedule, When};
use crate::time::{Moment, Timestamp};

/// The number of a schedule.
pub(crate) const ID_OF: &str = "SELECT id FROM prismq_schedule WHERE name = ?1";
const INSERT: &str = "INSERT INTO prismq_schedule (name, interval, cron, zone, anchor, missed, overlap,
         paused, next_at, decided_at, queue, type, requirements, priority, max_attempts, payload, error,
         limit_name, key, ordered, unique_hold, unique_key, unique_period, on_conflict, expires_after)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
             ?23, ?24, ?25)";
const UPDATE: &str = "UPDATE prismq_schedule SET
         interval = ?2, cron = ?3, zone = ?4, anchor = ?5, missed = ?6, overlap = ?7, paused = ?8,
         next_at = ?9, decided_at = ?10, queue = ?11, type = ?12, requirements = ?13, priority = ?14,
         max_attempts = ?15, payload = ?16, error = ?17, limit_name = ?18, key = ?19, ordered = ?20,
         unique_hold = ?21, unique_key = ?22, unique_period = ?23, on_conflict = ?24, expires_after = ?25,
         held_slot = NULL
     WHERE name = ?1";
const PAUSE: &str = "UPDATE prismq_schedule SET paused = 1, next_at = NULL, held_slot = NULL, error = NULL WHERE id = ?1";
const RESUME: &str =
    "UPDATE prismq_schedule SET paused = 0, next_at = ?2, held_slot = NULL, decided_at = ?3, error = ?4
     WHERE id = ?1";
const RAN: &str =
    "UPDATE prismq_schedule SET last_slot = ?2, last_task = ?3, enqueued = enqueued + ?4
     WHERE id = ?1";
const REMOVE: &str = "DELETE FROM prismq_schedule WHERE id = ?1";
/// Marks schedules as in use while there are some, or slots of tasks that may be claimed.
const MARK: &str = "UPDATE prismq_meta SET
     features = iif(EXISTS (SELECT 1 FROM prismq_schedule) OR EXISTS (SELECT 1 FROM prismq_slot),
                    features | ?1, features & ~?1)";

/// Outer error: SQL failed. Inner: the operation does not apply.
type Answered = Result<Result<Answer>>;

/// When a schedule fires next.
struct Next {
    anchor: Timestamp,
    at: Option<Timestamp>,
    decided_at: Timestamp,
}

impl Writer {
    /// Adds a schedule or changes the one of its name. Its next slot is kept if the rule is the same.
    pub(crate) fn set_schedule(&mut self, now: Moment, schedule: &Schedule) -> Answered {
        let stored = match self.schedule_named(&schedule.name)? {
            None => None,
            Some(id) => Some(self.stored(id)?.and_then(rusqlite::Result::ok)),
        };
        let is_new = stored.is_none();
        if is_new && self.count_schedules()? >= SCHEDULES_MAX {
            let reason = format!("the file holds {SCHEDULES_MAX}, which is the most: remove one");
            return Ok(Err(Error::invalid("schedule", reason)));
        }
        let known = self.ledger.lanes.knows_limit(&self.connection, &schedule.task);
        if !known.map_err(|error| self.failure(error))? {
            let limit = schedule.task.limit.name.as_deref().unwrap_or_default().to_owned();
            return Ok(Err(Error::UnknownLimit { limit }));
        }
        let stored = stored.flatten();
        let paused = stored.as_ref().is_some_and(|stored| stored.paused);
        let goes_on = |stored: &Stored| stored.next_slot.is_some() || stored.paused;
        let kept = stored.filter(|stored| stored.of.rule == schedule.rule && goes_on(stored));
        if kept.as_ref().is_some_and(|kept| kept.of == *schedule) {
            return Ok(Ok(Answer::ScheduleSet { is_new: false }));
        }
        let next = match kept {
            Some(Stored { anchor, next_slot, .. }) => {
                Next { anchor, at: next_slot, decided_at: now.wall }
            }
            None => match schedule.rule.slots(now.wall) {
                Ok(slots) => {
                    let at = slots.after(now.wall).filter(|_| !paused);
                    Next { anchor: now.wall, at, decided_at: now.wall }
                }
                Err(error) => return Ok(Err(error)),
            },
        };
        self.write_schedule(if is_new { INSERT } else { UPDATE }, schedule, paused, &next)?;
        self.mark_schedules()?;
        Ok(Ok(Answer::ScheduleSet { is_new }))
    }

    /// Pauses, resumes or removes a schedule.
    pub(crate) fn change_schedule(
        &mut self,
        now: Moment,
        name: &str,
        change: ScheduleChange,
    ) -> Answered {
        let Some(id) = self.schedule_named(name)? else {
            return Ok(Err(Error::NoSchedule { name: name.to_owned() }));
        };
        match change {
            ScheduleChange::Pause => self.execute(PAUSE, [id]).map(drop)?,
            ScheduleChange::Resume => self.resume_schedule(now, id)?,
            ScheduleChange::Remove => {
                self.execute(REMOVE, [id])?;
                slots::forget(&self.connection).map_err(|error| self.failure(error))?;
                self.mark_schedules()?;
            }
        }
        Ok(Ok(Answer::ScheduleChanged))
    }

    /// Enqueues the task of a schedule for the present; none if it must not overlap with the last, which is not done.
    pub(crate) fn run_schedule(&mut self, now: Moment, name: &str) -> Answered {
        let id = self.schedule_named(name)?;
        let usable = id.map(|id| self.usable(id)).transpose()?.flatten();
        let Some(schedule) = usable else {
            return Ok(Err(Error::NoSchedule { name: name.to_owned() }));
        };
        if !schedule.of.overlap && self.live_task(&schedule)?.is_some() {
            return Ok(Ok(Answer::Enqueued(Vec::new())));
        }
        let Fired { added, last, holder, refused } =
            self.enqueue_slots(&schedule, &[now.wall], now)?;
        if let Some((_, error)) = refused {
            return Ok(Err(error));
        }
        if let Some((task, slot)) = last {
            let ran = params![schedule.id, slot.as_micros(), task.as_i64(), added];
            self.execute(RAN, ran)?;
        }
        let task = match last {
            Some((task, _)) if added > 0 => Some(Enqueued::Inserted(task)),
            Some((task, _)) => Some(Enqueued::Updated(task)),
            None => holder.map(Enqueued::Duplicate),
        };
        Ok(Ok(Answer::Enqueued(task.into_iter().collect())))
    }

    fn resume_schedule(&mut self, now: Moment, id: i64) -> Result<()> {
        let Some(schedule) = self.usable(id)? else { return Ok(()) };
        if !schedule.paused && schedule.next_slot.is_some() {
            return Ok(());
        }
        let (next, error) = match schedule.slots() {
            Ok(slots) => match slots.after(now.wall) {
                Some(next) => (Some(next.as_micros()), None),
                None => (None, Some(NO_SLOT.to_owned())),
            },
            Err(error) => (None, Some(error.to_string())),
        };
        self.execute(RESUME, params![id, next, now.wall.as_micros(), error]).map(drop)
    }

    fn write_schedule(
        &mut self,
        statement: &str,
        schedule: &Schedule,
        paused: bool,
        next: &Next,
    ) -> Result<()> {
        let (interval, cron) = match &schedule.rule.when {
            When::Every(interval) => (i64::try_from(interval.as_micros()).ok(), None),
            When::Cron(expression) => (None, Some(&**expression)),
        };
        let missed = match schedule.missed {
            Missed::Skip => 0,
            Missed::Once => 1,
            Missed::All => 2,
        };
        let error = (next.at.is_none() && !paused).then_some(NO_SLOT);
        let task = &schedule.task;
        let (hold, period, on_conflict) = match task.unique.as_ref().map(stored_unique) {
            Some((hold, period, on_conflict)) => (Some(hold), period, on_conflict),
            None => (None, None, 0),
        };
        let micros = |time: Option<Duration>| {
            time.map(|time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
        };
        let written = self.execute(
            statement,
            params![
                &*schedule.name,
                interval,
                cron,
                &*schedule.rule.zone,
                next.anchor.as_micros(),
                missed,
                schedule.overlap,
                paused,
                next.at.map(Timestamp::as_micros),
                next.decided_at.as_micros(),
                &*task.queue,
                &*task.task_type,
                task.requirements.to_text(),
                task.priority,
                task.max_attempts,
                &*task.payload,
                error,
                task.limit.name.as_deref(),
                task.limit.key.as_deref(),
                task.limit.ordered,
                hold,
                task.unique.as_ref().and_then(|rule| rule.key.as_deref()),
                micros(period),
                on_conflict,
                micros(task.expires_after),
            ],
        );
        written.map(drop)
    }

    fn schedule_named(&self, name: &str) -> Result<Option<i64>> {
        let id = self.prepare(ID_OF)?.query_row([name], |row| row.get(0)).optional();
        id.map_err(|error| self.failure(error))
    }

    fn count_schedules(&self) -> Result<u32> {
        self.prepare("SELECT count(*) FROM prismq_schedule")?
            .query_row([], |row| row.get(0))
            .map_err(|error| self.failure(error))
    }

    /// Notes in the file whether transactions must look for schedules.
    fn mark_schedules(&mut self) -> Result<()> {
        self.execute(MARK, [Features::PERIODIC])?;
        self.ledger.features = self.meta()?.1;
        Ok(())
    }
}
