//! The engine under test is the queue of this workspace, through its public interface alone.

use std::path::Path;
use std::time::Duration;

use prismq::{
    Claim, Event, NewTask, Outcome, Queue, RetryPolicy, TaskContext, TaskError, TaskId, WorkerPool,
};

use crate::subject::{
    Attempt, Census, Counters, Crew, CrewReport, DEFAULT_QUEUE, Ending, Engine, EngineError,
    OpenOptions, Order, RunningCrew, Settled, TaskSpec,
};

/// An open queue.
#[derive(Debug)]
pub struct PrismqEngine {
    queue: Queue,
}

impl PrismqEngine {
    /// Opens or creates the queue in this file.
    ///
    /// # Errors
    /// The queue's.
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self, EngineError> {
        let queue = Queue::builder(path)
            .durability(options.durability)
            .retry(RetryPolicy::fixed(options.retry))
            .open()?;
        Ok(Self { queue })
    }
}

impl Engine for PrismqEngine {
    fn enqueue(&self, task: &TaskSpec) -> Result<i64, EngineError> {
        Ok(self.queue.enqueue(&new_task(task))?.as_i64())
    }

    fn enqueue_all(&self, tasks: &[TaskSpec]) -> Result<Vec<i64>, EngineError> {
        let tasks: Vec<NewTask> = tasks.iter().map(new_task).collect();
        let ids = self.queue.enqueue_all(&tasks)?;
        Ok(ids.into_iter().map(TaskId::as_i64).collect())
    }

    fn hold(
        &self,
        task_type: &'static str,
        max: usize,
        lease: Duration,
    ) -> Result<Vec<i64>, EngineError> {
        let leases = self.queue.claim(&Claim::new([task_type]).max(max).lease(lease))?;
        Ok(leases.iter().map(|lease| lease.id().as_i64()).collect())
    }

    fn start(&self, crew: Crew) -> Result<Box<dyn RunningCrew>, EngineError> {
        self.start_on(DEFAULT_QUEUE, crew)
    }

    fn start_on(&self, queue: &str, crew: Crew) -> Result<Box<dyn RunningCrew>, EngineError> {
        let listener = crew.listener;
        let mut builder = WorkerPool::builder(&self.queue)
            .queue(queue)
            .workers(crew.workers)
            .lease(crew.lease)
            .on_event(move |event| {
                if let Some(settled) = settled(event) {
                    listener(&settled);
                }
            });
        for (task_type, handler) in crew.handlers {
            builder = builder.handler(task_type, move |context: &TaskContext<'_>| {
                let attempt = Attempt {
                    id: context.id().as_i64(),
                    payload: context.payload(),
                    number: context.attempt(),
                };
                handler(&attempt).map_err(TaskError::new)
            });
        }
        Ok(Box::new(RunningPool { pool: builder.start()? }))
    }

    fn counters(&self) -> Counters {
        let met = self.queue.contention();
        Counters {
            busy_errors: met.busy_errors,
            busy_waits: met.busy_waits,
            claim_conflicts: met.claim_conflicts,
            empty_polls: met.empty_claims,
            write_transactions: met.write_transactions,
            synced_transactions: met.synced_transactions,
        }
    }

    fn set_order(&self, queue: &str, order: Order) -> Result<(), EngineError> {
        Ok(self.queue.set_order(queue, order)?)
    }

    fn census(&self) -> Result<Census, EngineError> {
        self.census_of(DEFAULT_QUEUE)
    }

    fn census_of(&self, queue: &str) -> Result<Census, EngineError> {
        let stats = self.queue.stats(queue)?;
        Ok(Census {
            ready: stats.ready,
            scheduled: stats.scheduled,
            leased: stats.leased,
            dead: stats.dead,
        })
    }

    fn settings(&self) -> Result<Vec<(String, String)>, EngineError> {
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
        // Outcomes of a later version are no ending this harness knows.
        _ => return None,
    };
    Some(Settled { id: event.id.as_i64(), attempt: event.attempt, ending })
}

#[derive(Debug)]
struct RunningPool {
    pool: WorkerPool,
}

impl RunningCrew for RunningPool {
    fn stop(self: Box<Self>, bound: Duration) -> CrewReport {
        let report = self.pool.shutdown(bound);
        let mut errors: Vec<String> = report.error.iter().map(ToString::to_string).collect();
        if !report.abandoned.is_empty() {
            errors.push(format!("{} handlers did not end in time", report.abandoned.len()));
        }
        CrewReport { per_worker: report.stats.per_worker, errors }
    }
}
