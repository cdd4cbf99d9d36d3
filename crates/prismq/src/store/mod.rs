//! What an engine must be able to do, and the operations it does.
//!
//! An engine implements [`Store::apply`] and a few reads, and nothing else: grouping, waking, the
//! worker pool and the clock stand in front of it and are the same for every engine. Operations
//! arrive validated.

mod remark;
pub(crate) mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Moment, Timestamp};
use crate::error::Result;
use crate::lease::{Claim, Lease, LeaseKey, Payload};
use crate::order::Order;
use crate::stats::QueueStats;
use crate::task::{NewTask, State, Task, TaskId};

pub(crate) use self::remark::Remarks;

/// One thing to do, as a value.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// Adds tasks, all or none.
    Enqueue(Vec<NewTask>),
    /// Takes ready tasks in their order, after promoting what is due and reclaiming what expired.
    Claim(Claim),
    /// Ends a task well.
    Complete(LeaseKey),
    /// Ends an attempt badly.
    Fail { key: LeaseKey, error: String, next: AfterFailure },
    /// Moves a lease's end to this long from now.
    Extend { key: LeaseKey, lease: Duration },
    /// Notes that an attempt is begun: it is used up even if nobody ends it.
    Begin(LeaseKey),
    /// Gives a task back as if it had not been claimed.
    Release(LeaseKey),
    /// Gives a task back, to be claimed again once so long has passed; no attempt is counted.
    Defer { key: LeaseKey, pause: Duration },
    /// Sets the order of a queue that holds no task.
    SetOrder { queue: Arc<str>, order: Order },
    /// Keeps a queue's tasks from being claimed, or no longer.
    SetPaused { queue: Arc<str>, paused: bool },
    /// Sets how many completed tasks of a queue are kept, and deletes some of those that are too many.
    SetHistory { queue: Arc<str>, keep: u32 },
}

/// What becomes of a task whose attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// It runs again this much later.
    Retry(Duration),
    /// It is a dead letter.
    Dead,
}

impl Operation {
    /// Whether its answer promises something that a power cut must not undo. A lost claim, begin,
    /// extension or release only lets a task run again sooner or later.
    pub(crate) const fn must_be_durable(&self) -> bool {
        matches!(
            self,
            Self::Enqueue(_)
                | Self::Complete(_)
                | Self::Fail { .. }
                | Self::SetOrder { .. }
                | Self::SetPaused { .. }
                | Self::SetHistory { .. }
        )
    }

    /// The lease it uses, if it uses one.
    pub(crate) const fn key(&self) -> Option<&LeaseKey> {
        match self {
            Self::Complete(key)
            | Self::Fail { key, .. }
            | Self::Extend { key, .. }
            | Self::Begin(key)
            | Self::Defer { key, .. }
            | Self::Release(key) => Some(key),
            Self::Enqueue(_)
            | Self::Claim(_)
            | Self::SetOrder { .. }
            | Self::SetPaused { .. }
            | Self::SetHistory { .. } => None,
        }
    }

    /// The priority of the most urgent task it brings that this claim would take, if it brings one.
    pub(crate) fn brings(&self, claim: &Claim) -> Option<i32> {
        let Self::Enqueue(tasks) = self else { return None };
        let fits = |task: &&NewTask| {
            task.delay.is_zero()
                && task.queue == claim.queue
                && claim.types.contains(&task.task_type)
                && task.requirements.all_in(&claim.capabilities)
        };
        tasks.iter().filter(fits).map(|task| task.priority).min()
    }

    /// Payload bytes it carries.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Enqueue(tasks) => tasks.iter().map(|task| task.payload.len()).sum(),
            _ => 0,
        }
    }
}

/// The answer to one operation that succeeded.
#[derive(Debug)]
pub(crate) enum Answer {
    Enqueued(Vec<TaskId>),
    Claimed(Claimed),
    Completed,
    Begun,
    Released,
    Ordered,
    /// To `SetPaused`: whether it is now.
    Paused(bool),
    /// To `SetHistory`: whether there are still too many.
    Pruned {
        more: bool,
    },
    /// To `Fail`: where the task stands now.
    Failed(State),
    /// To `Extend`: when the lease now ends.
    Extended(Moment),
}

/// What a claim found.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    /// The tasks, first in order first; payloads that stand apart are not read yet.
    pub(crate) leases: Vec<Lease>,
    /// When the next scheduled task is due or the next lease expires, by the monotonic time, as far as the
    /// claim looked: it does where it found less than it was asked for. [`AT_ONCE`] if there may be more
    /// already.
    pub(crate) next_due: Option<Timestamp>,
    /// [`Store::version`] when it looked.
    pub(crate) version: i64,
    /// Whether the queue is paused, if it found less than it was asked for.
    pub(crate) paused: bool,
}

/// [`Claimed::next_due`] of a claim that stopped before it had looked at all there is.
pub(crate) const AT_ONCE: Timestamp = Timestamp::from_micros(i64::MIN);

/// An engine: applies batches of operations, each batch in one transaction.
pub(crate) trait Store: Send {
    /// Applies the operations in order in one transaction and commits it. Each operation has an
    /// answer of its own; an operation that does not apply, say for a lost lease, changes nothing
    /// and harms no other.
    ///
    /// The time that counts is that of the clock once the transaction may write: a lease must not be
    /// the shorter for having waited for others. What expired is taken back before the first claim of the
    /// batch, and not from operations that stand before it.
    ///
    /// # Errors
    /// The whole batch failed and nothing of it was kept; [`crate::Error::Poisoned`] if it is
    /// unknown whether it was. After that answer the store gives no other, and touches its file no more.
    fn apply(&mut self, clock: &dyn Clock, batch: &[Operation]) -> Result<Vec<Result<Answer>>>;

    /// A number that is another once another process or handle has committed something.
    fn version(&self) -> Result<i64>;

    /// A file that changes whenever something is committed, if there is one.
    fn changing_file(&self) -> Option<PathBuf>;

    /// The settings of the writer's connection, read back.
    fn settings(&self) -> Result<Vec<(String, String)>>;
}

/// Reads that need no transaction of the writer.
pub(crate) trait Reader: Send {
    /// The task with this id, unless it was completed and not kept, or never was; its due time and the end of
    /// its lease by the monotonic time.
    fn task(&self, id: TaskId) -> Result<Option<Task>>;

    /// The payloads of tasks that stand apart, in the order of the ids, until they are `bytes_max`
    /// together; that of the first however large.
    ///
    /// # Errors
    /// Outer: one of them cannot be read, [`crate::Error::Corrupt`] only where no read failed and what was
    /// read is damaged. Inner: this task has none, which is [`crate::Error::Corrupt`] too.
    fn payloads(&mut self, ids: &[TaskId], bytes_max: usize) -> Result<Vec<Result<Payload>>>;

    /// The counters of a queue; all zero for one that nothing was ever enqueued to.
    fn stats(&self, queue: &str) -> Result<QueueStats>;
}
