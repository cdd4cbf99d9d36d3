//! The file and the queue that a step needs before it runs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prismq::{
    Claim, Durability, Error, Lease, Limit, ManualClock, Missed, NewTask, Queue, Result,
    RetryPolicy, Schedule, TaskError, Timestamp, Unique,
};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::Step;

/// An open queue and leases, as a step needs them.
#[derive(Debug)]
pub struct Stage {
    pub(super) clock: Arc<ManualClock>,
    pub(super) queue: Option<Queue>,
    pub(super) leases: Vec<Lease>,
}

/// The queue that keeps a history, and the one that is paused.
pub(super) const KEEPING: &str = "keeping";
pub(super) const PAUSED: &str = "paused";
/// The limit of tasks with keys.
pub(super) const EACH: &str = "each";
pub(super) const LEASE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// The length of a payload that is stored out of line, on several pages.
pub(super) const LARGE_BYTES: usize = 9_000;
/// Commits just short of those that make the queue checkpoint, and those that make it do so twice: in parallel to the
/// writer, and by the writer.
const CHURN_BEFORE: u32 = 40;
pub(super) const CHURN: u32 = 60;

pub(super) fn task(number: u8) -> NewTask {
    NewTask::new("job", vec![number; 100])
}

/// A task of this key, of which [`one_per_key`] lets one run.
pub(super) fn keyed(number: u8, key: &str) -> NewTask {
    NewTask::new("keyed", vec![number; 100]).limit(EACH).key(key)
}

pub(super) fn one_per_key() -> Limit {
    Limit::concurrency(1).per_key()
}

/// A task that is unique until it is done.
pub(super) fn unique(number: u8) -> NewTask {
    task(number).unique(unique_key())
}

/// The key of unique tasks; one that waits is replaced.
pub(super) fn unique_key() -> Unique {
    Unique::key("order 7").replace()
}

/// A schedule that fires every hour.
pub(super) fn schedule(name: &str) -> Schedule {
    Schedule::every(name, HOUR, task(40))
}

pub(super) fn claim() -> Claim {
    Claim::new(["job"]).lease(LEASE)
}

impl Step {
    /// Creates the file that the step is prepared on, unless the step creates it.
    ///
    /// # Errors
    /// Those of the queue.
    pub fn create_file(self, path: &Path) -> Result<()> {
        if self == Self::Create {
            return Ok(());
        }
        let queue = open(path, &Arc::new(clock()))?;
        // Closed after the queue, and so the last: the WAL stays as a kill would leave it.
        let killed = matches!(self, Self::Recover | Self::Restore);
        let _last = killed.then(|| without_checkpoint(path)).transpose()?;
        queue.set_history(KEEPING, 2)?;
        queue.enqueue_all([1, 2, 3].map(|number| task(number).queue(KEEPING)))?;
        for lease in queue.claim(&claim().queue(KEEPING).max(3))? {
            queue.complete(&lease)?;
        }
        queue.enqueue(task(4).queue(KEEPING))?;
        queue.pause(PAUSED)?;
        queue.enqueue_all([task(5), task(6), task(7)])?;
        queue.enqueue(NewTask::new("large", vec![8; LARGE_BYTES]))?;
        queue.enqueue(NewTask::new("late", [9]).delay(Duration::from_secs(5)))?;
        queue.enqueue(NewTask::new("once", [10]).max_attempts(1))?;
        if self == Self::Restore {
            queue.backup(Self::copy_of(path))?;
            queue.enqueue_all([11, 12].map(task))?;
        }
        drop(queue);
        Ok(())
    }

    /// Opens the queue as the step needs it.
    ///
    /// # Errors
    /// Those of the queue.
    pub fn prepare(self, path: &Path) -> Result<Stage> {
        let clock = Arc::new(clock());
        let mut stage = Stage { clock, queue: None, leases: Vec::new() };
        if matches!(self, Self::Create | Self::Open | Self::Recover | Self::Restore) {
            return Ok(stage);
        }
        let queue = open(path, &stage.clock)?;
        self.enqueue_before(&queue)?;
        if let Some(claim) = self.claim_before() {
            stage.leases = queue.claim(&claim)?;
        }
        match self {
            Self::Redrive => {
                for lease in &stage.leases {
                    queue.fail(lease, TaskError::permanent("never"))?;
                }
            }
            Self::EnqueueUnique => {
                for lease in &stage.leases {
                    queue.complete(lease)?;
                }
            }
            Self::FailByPolicy => {
                queue.set_retry("job", Some(RetryPolicy::fixed(Duration::from_secs(9))))?;
            }
            Self::FailCancelled => drop(queue.tasks().running().cancel()?),
            Self::Promote => stage.clock.advance(Duration::from_secs(10)),
            Self::Reclaim | Self::ReclaimDead | Self::Expire => stage.clock.advance(LEASE * 2),
            Self::TakeIn => fill_inbox(path)?,
            Self::PauseSchedule | Self::RunSchedule => {
                queue.schedules().set(&schedule("one")).map(drop)?;
            }
            Self::FireSchedules => {
                queue.schedules().set(&schedule("one").no_overlap())?;
                queue.schedules().set(&schedule("all").missed(Missed::All))?;
                stage.clock.advance(HOUR * 5);
            }
            Self::AutoCheckpoint => churn(&queue, CHURN_BEFORE)?,
            Self::Checkpoint | Self::Close | Self::Backup => churn(&queue, 3)?,
            _ => {}
        }
        stage.queue = Some(queue);
        Ok(stage)
    }

    /// Enqueues what only this step needs.
    fn enqueue_before(self, queue: &Queue) -> Result<()> {
        match self {
            Self::EnqueueUnique | Self::EnqueueReplacing => {
                queue.enqueue(unique(50).priority(1)).map(drop)
            }
            Self::Expire => {
                let brief = |number| task(number).expires_after(LEASE);
                queue.enqueue_all([51, 52].map(brief)).map(drop)
            }
            Self::EnqueueKeyed | Self::SetLimit => queue.set_limit(EACH, one_per_key()),
            Self::ClaimKeyed | Self::CompleteKeyed => {
                queue.set_limit(EACH, one_per_key())?;
                let tasks = [(53, "ann"), (54, "ann"), (55, "ben"), (56, "ben")];
                queue.enqueue_all(tasks.map(|(number, key)| keyed(number, key))).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// The claim of what the step then settles or finds expired.
    fn claim_before(self) -> Option<Claim> {
        match self {
            Self::Complete
            | Self::CompleteIn
            | Self::Fail
            | Self::FailDead
            | Self::FailByPolicy
            | Self::FailCancelled
            | Self::Snooze
            | Self::Release
            | Self::Extend
            | Self::CancelRunning
            | Self::EnqueueUnique
            | Self::Redrive => Some(claim()),
            Self::CompleteLarge => Some(Claim::new(["large"])),
            Self::CompleteKeyed => Some(Claim::new(["keyed"]).lease(LEASE)),
            Self::CompleteKept | Self::CompleteWith => Some(claim().queue(KEEPING)),
            Self::Reclaim => Some(claim().max(2)),
            Self::ReclaimDead => Some(Claim::new(["once"]).lease(LEASE)),
            _ => None,
        }
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

pub(super) fn open(path: &Path, clock: &Arc<ManualClock>) -> Result<Queue> {
    Queue::builder(path)
        .durability(Durability::Full)
        .clock(clock.clone())
        .retry(RetryPolicy::fixed(Duration::from_secs(10)))
        .open()
}

/// Commits that leave the file as it was, but for its counters and the next id.
pub(super) fn churn(queue: &Queue, times: u32) -> Result<()> {
    for _ in 0..times {
        queue.enqueue(NewTask::new("churn", [1; 200]))?;
        for lease in queue.claim(&Claim::new(["churn"]))? {
            queue.complete(&lease)?;
        }
    }
    Ok(())
}

/// Rows for the inbox: two to be claimed, one with a payload that is stored out of line, and one that cannot be a task.
fn fill_inbox(path: &Path) -> Result<()> {
    let own = Connection::open(path).map_err(refused)?;
    own.execute_batch(
        "INSERT INTO prismq_inbox (type, payload, priority, run_at)
         VALUES ('job', 'first', 1, NULL), ('job', 'second', 2, NULL), ('job', zeroblob(9000), 900, NULL),
                ('job', 'too late', 1, '2500-01-01'), ('new', 'other', 3, NULL)",
    )
    .map_err(refused)
}

pub(super) fn refused(source: rusqlite::Error) -> Error {
    Error::Database { source: Arc::new(source) }
}

fn without_checkpoint(path: &Path) -> Result<Connection> {
    let last = Connection::open(path).map_err(refused)?;
    last.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(refused)?;
    last.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(refused)?;
    Ok(last)
}
