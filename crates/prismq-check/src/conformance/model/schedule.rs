//! Schedules of the model.

use prismq::limits::{MISSED_AFTER, MISSED_RUNS_MAX};
use prismq::{Missed, State};

use super::super::subject::{ScheduleSpec, TaskSpec};
use super::task::Task;
use super::{Model, micros};

/// A schedule that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schedule {
    spec: ScheduleSpec,
    /// What its slots are counted from.
    anchor: i64,
    /// The next slot, by the wall clock; none while it is paused.
    next: Option<i64>,
    paused: bool,
    last_task: Option<i64>,
}

impl Schedule {
    /// The first slot after this time.
    fn after(&self, time: i64) -> i64 {
        let interval = micros(self.spec.interval);
        self.anchor + ((time - self.anchor).div_euclid(interval) + 1) * interval
    }

    /// The slots to run now, oldest first.
    fn due(&self, now: i64) -> Vec<i64> {
        let slots = std::iter::successors(self.next, |slot| Some(self.after(*slot)));
        let mut due: Vec<i64> = slots.take_while(|slot| *slot <= now).collect();
        let most = if self.spec.missed == Missed::All { MISSED_RUNS_MAX } else { 1 };
        due.drain(..due.len().saturating_sub(most));
        if self.spec.missed == Missed::Skip {
            due.retain(|slot| now - slot < micros(MISSED_AFTER));
        }
        due
    }
}

impl Model {
    /// Adds a task, for the slot of a schedule if one is given.
    pub(super) fn add(&mut self, task: &TaskSpec, slot: Option<i64>) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        let now = (self.monotonic, self.now);
        let queue = self.queue(&task.queue);
        queue.enqueued += 1;
        let task = Task { slot, ..Task::new(id, task, queue.order, now) };
        self.tasks.insert(id, task);
        id
    }

    /// Enqueues the tasks of slots that are due.
    pub(super) fn fire(&mut self) {
        let mut schedules = std::mem::take(&mut self.schedules);
        for schedule in schedules.values_mut() {
            if schedule.next.is_none_or(|next| next > self.now) {
                continue;
            }
            let mut due = schedule.due(self.now);
            schedule.next = Some(schedule.after(self.now));
            if !schedule.spec.overlap {
                due.drain(..due.len().saturating_sub(1));
                if self.is_live(schedule.last_task) {
                    due.clear();
                }
            }
            for slot in due {
                schedule.last_task = Some(self.add(&schedule.spec.task, Some(slot)));
            }
        }
        self.schedules = schedules;
    }

    pub(super) fn set(&mut self, spec: &ScheduleSpec) {
        let now = self.now;
        let schedule = self.schedules.entry(spec.name.clone()).or_insert_with(|| Schedule {
            spec: spec.clone(),
            anchor: now,
            next: Some(now + micros(spec.interval)),
            paused: false,
            last_task: None,
        });
        let is_same = schedule.spec.interval == spec.interval;
        schedule.spec = spec.clone();
        if !is_same {
            schedule.anchor = now;
            schedule.next = (!schedule.paused).then(|| schedule.after(now));
        }
    }

    pub(super) fn pause(&mut self, name: &str, paused: bool) -> Option<()> {
        let now = self.now;
        let schedule = self.schedules.get_mut(name)?;
        schedule.paused = paused;
        schedule.next =
            if paused { None } else { schedule.next.or_else(|| Some(schedule.after(now))) };
        Some(())
    }

    pub(super) fn run_now(&mut self, name: &str) -> Option<Option<i64>> {
        let schedule = self.schedules.get(name)?.clone();
        if !schedule.spec.overlap && self.is_live(schedule.last_task) {
            return Some(None);
        }
        let id = self.add(&schedule.spec.task, Some(self.now));
        self.schedules.get_mut(name)?.last_task = Some(id);
        Some(Some(id))
    }

    fn is_live(&self, task: Option<i64>) -> bool {
        task.and_then(|id| self.tasks.get(&id)).is_some_and(|task| task.state != State::Dead)
    }
}
