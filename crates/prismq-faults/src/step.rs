//! Everything that writes to a queue's file, one step each, with the state it needs: what the kills and
//! the failing calls are swept over.
//!
//! A step does the same on every run, so that what a run without faults leaves is what any run that was
//! acknowledged must leave.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prismq::{
    Claim, Durability, Error, Lease, ManualClock, NewTask, Order, Queue, Result, RetryPolicy,
    TaskError, Timestamp,
};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

/// One thing that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Opening a path where no file is, which creates it and its schema.
    Create,
    /// Opening a queue.
    Open,
    /// Opening a queue whose process was killed.
    Recover,
    /// Enqueuing one task.
    Enqueue,
    /// Enqueuing one whose payload stands apart.
    EnqueueLarge,
    /// Enqueuing one of a type, and to a queue, that the file has not met.
    EnqueueNewNames,
    /// Enqueuing many in one transaction.
    EnqueueAll,
    /// Enqueuing in a transaction of the caller's.
    EnqueueIn,
    /// Claiming two ready tasks.
    Claim,
    /// Claiming a task that is due, which is promoted first.
    Promote,
    /// Claiming a task whose lease expired, which is reclaimed first.
    Reclaim,
    /// Claiming where an expired lease was the last attempt, which is dead then.
    ReclaimDead,
    /// Completing a task.
    Complete,
    /// Completing one whose payload stands apart.
    CompleteLarge,
    /// Completing one that is kept, where another is too many then.
    CompleteKept,
    /// Failing a task that is tried again.
    Fail,
    /// Failing one that is not.
    FailDead,
    /// Giving a task back.
    Release,
    /// Extending a lease.
    Extend,
    /// Setting the order of an empty queue.
    SetOrder,
    /// Pausing a queue.
    Pause,
    /// Resuming one.
    Resume,
    /// Keeping less of a history.
    SetHistory,
    /// Copying the WAL back into the database while the queue is open, and cutting it.
    Checkpoint,
    /// Enough commits that the queue checkpoints by itself, beside them.
    CheckpointItself,
    /// Closing the last handle, which checkpoints and deletes the WAL.
    Close,
}

/// A queue with what a step needs.
#[derive(Debug)]
pub struct Stage {
    clock: Arc<ManualClock>,
    queue: Option<Queue>,
    leases: Vec<Lease>,
}

/// The queue that keeps a history, and the one that is paused.
const KEEPING: &str = "keeping";
const PAUSED: &str = "paused";
const LEASE: Duration = Duration::from_secs(60);
/// More than stands in a task's row, and several pages of it.
const LARGE_BYTES: usize = 9_000;
/// Commits just short of those that make the queue checkpoint, and those that make it do so twice: beside
/// the writer, and by the writer.
const CHURN_BEFORE: u32 = 40;
const CHURN: u32 = 60;

fn task(number: u8) -> NewTask {
    NewTask::new("job", vec![number; 100])
}

fn claim() -> Claim {
    Claim::new(["job"]).lease(LEASE)
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::Create,
        Self::Open,
        Self::Recover,
        Self::Enqueue,
        Self::EnqueueLarge,
        Self::EnqueueNewNames,
        Self::EnqueueAll,
        Self::EnqueueIn,
        Self::Claim,
        Self::Promote,
        Self::Reclaim,
        Self::ReclaimDead,
        Self::Complete,
        Self::CompleteLarge,
        Self::CompleteKept,
        Self::Fail,
        Self::FailDead,
        Self::Release,
        Self::Extend,
        Self::SetOrder,
        Self::Pause,
        Self::Resume,
        Self::SetHistory,
        Self::Checkpoint,
        Self::CheckpointItself,
        Self::Close,
    ];

    /// The step of this name, as `{:?}` writes it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| format!("{step:?}") == name)
    }

    /// Lays the file that every stage is set on, unless the step creates its own.
    ///
    /// # Errors
    /// The queue's.
    pub fn lay(self, path: &Path) -> Result<()> {
        if self == Self::Create {
            return Ok(());
        }
        let queue = open(path, &Arc::new(clock()))?;
        // Closed after the queue, and so the last: the WAL stays as a kill would leave it.
        let _last = (self == Self::Recover).then(|| without_checkpoint(path)).transpose()?;
        queue.set_history(KEEPING, 2)?;
        queue.enqueue_all(&[1, 2, 3].map(|number| task(number).queue(KEEPING)))?;
        for lease in queue.claim(&claim().queue(KEEPING).max(3))? {
            queue.complete(&lease)?;
        }
        queue.enqueue(&task(4).queue(KEEPING))?;
        queue.pause(PAUSED)?;
        queue.enqueue_all(&[task(5), task(6), task(7)])?;
        queue.enqueue(&NewTask::new("large", vec![8; LARGE_BYTES]))?;
        queue.enqueue(&NewTask::new("late", [9]).delay(Duration::from_secs(5)))?;
        queue.enqueue(&NewTask::new("once", [10]).max_attempts(1))?;
        drop(queue);
        Ok(())
    }

    /// Opens the queue as the step needs it.
    ///
    /// # Errors
    /// The queue's.
    pub fn prepare(self, path: &Path) -> Result<Stage> {
        let clock = Arc::new(clock());
        let mut stage = Stage { clock, queue: None, leases: Vec::new() };
        if matches!(self, Self::Create | Self::Open | Self::Recover) {
            return Ok(stage);
        }
        let queue = open(path, &stage.clock)?;
        let wanted = match self {
            Self::Complete | Self::Fail | Self::FailDead | Self::Release | Self::Extend => {
                Some(claim())
            }
            Self::CompleteLarge => Some(Claim::new(["large"])),
            Self::CompleteKept => Some(claim().queue(KEEPING)),
            Self::Reclaim => Some(claim().max(2)),
            Self::ReclaimDead => Some(Claim::new(["once"]).lease(LEASE)),
            _ => None,
        };
        if let Some(claim) = wanted {
            stage.leases = queue.claim(&claim)?;
        }
        match self {
            Self::Promote => stage.clock.advance(Duration::from_secs(10)),
            Self::Reclaim | Self::ReclaimDead => stage.clock.advance(LEASE * 2),
            Self::CheckpointItself => churn(&queue, CHURN_BEFORE)?,
            Self::Checkpoint | Self::Close => churn(&queue, 3)?,
            _ => {}
        }
        stage.queue = Some(queue);
        Ok(stage)
    }

    /// Does it.
    ///
    /// # Errors
    /// The queue's.
    pub fn run(self, path: &Path, stage: &mut Stage) -> Result<()> {
        if matches!(self, Self::Create | Self::Open | Self::Recover) {
            stage.queue = Some(open(path, &stage.clock)?);
            return Ok(());
        }
        if self == Self::Close {
            stage.queue = None;
            return Ok(());
        }
        let (Some(queue), lease) = (&stage.queue, stage.leases.first()) else { return Ok(()) };
        match self {
            Self::Enqueue => queue.enqueue(&task(20)).map(drop),
            Self::EnqueueLarge => {
                queue.enqueue(&NewTask::new("large", vec![21; LARGE_BYTES])).map(drop)
            }
            Self::EnqueueNewNames => {
                queue.enqueue(&NewTask::new("new type", [22]).queue("new queue")).map(drop)
            }
            Self::EnqueueAll => {
                let tasks: Vec<_> = (0..50).map(|number| task(number).priority(7)).collect();
                queue.enqueue_all(&tasks).map(drop)
            }
            Self::EnqueueIn => enqueue_in(path, queue),
            Self::Claim => queue.claim(&claim().max(2)).map(drop),
            Self::Promote => queue.claim(&Claim::new(["late"]).lease(LEASE)).map(drop),
            Self::Reclaim => queue.claim(&claim().max(2)).map(drop),
            Self::ReclaimDead => queue.claim(&Claim::new(["once"])).map(drop),
            Self::SetOrder => queue.set_order("empty", Order::FirstInFirstOut),
            Self::Pause => queue.pause("default"),
            Self::Resume => queue.resume(PAUSED),
            Self::SetHistory => queue.set_history(KEEPING, 1),
            Self::Checkpoint => checkpoint(path),
            Self::CheckpointItself => churn(queue, CHURN),
            _ => lease.map_or(Ok(()), |lease| self.settle(queue, lease)),
        }
    }

    fn settle(self, queue: &Queue, lease: &Lease) -> Result<()> {
        match self {
            Self::Fail => {
                let error = TaskError::new("not now").retry_after(Duration::from_secs(9));
                queue.fail(lease, error).map(drop)
            }
            Self::FailDead => queue.fail(lease, TaskError::permanent("never")).map(drop),
            Self::Release => queue.release(lease),
            Self::Extend => queue.extend(lease, LEASE * 3).map(drop),
            _ => queue.complete(lease),
        }
    }

    /// Whether what it acknowledges survives a power cut.
    #[must_use]
    pub const fn is_durable(self) -> bool {
        !matches!(
            self,
            Self::Claim
                | Self::Promote
                | Self::Reclaim
                | Self::ReclaimDead
                | Self::Release
                | Self::Extend
        )
    }
}

impl Stage {
    /// The queue, once it is open.
    #[must_use]
    pub const fn queue(&self) -> Option<&Queue> {
        self.queue.as_ref()
    }
}

fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_micros(1_000_000_000))
}

fn open(path: &Path, clock: &Arc<ManualClock>) -> Result<Queue> {
    Queue::builder(path)
        .durability(Durability::Full)
        .clock(clock.clone())
        .retry(RetryPolicy::fixed(Duration::from_secs(10)))
        .open()
}

/// Commits that leave the file as it was, but for its counters and the next id.
fn churn(queue: &Queue, times: u32) -> Result<()> {
    for _ in 0..times {
        queue.enqueue(&NewTask::new("churn", [1; 200]))?;
        for lease in queue.claim(&Claim::new(["churn"]))? {
            queue.complete(&lease)?;
        }
    }
    Ok(())
}

fn refused(source: rusqlite::Error) -> Error {
    Error::Database { source: Arc::new(source) }
}

fn enqueue_in(path: &Path, queue: &Queue) -> Result<()> {
    let own = Connection::open(path).map_err(refused)?;
    own.execute_batch("PRAGMA synchronous = FULL; BEGIN IMMEDIATE").map_err(refused)?;
    prismq::sqlite::enqueue_in(queue, &own, &[task(30), task(31)])?;
    own.execute_batch("COMMIT").map_err(refused)
}

fn without_checkpoint(path: &Path) -> Result<Connection> {
    let last = Connection::open(path).map_err(refused)?;
    last.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(refused)?;
    last.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(refused)?;
    Ok(last)
}

/// As a maintenance program would.
fn checkpoint(path: &Path) -> Result<()> {
    let own = Connection::open(path).map_err(refused)?;
    own.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(refused)
}
