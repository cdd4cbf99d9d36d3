//! Everything that writes to a queue's file, one step each: what kills and failing calls are swept over.
//!
//! A step does the same on every run, so that a run without faults leaves the same state as any run that was
//! acknowledged.

mod run;
mod stage;

use std::path::{Path, PathBuf};

pub use self::stage::Stage;

/// One operation that writes.
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
    /// Enqueuing one whose payload is stored out of line.
    EnqueueLarge,
    /// Enqueuing one of a type, and to a queue, that are new to the file.
    EnqueueNewNames,
    /// Enqueuing many in one transaction.
    EnqueueAll,
    /// Enqueuing a unique task whose key another held that is done.
    EnqueueUnique,
    /// Enqueuing a unique task that replaces the one that waits.
    EnqueueReplacing,
    /// Enqueuing a task with a time to live, the first of the file.
    EnqueueExpiring,
    /// Enqueuing a task of a key that is new, under a limit.
    EnqueueKeyed,
    /// Enqueuing in the caller's own transaction.
    EnqueueIn,
    /// Enqueuing in a transaction of the application's that the queue opens.
    Transaction,
    /// Claiming where rows of the inbox wait, which become tasks first.
    TakeIn,
    /// Storing a schedule.
    SetSchedule,
    /// Pausing a schedule.
    PauseSchedule,
    /// Enqueuing the task of a schedule before it is due.
    RunSchedule,
    /// Claiming where slots of schedules are due, for which tasks are enqueued first.
    FireSchedules,
    /// Claiming two ready tasks.
    Claim,
    /// Claiming a task that is due, which is promoted first.
    Promote,
    /// Claiming a task whose lease expired, which is reclaimed first.
    Reclaim,
    /// Claiming where an expired lease was the last attempt, so that its task becomes dead.
    ReclaimDead,
    /// Claiming where tasks have not started within their time to live, which become dead first.
    Expire,
    /// Claiming tasks of two keys, of each of which a limit lets one run.
    ClaimKeyed,
    /// Completing a task.
    Complete,
    /// Completing one whose payload is stored out of line.
    CompleteLarge,
    /// Completing one that is kept, which drops an older one.
    CompleteKept,
    /// Completing one that is kept, with a result.
    CompleteWith,
    /// Completing one in the caller's own transaction, with a child task.
    CompleteIn,
    /// Completing one of a key, which lets the next task of the key start.
    CompleteKeyed,
    /// Failing a task that is tried again.
    Fail,
    /// Failing one that is not tried again.
    FailDead,
    /// Failing one that is tried again by the retry policy that the file has for its type.
    FailByPolicy,
    /// Putting a task off that runs.
    Snooze,
    /// Failing one of which cancelling was requested.
    FailCancelled,
    /// Releasing a task.
    Release,
    /// Extending a lease.
    Extend,
    /// Setting the order of an empty queue.
    SetOrder,
    /// Pausing a queue.
    Pause,
    /// Resuming a queue.
    Resume,
    /// Keeping fewer completed tasks.
    SetHistory,
    /// Keeping cancelled and dead tasks for a time.
    SetRetention,
    /// Bounding how many live tasks a queue holds.
    SetDepth,
    /// Setting the retry policy of a task type.
    SetRetry,
    /// Setting the bounds of a limit.
    SetLimit,
    /// Bounding how many tasks of a queue run at once.
    SetConcurrency,
    /// Cancelling tasks that wait.
    Cancel,
    /// Requesting that a running task be cancelled.
    CancelRunning,
    /// Deleting tasks, one with a payload that is stored out of line.
    Delete,
    /// Putting a dead task back.
    Redrive,
    /// Copying the file while the queue is open.
    Backup,
    /// Putting a copy in the place of the file, whose process was killed.
    Restore,
    /// Checkpointing the WAL from outside while the queue is open, and truncating it.
    Checkpoint,
    /// Enough commits that the queue checkpoints by itself, in parallel to them.
    AutoCheckpoint,
    /// Closing the last handle, which checkpoints and deletes the WAL.
    Close,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 55] = [
        Self::Create,
        Self::Open,
        Self::Recover,
        Self::Enqueue,
        Self::EnqueueLarge,
        Self::EnqueueNewNames,
        Self::EnqueueAll,
        Self::EnqueueUnique,
        Self::EnqueueReplacing,
        Self::EnqueueExpiring,
        Self::EnqueueKeyed,
        Self::EnqueueIn,
        Self::Transaction,
        Self::TakeIn,
        Self::SetSchedule,
        Self::PauseSchedule,
        Self::RunSchedule,
        Self::FireSchedules,
        Self::Claim,
        Self::Promote,
        Self::Reclaim,
        Self::ReclaimDead,
        Self::Expire,
        Self::ClaimKeyed,
        Self::Complete,
        Self::CompleteLarge,
        Self::CompleteKept,
        Self::CompleteWith,
        Self::CompleteIn,
        Self::CompleteKeyed,
        Self::Fail,
        Self::FailDead,
        Self::FailByPolicy,
        Self::Snooze,
        Self::FailCancelled,
        Self::Release,
        Self::Extend,
        Self::SetOrder,
        Self::Pause,
        Self::Resume,
        Self::SetHistory,
        Self::SetRetention,
        Self::SetDepth,
        Self::SetRetry,
        Self::SetLimit,
        Self::SetConcurrency,
        Self::Cancel,
        Self::CancelRunning,
        Self::Delete,
        Self::Redrive,
        Self::Backup,
        Self::Restore,
        Self::Checkpoint,
        Self::AutoCheckpoint,
        Self::Close,
    ];

    /// Where [`Step::Backup`] makes its copy of this file, and where [`Step::Restore`] has its own.
    #[must_use]
    pub fn copy_of(path: &Path) -> PathBuf {
        path.with_file_name("backup.db")
    }

    /// The step of this name, as `{:?}` writes it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| format!("{step:?}") == name)
    }
}
