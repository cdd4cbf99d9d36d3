//! What an engine does: operations and their answers, as values. Operations arrive validated.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Claim, Lease, LeaseKey, NewTask, Order, State, TaskId};
use crate::time::{Moment, Timestamp};

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

/// What the committer and an engine need to know of an operation before it is applied.
#[derive(Debug, Clone, Copy)]
struct Properties<'a> {
    /// Whether its answer promises something that a power cut must not undo. A lost claim, begin, extension or
    /// release only lets a task run again sooner or later.
    durable: bool,
    /// The lease it uses.
    key: Option<&'a LeaseKey>,
    /// The tasks it adds.
    tasks: &'a [NewTask],
}

impl Operation {
    const fn properties(&self) -> Properties<'_> {
        const NONE: &[NewTask] = &[];
        match self {
            Self::Enqueue(tasks) => {
                Properties { durable: true, key: None, tasks: tasks.as_slice() }
            }
            Self::Complete(key) | Self::Fail { key, .. } => {
                Properties { durable: true, key: Some(key), tasks: NONE }
            }
            Self::Extend { key, .. }
            | Self::Begin(key)
            | Self::Release(key)
            | Self::Defer { key, .. } => Properties { durable: false, key: Some(key), tasks: NONE },
            Self::SetOrder { .. } | Self::SetPaused { .. } | Self::SetHistory { .. } => {
                Properties { durable: true, key: None, tasks: NONE }
            }
            Self::Claim(_) => Properties { durable: false, key: None, tasks: NONE },
        }
    }

    /// Whether its answer promises something that a power cut must not undo.
    pub(crate) const fn must_be_durable(&self) -> bool {
        self.properties().durable
    }

    /// The lease it uses, if it uses one.
    pub(crate) const fn key(&self) -> Option<&LeaseKey> {
        self.properties().key
    }

    /// The priority of the most urgent task it brings that this claim would take, if it brings one.
    pub(crate) fn brings(&self, claim: &Claim) -> Option<i32> {
        let fits = |task: &&NewTask| {
            task.delay.is_zero()
                && task.queue == claim.queue
                && claim.types.contains(&task.task_type)
                && task.requirements.all_in(&claim.capabilities)
        };
        self.properties().tasks.iter().filter(fits).map(|task| task.priority).min()
    }

    /// Payload bytes it carries.
    pub(crate) fn bytes(&self) -> usize {
        self.properties().tasks.iter().map(|task| task.payload.len()).sum()
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

impl Answer {
    /// Whether it leaves workers something to do, now or later.
    pub(crate) const fn brings_work(&self) -> bool {
        match self {
            Self::Enqueued(_) | Self::Released => true,
            Self::Failed(state) => !matches!(state, State::Dead),
            Self::Paused(paused) => !*paused,
            Self::Claimed(_)
            | Self::Begun
            | Self::Completed
            | Self::Extended(_)
            | Self::Ordered
            | Self::Pruned { .. } => false,
        }
    }
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
    /// [`Engine::version`](super::Engine::version) when it looked.
    pub(crate) version: i64,
    /// Whether the queue is paused, if it found less than it was asked for.
    pub(crate) paused: bool,
}

/// [`Claimed::next_due`] of a claim that stopped before it had looked at all there is.
pub(crate) const AT_ONCE: Timestamp = Timestamp::from_micros(i64::MIN);
