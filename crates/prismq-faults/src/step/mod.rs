//! Everything that writes to a queue's file, one step each: what kills and failing calls are swept over.
//!
//! A step does the same on every run, so that a run without faults leaves the same state as any run that was
//! acknowledged.

mod run;
mod stage;

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
    /// Enqueuing in the caller's own transaction.
    EnqueueIn,
    /// Enqueuing in a transaction of the application's that the queue opens.
    Transaction,
    /// Claiming where rows of the inbox wait, which become tasks first.
    TakeIn,
    /// Storing a schedule.
    SetSchedule,
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
    /// Failing a task that is tried again.
    Fail,
    /// Failing one that is not tried again.
    FailDead,
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
    /// Cancelling tasks that wait.
    Cancel,
    /// Requesting that a running task be cancelled.
    CancelRunning,
    /// Deleting tasks, one with a payload that is stored out of line.
    Delete,
    /// Putting a dead task back.
    Redrive,
    /// Checkpointing the WAL from outside while the queue is open, and truncating it.
    Checkpoint,
    /// Enough commits that the queue checkpoints by itself, in parallel to them.
    AutoCheckpoint,
    /// Closing the last handle, which checkpoints and deletes the WAL.
    Close,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 37] = [
        Self::Create,
        Self::Open,
        Self::Recover,
        Self::Enqueue,
        Self::EnqueueLarge,
        Self::EnqueueNewNames,
        Self::EnqueueAll,
        Self::EnqueueIn,
        Self::Transaction,
        Self::TakeIn,
        Self::SetSchedule,
        Self::FireSchedules,
        Self::Claim,
        Self::Promote,
        Self::Reclaim,
        Self::ReclaimDead,
        Self::Complete,
        Self::CompleteLarge,
        Self::CompleteKept,
        Self::CompleteWith,
        Self::CompleteIn,
        Self::Fail,
        Self::FailDead,
        Self::Release,
        Self::Extend,
        Self::SetOrder,
        Self::Pause,
        Self::Resume,
        Self::SetHistory,
        Self::SetRetention,
        Self::Cancel,
        Self::CancelRunning,
        Self::Delete,
        Self::Redrive,
        Self::Checkpoint,
        Self::AutoCheckpoint,
        Self::Close,
    ];

    /// The step of this name, as `{:?}` writes it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| format!("{step:?}") == name)
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
