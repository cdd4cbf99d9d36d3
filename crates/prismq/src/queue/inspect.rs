//! Reading tasks, counters and settings.

use super::Queue;
use crate::model::{
    Contention, LimitInfo, QueueInfo, QueueStats, Result, TaskId, TaskInfo, TypeInfo, validate_name,
};
use crate::time::Moment;

impl Queue {
    /// The task with this id; `None` after it was completed, unless it is kept as history, and for an unknown id.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn task(&self, id: TaskId) -> Result<Option<TaskInfo>> {
        let task = self.core.engine()?.task(id)?;
        Ok(task.map(|task| task.at_wall_clock(Moment::now(self.core.clock()))))
    }

    /// The counters of a queue, at a cost independent of its size.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for a name that no queue can have; an engine's failure.
    pub fn stats(&self, queue: &str) -> Result<QueueStats> {
        validate_name("queue name", queue)?;
        self.core.engine()?.stats(queue)
    }

    /// Every queue with its settings and counters, in the order of their names.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn queues(&self) -> Result<Vec<QueueInfo>> {
        self.core.engine()?.queues()
    }

    /// Every type of tasks in each queue, in the order of their names; a type whose tasks require different things of
    /// a worker, once for each.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn types(&self) -> Result<Vec<TypeInfo>> {
        self.core.engine()?.types()
    }

    /// The limits set in the file, by name, with the tasks that name them. Their waiting tasks are counted one by one.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn limits(&self) -> Result<Vec<LimitInfo>> {
        self.core.engine()?.limits()
    }

    /// Statistics of this handle's writes.
    #[must_use]
    pub fn contention(&self) -> Contention {
        self.core.contention()
    }

    /// The engine's settings that matter for durability and speed, by name, read back from it.
    ///
    /// # Errors
    /// An engine's failure.
    pub fn settings(&self) -> Result<Vec<(String, String)>> {
        self.core.engine()?.settings()
    }
}
