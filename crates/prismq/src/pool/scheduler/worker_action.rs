//! What a worker does next.
//!
//! It runs the first ready task; if payloads must be read before, it reads them; otherwise it waits to be
//! woken. It never commits anything and never waits for the disk.

use std::time::Instant;

use super::Scheduler;
use super::held::ready::ReadyTask;
use crate::model::LeaseKey;

/// What a worker does next.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is used at once: a box would be an allocation a task"
)]
pub(in crate::pool) enum WorkerAction {
    /// Runs this task's handler.
    Run(ReadyTask),
    /// Reads the payloads of these tasks.
    ReadPayloads(Vec<LeaseKey>),
    /// Waits to be woken.
    Wait,
    /// Ends its thread.
    Exit,
}

impl Scheduler {
    /// What a worker that runs nothing does next.
    pub(in crate::pool) fn next_worker_action(
        &mut self,
        worker: usize,
        now: Instant,
    ) -> WorkerAction {
        if self.lifecycle.is_stopped() {
            return WorkerAction::Exit;
        }
        if let Some(task) = self.ready.take(&self.queues) {
            self.begin(worker, &task, now);
            return WorkerAction::Run(task);
        }
        if let Some(keys) = self.ready.start_read(&self.queues) {
            return WorkerAction::ReadPayloads(keys);
        }
        if self.lifecycle.is_active() { WorkerAction::Wait } else { WorkerAction::Exit }
    }

    fn begin(&mut self, worker: usize, task: &ReadyTask, now: Instant) {
        self.wakeups.task_begun(now);
        self.suspects.begun(&task.lease, now);
        self.slots.begin(worker, task, now);
        self.queues.begun(task.queue);
        self.timeouts.begun(task.type_index, now);
        if self.ready.is_empty() {
            self.prefetch.none_ready();
        }
    }
}
