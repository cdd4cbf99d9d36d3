//! The tasks of a schedule as a load: made when they are enqueued, since all payloads of a workload may be more
//! than fits into memory.

use std::borrow::Cow;
use std::ops::Range;

use crate::load::plan::Schedule;
use crate::subject::{DEFAULT_QUEUE, TaskSpec, Tasks, intern, payload};

/// The tasks of a schedule.
pub(super) struct PlannedTasks<'a> {
    schedule: &'a Schedule,
    /// Queue and type of each kind.
    kinds: Vec<(&'static str, &'static str)>,
}

impl<'a> PlannedTasks<'a> {
    /// Those of this schedule.
    pub(super) fn of(schedule: &'a Schedule) -> Self {
        let kinds = schedule.kinds.iter();
        let kinds = kinds.map(|kind| (intern(&kind.queue), intern(&kind.task_type))).collect();
        Self { schedule, kinds }
    }

    fn task(&self, number: usize) -> Option<TaskSpec> {
        let task = self.schedule.tasks.get(number)?;
        // A schedule names a kind for each of its tasks.
        let (queue, task_type) = self.kinds.get(task.kind).copied().unwrap_or((DEFAULT_QUEUE, ""));
        let payload = payload(u64::try_from(number).unwrap_or(u64::MAX), task.payload_bytes);
        let (priority, max_attempts) = (task.priority, task.max_attempts);
        Some(TaskSpec { queue, priority, task_type, payload, max_attempts })
    }
}

impl Tasks for PlannedTasks<'_> {
    fn count(&self) -> usize {
        self.schedule.tasks.len()
    }

    fn get(&self, numbers: Range<usize>) -> Cow<'_, [TaskSpec]> {
        numbers.map_while(|number| self.task(number)).collect()
    }
}
