//! Operations and their answers, as values. Operations are validated before they reach an engine.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use super::search::{Revival, Target, Targets};
use crate::model::{
    Claim, ClaimBounds, Enqueued, Failure, Lease, LeaseKey, Limit, NewTask, Note, Order, Retention,
    RetryPolicy, Schedule, State, TaskId,
};
use crate::time::{Moment, Timestamp};

/// An operation. Its properties are in one `match`, [`Operation::properties`].
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// Adds tasks, all or none.
    Enqueue(Vec<NewTask>),
    /// Leases ready tasks in their order, after promoting due tasks and reclaiming expired leases.
    Claim(Claim),
    /// Leases ready tasks of several queues: from each in turn its share, then from each in turn what others left.
    ClaimEach { claims: Vec<Claim>, bounds: ClaimBounds },
    /// Completes a task, with a result to be kept as long as the task is.
    Complete { key: LeaseKey, result: Option<Arc<[u8]>> },
    /// Records a failed attempt.
    Fail { key: LeaseKey, failure: Failure, next: AfterFailure },
    /// Keeps with a task what its handler notes.
    Note { key: LeaseKey, note: Note },
    /// Extends a lease to expire this long from now.
    Extend { key: LeaseKey, lease: Duration },
    /// Records that an attempt has begun: it counts even if it is never settled.
    Begin(LeaseKey),
    /// Releases a task as if it had not been claimed.
    Release(LeaseKey),
    /// Releases a task to be claimed again after a pause, without counting an attempt.
    Defer { key: LeaseKey, pause: Duration },
    /// Sets the order of a queue that holds no task.
    SetOrder { queue: Arc<str>, order: Order },
    /// Pauses or resumes a queue.
    SetPaused { queue: Arc<str>, paused: bool },
    /// Sets how many completed tasks of a queue are kept, and deletes some of the excess.
    SetHistory { queue: Arc<str>, keep: u32 },
    /// Sets which ended tasks of a queue are kept, and deletes some of the excess.
    SetRetention { queue: Arc<str>, retention: Retention },
    /// Sets or removes how long the ended tasks of a type are kept; an operator's setting is replaced only by another of
    /// an operator.
    SetTypeRetention { task_type: Arc<str>, age: Option<Duration>, by_operator: bool },
    /// Cancels tasks that wait, and requests it of those that run.
    Cancel(Targets),
    /// Deletes tasks that do not run.
    Delete(Targets),
    /// Puts dead tasks back.
    Redrive { tasks: Vec<Target>, revival: Revival },
    /// Adds a schedule, or changes the one of its name.
    SetSchedule(Box<Schedule>),
    /// Pauses, resumes or removes a schedule.
    ChangeSchedule { name: Arc<str>, change: ScheduleChange },
    /// Enqueues the task of a schedule now.
    RunSchedule(Arc<str>),
    /// Sets the bounds of a limit.
    SetLimit { name: Arc<str>, limit: Limit },
    /// Removes a limit.
    RemoveLimit(Arc<str>),
    /// Sets how many tasks of a queue run at once.
    SetConcurrency { queue: Arc<str>, tasks: Option<u32> },
    /// Sets or removes the limit of a queue's live tasks.
    SetDepth { queue: Arc<str>, limit: Option<u32> },
    /// Sets or removes the retry policy of a task type; an operator's is replaced only by another of an operator.
    SetRetry { task_type: Arc<str>, policy: Option<RetryPolicy>, by_operator: bool },
}

/// What becomes of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScheduleChange {
    Pause,
    Resume,
    Remove,
}

/// The next state of a task whose attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// It is retried after this delay.
    Retry(Duration),
    /// It is retried by the policy of its type, or after this delay if it has none.
    ByPolicy { otherwise: Duration },
    /// It is retried by the policy that an operator has set for its type; if there is none, after this delay, or without
    /// a delay it becomes a dead letter.
    UnlessByOperator(Option<Duration>),
    /// It becomes a dead letter.
    Dead,
    /// It runs after this delay, and the attempt does not count.
    Snooze(Duration),
    /// It ends as cancelled.
    Cancelled,
}

impl AfterFailure {
    /// Whether the attempt counts as failed.
    pub(crate) const fn is_failure(self) -> bool {
        matches!(self, Self::Retry(_) | Self::Dead)
    }
}

/// The properties of an operation that the committer and an engine act on.
#[derive(Debug, Clone, Copy)]
struct Properties<'a> {
    /// Whether a power cut must not undo it once it was answered. A lost claim, begin, extension or release only makes
    /// a task run again, sooner or later.
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
            Self::Complete { key, .. } | Self::Fail { key, .. } => {
                Properties { durable: true, key: Some(key), tasks: NONE }
            }
            // A checkpoint is there to survive; the rest is written again soon.
            Self::Note { key, note } => {
                let durable = note.checkpoint.is_some();
                Properties { durable, key: Some(key), tasks: NONE }
            }
            Self::Extend { key, .. }
            | Self::Begin(key)
            | Self::Release(key)
            | Self::Defer { key, .. } => Properties { durable: false, key: Some(key), tasks: NONE },
            Self::SetOrder { .. }
            | Self::SetPaused { .. }
            | Self::SetHistory { .. }
            | Self::SetRetention { .. }
            | Self::SetTypeRetention { .. }
            | Self::Cancel(_)
            | Self::Delete(_)
            | Self::Redrive { .. }
            | Self::SetSchedule(_)
            | Self::ChangeSchedule { .. }
            | Self::RunSchedule(_)
            | Self::SetLimit { .. }
            | Self::RemoveLimit(_)
            | Self::SetConcurrency { .. }
            | Self::SetDepth { .. }
            | Self::SetRetry { .. } => Properties { durable: true, key: None, tasks: NONE },
            Self::Claim(_) | Self::ClaimEach { .. } => {
                Properties { durable: false, key: None, tasks: NONE }
            }
        }
    }

    /// The claims that it is made of, if it is one.
    pub(crate) fn claims(&self) -> Option<&[Claim]> {
        match self {
            Self::Claim(claim) => Some(slice::from_ref(claim)),
            Self::ClaimEach { claims, .. } => Some(claims),
            _ => None,
        }
    }

    /// Completes a task without a result.
    pub(crate) const fn complete(key: LeaseKey) -> Self {
        Self::Complete { key, result: None }
    }

    /// Whether a power cut must not undo it once it was answered.
    pub(crate) const fn must_be_durable(&self) -> bool {
        self.properties().durable
    }

    /// The lease it uses, if it uses one.
    pub(crate) const fn key(&self) -> Option<&LeaseKey> {
        self.properties().key
    }

    /// The lease that it ends, if it ends one, so that another task may start.
    pub(crate) fn ends_lease(&self) -> Option<&LeaseKey> {
        match self {
            Self::Extend { .. } | Self::Begin(_) | Self::Note { .. } => None,
            _ => self.key(),
        }
    }

    /// The lowest priority number of the tasks it adds that this claim would take now, if any.
    pub(crate) fn enqueues_for(&self, claim: &Claim) -> Option<i32> {
        let fits = |task: &&NewTask| task.is_due_at_once() && is_served(task, claim);
        self.properties().tasks.iter().filter(fits).map(|task| task.priority).min()
    }

    /// Whether what it was answered brings work for whoever makes these claims, now or later.
    pub(crate) fn brings_work_for(&self, answer: &Answer, claims: &[Claim]) -> bool {
        // Any claim ends what expires and makes ready what is due, which states and counters show: an idle pool must know
        // when that is. Nothing else would, in a file that nobody else writes to.
        let is_timed = |task: &NewTask| task.expires_after.is_some() || !task.is_due_at_once();
        let concerns =
            |task: &NewTask| is_timed(task) || claims.iter().any(|claim| is_served(task, claim));
        let brings_one = |(task, enqueued): (&NewTask, &Enqueued)| match enqueued {
            // It may be in another queue than the task that it was enqueued with.
            Enqueued::Updated(_) => true,
            _ => enqueued.is_new() && concerns(task),
        };
        match (self, answer) {
            (Self::Enqueue(tasks), Answer::Enqueued(enqueued)) => {
                tasks.iter().zip(enqueued).any(brings_one)
            }
            _ => answer.brings_work(),
        }
    }

    /// Bytes of payloads, results and notes that it carries.
    pub(crate) fn bytes(&self) -> usize {
        let payloads = self.properties().tasks.iter().map(|task| task.payload.len()).sum::<usize>();
        match self {
            Self::Complete { result: Some(result), .. } => payloads + result.len(),
            Self::Note { note, .. } => {
                let lines = note.lines.iter().map(|line| line.text.len()).sum::<usize>();
                payloads + lines + note.checkpoint.as_ref().map_or(0, |data| data.len())
            }
            _ => payloads,
        }
    }
}

/// Whether a claim may take a task once it is ready.
fn is_served(task: &NewTask, claim: &Claim) -> bool {
    task.queue == claim.queue
        && claim.types.contains(&task.task_type)
        && task.requirements.all_in(&claim.capabilities)
}

/// The answer to one operation that succeeded.
#[derive(Debug)]
pub(crate) enum Answer {
    Enqueued(Vec<Enqueued>),
    Claimed(Claimed),
    /// To `ClaimEach`: of each claim.
    ClaimedEach(Vec<Claimed>),
    Completed,
    Begun,
    Noted,
    Released,
    Ordered,
    /// To `SetPaused`: whether the queue is paused now.
    Paused(bool),
    /// To `SetHistory` and `SetRetention`: whether an excess is left.
    Pruned {
        more: bool,
    },
    /// To `SetLimit` and `SetConcurrency`.
    LimitSet,
    /// To `RemoveLimit`: whether there was one.
    LimitRemoved(bool),
    DepthSet,
    RetrySet,
    TypeRetentionSet,
    /// To `Fail`: the task's new state.
    Failed(State),
    /// To `Extend`: when the lease expires now.
    Extended(Moment),
    /// To `Cancel`, and to a release of a task whose cancellation was requested.
    Cancelled(Cancelled),
    /// To `Delete`: how many tasks.
    Deleted(u64),
    /// To `Redrive`: how many tasks.
    Redriven(u64),
    /// To `SetSchedule`.
    ScheduleSet {
        is_new: bool,
    },
    ScheduleChanged,
}

/// The tasks that an operation cancelled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cancelled {
    /// How many waited, and have ended.
    pub(crate) ended: u64,
    /// Those that run, each with the token of its lease.
    pub(crate) requested: Vec<(TaskId, i64)>,
}

impl Answer {
    /// Whether a queue may hold fewer live tasks than before, or may hold more.
    pub(crate) const fn makes_room(&self) -> bool {
        matches!(
            self,
            Self::Completed
                | Self::Failed(State::Dead | State::Cancelled)
                | Self::Cancelled(_)
                | Self::Deleted(_)
                | Self::DepthSet
        )
    }

    /// The result of each claim, if it answers claims.
    pub(crate) fn claimed(&self) -> &[Claimed] {
        match self {
            Self::Claimed(claimed) => slice::from_ref(claimed),
            Self::ClaimedEach(claimed) => claimed,
            _ => &[],
        }
    }

    /// The result of each claim; `None` if it answers no claim.
    pub(crate) fn into_claimed(self) -> Option<Vec<Claimed>> {
        match self {
            Self::Claimed(claimed) => Some(vec![claimed]),
            Self::ClaimedEach(claimed) => Some(claimed),
            _ => None,
        }
    }

    /// Whether it brings work for workers, now or later.
    pub(crate) fn brings_work(&self) -> bool {
        match self {
            Self::Enqueued(tasks) => {
                tasks.iter().any(|task| task.is_new() || matches!(task, Enqueued::Updated(_)))
            }
            Self::Released | Self::LimitSet | Self::ScheduleSet { .. } | Self::ScheduleChanged => {
                true
            }
            Self::Failed(state) => !matches!(state, State::Dead | State::Cancelled),
            Self::Redriven(tasks) | Self::Deleted(tasks) => *tasks > 0,
            // What an ordered key waited for may be gone.
            Self::Cancelled(cancelled) => cancelled.ended > 0,
            Self::Paused(paused) => !*paused,
            Self::LimitRemoved(removed) => *removed,
            Self::Claimed(_)
            | Self::ClaimedEach(_)
            | Self::Begun
            | Self::Noted
            | Self::Completed
            | Self::Extended(_)
            | Self::Ordered
            | Self::DepthSet
            | Self::RetrySet
            | Self::TypeRetentionSet
            | Self::Pruned { .. } => false,
        }
    }
}

/// The result of a claim.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    /// The leased tasks, in order; payloads stored out of line are not read yet.
    pub(crate) leases: Vec<Lease>,
    /// When the next scheduled task is due or the next lease expires, by the monotonic time; read only if the claim
    /// found fewer tasks than asked for. [`AT_ONCE`] if more may be ready.
    pub(crate) next_due: Option<Timestamp>,
    /// [`Engine::version`](super::Engine::version) at the claim.
    pub(crate) version: i64,
    /// Whether tasks may be left that only a claim with a higher [`Claim::limited_max`] takes.
    pub(crate) limited_left: bool,
    /// Whether ready tasks may be left, as it has not looked from the first: [`Self::next_due`] is when looks do so again;
    /// read only if the claim found fewer tasks than asked for.
    pub(crate) ready_left: bool,
    /// Whether it took no more as the queue lets no more of its tasks run at once; read only if the claim found fewer
    /// tasks than asked for.
    pub(crate) no_slot: bool,
    /// Whether the queue is paused; read only if the claim found fewer tasks than asked for.
    pub(crate) paused: bool,
}

/// [`Claimed::next_due`] of a claim that stopped before it had seen all ready tasks.
pub(crate) const AT_ONCE: Timestamp = Timestamp::from_micros(i64::MIN);
