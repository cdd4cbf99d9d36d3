//! The queue of this workspace, through its public interface alone.

use std::path::Path;
use std::time::Duration;

use prismq::{Claim, Event, NewTask, Outcome, Queue, RetryPolicy, TaskError, WorkerPool};

use crate::subject::local::{Attempt, LocalError, LocalPool, LocalQueue};
use crate::subject::{
    Census, Counters, DEFAULT_QUEUE, Ending, OpenOptions, Order, PoolReport, RunningPool, Settled,
    TaskSpec,
};

/// An open queue.
#[derive(Debug)]
pub struct Prismq {
    queue: Queue,
}

impl Prismq {
    /// Opens or creates the queue in this file.
    ///
    /// # Errors
    /// The queue's.
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self, LocalError> {
        let queue = Queue::builder(path)
            .durability(options.durability)
            .retry(RetryPolicy::fixed(options.retry))
            .open()?;
        Ok(Self::on(queue))
    }

    /// A queue that is open.
    pub(in crate::subject) const fn on(queue: Queue) -> Self {
        Self { queue }
    }
}

impl LocalQueue for Prismq {
    fn enqueue(&self, task: &TaskSpec) -> Result<i64, LocalError> {
        Ok(self.queue.enqueue(new_task(task))?.id().as_i64())
    }

    fn enqueue_all(&self, tasks: &[TaskSpec]) -> Result<Vec<i64>, LocalError> {
        let handles = self.queue.enqueue_all(tasks.iter().map(new_task))?;
        Ok(handles.iter().map(|handle| handle.id().as_i64()).collect())
    }

    fn hold(
        &self,
        task_type: &'static str,
        max: usize,
        lease: Duration,
    ) -> Result<Vec<i64>, LocalError> {
        let leases = self.queue.claim(&Claim::new([task_type]).max(max).lease(lease))?;
        Ok(leases.iter().map(|lease| lease.id().as_i64()).collect())
    }

    fn start(&self, pool: LocalPool) -> Result<Box<dyn RunningPool>, LocalError> {
        self.start_on(DEFAULT_QUEUE, pool)
    }

    fn start_on(&self, queue: &str, pool: LocalPool) -> Result<Box<dyn RunningPool>, LocalError> {
        let listener = pool.listener;
        let mut builder = WorkerPool::builder(&self.queue)
            .queue(queue)
            .workers(pool.workers)
            .lease(pool.lease)
            .on_event(move |event| {
                if let Some(settled) = settled(event) {
                    listener(&settled);
                }
            });
        for (task_type, handler) in pool.handlers {
            builder = builder.handle_bytes(task_type, move |payload, context| {
                let attempt = Attempt {
                    id: context.id().as_i64(),
                    payload: &payload,
                    number: context.attempt(),
                };
                handler(&attempt).map_err(TaskError::new)
            });
        }
        Ok(Box::new(Running { pool: builder.start()? }))
    }

    fn counters(&self) -> Counters {
        let counted = self.queue.contention();
        Counters {
            busy_errors: counted.busy_errors,
            busy_waits: counted.busy_waits,
            claim_conflicts: counted.claim_conflicts,
            empty_polls: counted.empty_claims,
            write_transactions: counted.write_transactions,
            synced_transactions: counted.synced_transactions,
        }
    }

    fn set_order(&self, queue: &str, order: Order) -> Result<(), LocalError> {
        Ok(self.queue.set_order(queue, order)?)
    }

    fn census(&self) -> Result<Census, LocalError> {
        self.census_of(DEFAULT_QUEUE)
    }

    fn census_of(&self, queue: &str) -> Result<Census, LocalError> {
        let stats = self.queue.stats(queue)?;
        Ok(Census {
            ready: stats.ready,
            scheduled: stats.scheduled,
            leased: stats.leased,
            dead: stats.dead,
        })
    }

    fn settings(&self) -> Result<Vec<(String, String)>, LocalError> {
        Ok(self.queue.settings()?)
    }
}

fn new_task(task: &TaskSpec) -> NewTask {
    NewTask::new(task.task_type, task.payload.as_slice())
        .queue(task.queue)
        .priority(task.priority)
        .max_attempts(task.max_attempts)
}

fn settled(event: &Event) -> Option<Settled> {
    let ending = match event.outcome {
        Outcome::Completed => Ending::Completed,
        Outcome::Retried => Ending::Retried,
        Outcome::Dead => Ending::Dead,
        Outcome::Released => Ending::Released,
        Outcome::LeaseLost => Ending::LeaseLost,
        // A later version may have outcomes that this harness does not know.
        _ => return None,
    };
    Some(Settled { id: event.id.as_i64(), attempt: event.attempt, ending })
}

#[derive(Debug)]
struct Running {
    pool: WorkerPool,
}

impl RunningPool for Running {
    fn stop(self: Box<Self>, bound: Duration) -> PoolReport {
        let report = self.pool.shutdown(bound);
        let mut errors: Vec<String> = report.error.iter().map(ToString::to_string).collect();
        if !report.abandoned.is_empty() {
            errors.push(format!("{} handlers did not end in time", report.abandoned.len()));
        }
        PoolReport { per_worker: report.stats.per_worker, errors }
    }
}
