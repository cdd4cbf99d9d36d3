//! prismq as a queue that the harness measures from another process, through its public interface alone.

#[cfg(feature = "postgres")]
mod postgres;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prismq::{
    Durability, Event, NewTask, Outcome, QueueBuilder, RetryPolicy, TaskError, TaskId, WorkerPool,
};
use prismq_driver::VERSION;
use prismq_driver::message::{
    About, Can, Census, Choice, Class, Durability as Claimed, Ending, Library as Name, Open,
    Opened, Redelivery, RedeliveryKind, Settle, Store,
};
use prismq_driver::sdk::{Done, Handler, Library, Pool, Queue, Refused, Task};

#[cfg(feature = "postgres")]
pub use self::postgres::PrismqPostgres;

const QUEUE: &str = "default";
const TYPE: &str = "measured";
const FILE: &str = "queue.db";
/// Attempts that a task is given beyond those that are to fail.
const SPARE_ATTEMPTS: u32 = 10;
/// Maps of ended tasks: workers seldom meet in one.
const SHARDS: usize = 64;

/// The library, with its queue in a file.
#[derive(Debug, Clone, Copy)]
pub struct Prismq {
    /// What is opened if the harness asks for the default.
    pub default: Durability,
}

impl Library for Prismq {
    fn about(&self) -> About {
        let store = Store { name: "SQLite".to_owned(), version: rusqlite::version().to_owned() };
        about(store, class(self.default))
    }

    fn open(&self, open: &Open) -> Result<(Arc<dyn Queue>, Opened), Refused> {
        let path = Path::new(&open.dir).join(FILE);
        let durability = match open.durability {
            Choice::Default => self.default,
            Choice::Strictest => Durability::Full,
        };
        let builder = prismq::Queue::builder(&path).durability(durability);
        let opening = Opening::new(builder, open)?;
        let settings = opening.queue.settings()?.into_iter().collect();
        let paths = vec![path.display().to_string()];
        Ok((Arc::new(opening), Opened { settings, paths, ..Opened::default() }))
    }
}

fn about(store: Store, default: Class) -> About {
    About {
        v: VERSION,
        driver: concat!("prismq-bench-driver ", env!("CARGO_PKG_VERSION")).to_owned(),
        library: Name {
            name: "prismq".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            licence: env!("CARGO_PKG_LICENSE").to_owned(),
        },
        runtime: "Rust".to_owned(),
        store,
        settle: Settle::Hook,
        redelivery: Redelivery { kind: RedeliveryKind::Lease, within_ms: 0 },
        can: vec![Can::Batch, Can::Priority, Can::Retry, Can::Census, Can::Processes],
        durability: Claimed { default, strictest: Class::Synced },
    }
}

const fn class(durability: Durability) -> Class {
    match durability {
        Durability::Full | Durability::Replicated => Class::Synced,
        Durability::Normal => Class::Process,
    }
}

struct Opening {
    queue: prismq::Queue,
    lease: Duration,
}

impl Opening {
    fn new(builder: QueueBuilder, open: &Open) -> Result<Self, Refused> {
        let retry = RetryPolicy::fixed(Duration::from_millis(open.retry_ms));
        let lease = Duration::from_millis(open.lease_ms);
        Ok(Self { queue: builder.retry(retry).open()?, lease })
    }
}

impl Queue for Opening {
    fn enqueue(&self, tasks: &[Task]) -> Result<(), Refused> {
        let new = |task: &Task| {
            NewTask::new(TYPE, task.payload.as_bytes())
                .priority(task.priority.into())
                .max_attempts(u32::from(task.fails) + SPARE_ATTEMPTS)
        };
        match tasks {
            [task] => drop(self.queue.enqueue(&new(task))?),
            tasks => drop(self.queue.enqueue_all(tasks.iter().map(new))?),
        }
        Ok(())
    }

    fn start(&self, workers: usize, handler: &Handler) -> Result<Box<dyn Pool>, Refused> {
        let ended = Arc::new(Ended::default());
        let (listened, handler) = (ended.clone(), handler.clone());
        let pool = WorkerPool::builder(&self.queue)
            .queue(QUEUE)
            .workers(workers)
            .lease(self.lease)
            .on_event(move |event| settle(event, &listened))
            .handle_bytes(TYPE, move |payload, context| {
                let attempt = u16::try_from(context.attempt()).unwrap_or(u16::MAX);
                let done = handler.handle(&payload, attempt);
                let done = done.map_err(|refused| TaskError::new(refused.reason().to_owned()))?;
                let fails = done.fails();
                // The listener is called after the commit, so it finds this.
                ended.insert((context.id(), context.attempt()), done);
                if fails { Err(TaskError::new("the plan has this attempt fail")) } else { Ok(()) }
            })
            .start()?;
        Ok(Box::new(Workers(pool)))
    }

    fn census(&self) -> Result<Census, Refused> {
        let stats = self.queue.stats(QUEUE)?;
        Ok(Census {
            ready: Some(stats.ready),
            scheduled: Some(stats.scheduled),
            running: Some(stats.leased),
            dead: Some(stats.dead),
        })
    }

    fn counters(&self) -> BTreeMap<String, f64> {
        let counted = self.queue.contention();
        let counters = [
            ("busy_errors", counted.busy_errors),
            ("busy_waits", counted.busy_waits),
            ("claim_conflicts", counted.claim_conflicts),
            ("empty_claims", counted.empty_claims),
            ("synced_transactions", counted.synced_transactions),
            ("write_transactions", counted.write_transactions),
        ];
        // No count here is near 2^53.
        counters.map(|(name, count)| (name.to_owned(), count as f64)).into()
    }
}

/// Tasks whose handler has ended and whose commit is not known yet.
struct Ended(Vec<Mutex<HashMap<Attempt, Done>>>);

/// A task may be run again while an attempt that lost its lease is not reported yet.
type Attempt = (TaskId, u32);

impl Default for Ended {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl Ended {
    fn shard(&self, (id, _): Attempt) -> Option<&Mutex<HashMap<Attempt, Done>>> {
        self.0.get(usize::try_from(id.as_i64()).unwrap_or(0) % SHARDS)
    }

    fn insert(&self, attempt: Attempt, done: Done) {
        if let Some(shard) = self.shard(attempt) {
            shard.lock().unwrap_or_else(PoisonError::into_inner).insert(attempt, done);
        }
    }

    fn remove(&self, attempt: Attempt) -> Option<Done> {
        self.shard(attempt)?.lock().unwrap_or_else(PoisonError::into_inner).remove(&attempt)
    }
}

fn settle(event: &Event, ended: &Ended) {
    let attempt = (event.id, event.attempt);
    let ending = match event.outcome {
        Outcome::Completed => Ending::Completed,
        Outcome::Retried => Ending::Retried,
        Outcome::Dead => Ending::Dead,
        // No handler had begun: the next claim may have run the task, as the same attempt, before this is reported.
        _ if event.worker.is_none() => return,
        // Not settled: another worker has the task.
        _ => {
            ended.remove(attempt);
            return;
        }
    };
    if let Some(done) = ended.remove(attempt) {
        done.settled(done.ended(), ending);
    }
}

struct Workers(WorkerPool);

impl Pool for Workers {
    fn stop(self: Box<Self>, bound: Duration) -> Vec<String> {
        let report = self.0.shutdown(bound);
        let mut errors: Vec<String> = report.error.iter().map(ToString::to_string).collect();
        if !report.abandoned.is_empty() {
            errors.push(format!("{} handlers did not end in time", report.abandoned.len()));
        }
        errors
    }
}
