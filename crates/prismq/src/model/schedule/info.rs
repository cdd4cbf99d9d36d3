//! A schedule as it was read.

use super::{Missed, Rule};
use crate::model::{Result, TaskId};
use crate::time::Timestamp;

/// A schedule as it is stored, with what it has done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScheduleInfo {
    /// Its name.
    pub name: String,
    /// The cron expression, or the interval as `every 300s`.
    pub rule: String,
    /// The IANA name of its time zone.
    pub time_zone: String,
    /// The queue of its tasks.
    pub queue: String,
    /// The type of its tasks.
    pub task_type: String,
    /// What happens with missed slots.
    pub missed: Missed,
    /// Whether a task is enqueued while the last one is not done.
    pub overlap: bool,
    /// Whether it is paused.
    pub paused: bool,
    /// The next slot, by the wall clock, or one that has passed and waits for room in its queue; `None` while it is
    /// paused or stopped by an error.
    pub next_run: Option<Timestamp>,
    /// The time of the slot that a task was enqueued for last.
    pub last_run: Option<Timestamp>,
    /// The task enqueued last.
    pub last_task: Option<TaskId>,
    /// Tasks it has enqueued.
    pub enqueued: u64,
    /// Why its last slot has no task, what that waits for, or why the schedule is stopped.
    pub error: Option<String>,
    pub(crate) stored_rule: Rule,
    pub(crate) anchor: Timestamp,
}

impl ScheduleInfo {
    /// Its next slots, up to this many; none while it is paused or stopped by an error.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for more than
    /// [`NEXT_RUNS_MAX`](crate::limits::NEXT_RUNS_MAX) slots, or for a cron expression if this program was built
    /// without the feature `cron`.
    pub fn next_runs(&self, count: usize) -> Result<Vec<Timestamp>> {
        let Some(next) = self.next_run else { return Ok(Vec::new()) };
        let before = Timestamp::from_micros(next.as_micros().saturating_sub(1));
        self.stored_rule.next_after(self.anchor, before, count)
    }
}
