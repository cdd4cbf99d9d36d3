//! What an engine is asked by the suite, and what it answers: owned data, which can cross a process.

use std::fmt;
use std::time::Duration;

use prismq::{CancelOutcome, Enqueued, Missed, Order, RetryPolicy, State};

/// What an engine answers to a request.
pub type Answer<T> = Result<T, Refusal>;

/// A queue engine with a clock that the suite moves. Times are microseconds of the wall clock.
pub trait EngineUnderTest {
    /// Adds tasks in one call, all or none, and returns what became of each in the same order. See
    /// [`prismq::Queue::enqueue_all`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if one of them is out of bounds, [`Refusal::QueueFull`] if a queue has no room for all.
    fn enqueue(&mut self, tasks: &[TaskSpec]) -> Answer<Vec<Enqueued>>;

    /// Claims tasks, in the order of their queue. See [`prismq::Queue::claim`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the claim is out of bounds.
    fn claim(&mut self, claim: &ClaimSpec) -> Answer<Vec<Claimed>>;

    /// Completes a task. See [`prismq::Queue::complete`].
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] if the lease does not hold the task.
    fn complete(&mut self, lease: &Claimed) -> Answer<()>;

    /// Completes a task with a result, which is kept with it. See [`prismq::Queue::complete_with`].
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] if the lease does not hold the task, [`Refusal::Invalid`] if the result is too large.
    fn complete_with(&mut self, lease: &Claimed, result: &[u8]) -> Answer<()>;

    /// Records a failed attempt, and returns the task's new state. See [`prismq::Queue::fail`].
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] if the lease does not hold the task.
    fn fail(&mut self, lease: &Claimed, failure: &Failure) -> Answer<State>;

    /// Lets a lease end this long from now, and returns when that is. See [`prismq::Queue::extend`].
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] if the lease does not hold the task.
    fn extend(&mut self, lease: &Claimed, by: Duration) -> Answer<i64>;

    /// Returns a task to its queue without counting the attempt. See [`prismq::Queue::release`].
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] if the lease does not hold the task.
    fn release(&mut self, lease: &Claimed) -> Answer<()>;

    /// Puts a task off for this long without counting the attempt, and returns its new state. See
    /// [`prismq::TaskError::snooze`].
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] if the lease does not hold the task.
    fn snooze(&mut self, lease: &Claimed, delay: Duration) -> Answer<State>;

    /// Sets the order of an empty queue. See [`prismq::Queue::set_order`].
    ///
    /// # Errors
    /// [`Refusal::NotEmpty`] if the queue has tasks and another order.
    fn set_order(&mut self, queue: &str, order: Order) -> Answer<()>;

    /// Pauses or resumes a queue. See [`prismq::Queue::pause`] and [`prismq::Queue::resume`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the name is out of bounds.
    fn set_paused(&mut self, queue: &str, paused: bool) -> Answer<()>;

    /// Sets how many completed tasks a queue keeps. See [`prismq::Queue::set_history`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the number is out of bounds.
    fn set_history(&mut self, queue: &str, keep: u32) -> Answer<()>;

    /// Limits how many live tasks a queue holds. See [`prismq::Queue::set_depth_limit`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the limit is 0 or the name is out of bounds.
    fn set_depth_limit(&mut self, queue: &str, limit: Option<u32>) -> Answer<()>;

    /// Sets when failed tasks of a type run again. See [`prismq::Queue::set_retry`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the policy or the name is out of bounds.
    fn set_retry(&mut self, task_type: &str, policy: Option<RetryPolicy>) -> Answer<()>;

    /// Sets the bounds of a limit. See [`prismq::Queue::set_limit`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if one of them is out of bounds.
    fn set_limit(&mut self, name: &str, limit: &LimitSpec) -> Answer<()>;

    /// Sets how many tasks of a queue run at once. See [`prismq::Queue::set_concurrency`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the number is out of bounds.
    fn set_concurrency(&mut self, queue: &str, tasks: Option<u32>) -> Answer<()>;

    /// Cancels a task that waits, and requests it of one that runs. See [`prismq::Queue::cancel`].
    ///
    /// # Errors
    /// None that a working engine gives.
    fn cancel(&mut self, id: i64) -> Answer<CancelOutcome>;

    /// Deletes tasks, except those that run, and returns how many. See [`prismq::Tasks::delete`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the filter is out of bounds.
    fn delete(&mut self, filter: &FilterSpec) -> Answer<u64>;

    /// Puts dead tasks back, and returns how many. See [`prismq::Tasks::redrive_with`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the filter is out of bounds.
    fn redrive(&mut self, filter: &FilterSpec, keep_attempts: bool) -> Answer<u64>;

    /// The ids of tasks, in their order. See [`prismq::Tasks::list`] and [`prismq::Tasks::count`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the filter is out of bounds.
    fn list(&mut self, filter: &FilterSpec) -> Answer<Vec<i64>>;

    /// Adds or changes a schedule that fires at an interval. See [`prismq::Schedules::set`].
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the interval, a name or the task is out of bounds.
    fn set_schedule(&mut self, schedule: &ScheduleSpec) -> Answer<()>;

    /// Pauses or resumes a schedule. See [`prismq::Schedules::pause`] and [`prismq::Schedules::resume`].
    ///
    /// # Errors
    /// [`Refusal::NoSchedule`] if there is none of this name.
    fn pause_schedule(&mut self, name: &str, paused: bool) -> Answer<()>;

    /// Removes a schedule; whether there was one. See [`prismq::Schedules::remove`].
    ///
    /// # Errors
    /// None that a working engine gives.
    fn remove_schedule(&mut self, name: &str) -> Answer<bool>;

    /// Enqueues the task of a schedule now, unless that must not overlap with the last one. See
    /// [`prismq::Schedules::run_now`].
    ///
    /// # Errors
    /// [`Refusal::NoSchedule`] if there is none of this name.
    fn run_schedule(&mut self, name: &str) -> Answer<Option<i64>>;

    /// The counters of a queue; those of a queue that was never used are zero. See [`prismq::Queue::stats`].
    ///
    /// # Errors
    /// None that a working engine gives.
    fn stats(&mut self, queue: &str) -> Answer<Stats>;

    /// A task, if it is stored. See [`prismq::Queue::task`].
    ///
    /// # Errors
    /// None that a working engine gives.
    fn task(&mut self, id: i64) -> Answer<Option<StoredTask>>;

    /// What the wall clock shows.
    fn now(&mut self) -> i64;

    /// Sets the wall clock by this many microseconds. Forward, so much time passes for leases and delays; back, none.
    fn set_clock(&mut self, by: i64);

    /// Closes the engine and opens it again, as after a restart.
    fn reopen(&mut self);
}

/// A task to be enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSpec {
    /// Its queue.
    pub queue: String,
    /// Its type.
    pub task_type: String,
    /// Lower numbers run first.
    pub priority: i32,
    /// Not before this much later.
    pub delay: Duration,
    /// Attempts it is allowed.
    pub max_attempts: u32,
    /// Names of what a worker must have.
    pub requires: Vec<String>,
    /// The limit that it is under.
    pub limit: Option<String>,
    /// Whose task it is.
    pub key: Option<String>,
    /// Whether the tasks of the key run one at a time, in order.
    pub ordered: bool,
    /// The bytes for its handler.
    pub payload: Vec<u8>,
    /// Whether it is unique, and how.
    pub unique: Option<UniqueSpec>,
    /// It must start within this time.
    pub expires_after: Option<Duration>,
}

/// How a task is unique. See [`prismq::Unique`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueSpec {
    /// Its key; `None` for its payload.
    pub key: Option<String>,
    /// How long it holds the key.
    pub hold: Hold,
    /// What becomes of a waiting task that holds the key.
    pub change: Change,
}

/// How long a task holds its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Until it is first claimed.
    WhileWaiting,
    /// Until it is completed or dead.
    UntilDone,
    /// For this long after it was enqueued.
    Period(Duration),
}

/// What becomes of a waiting task that holds the key of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It stays as it is.
    Keep,
    /// It gets the other's payload, priority, delay and time to live.
    Replace,
    /// It is due after the other's delay.
    PushBack,
}

/// The bounds of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitSpec {
    /// Of all its tasks together.
    pub total: BoundsSpec,
    /// Of the tasks of each key.
    pub per_key: BoundsSpec,
}

/// How many tasks run at once, and how many start in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BoundsSpec {
    /// At once.
    pub concurrency: Option<u32>,
    /// In a period.
    pub rate: Option<RateSpec>,
}

/// How many tasks start in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSpec {
    /// So many.
    pub tasks: u32,
    /// In so long.
    pub period: Duration,
    /// At once after a pause.
    pub burst: u32,
}

impl Default for TaskSpec {
    fn default() -> Self {
        Self {
            queue: "default".to_owned(),
            task_type: "job".to_owned(),
            priority: 100,
            delay: Duration::ZERO,
            max_attempts: 5,
            requires: Vec::new(),
            limit: None,
            key: None,
            ordered: false,
            payload: Vec::new(),
            unique: None,
            expires_after: None,
        }
    }
}

impl TaskSpec {
    /// A task with this payload, and else the defaults of [`prismq::NewTask::new`].
    #[must_use]
    pub fn new(payload: &str) -> Self {
        Self { payload: payload.as_bytes().to_vec(), ..Self::default() }
    }
}

/// Which tasks an operator means; an empty list, or `None`, is no condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterSpec {
    /// Their queue.
    pub queue: Option<String>,
    /// Their types.
    pub types: Vec<String>,
    /// Their states.
    pub states: Vec<State>,
    /// How long ago at least they ended, or were enqueued if they have not.
    pub older_than: Option<Duration>,
    /// What their last error contains.
    pub error_contains: Option<String>,
}

impl FilterSpec {
    /// The tasks in this state.
    #[must_use]
    pub fn in_state(state: State) -> Self {
        Self { states: vec![state], ..Self::default() }
    }
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimSpec {
    /// The queue to claim from.
    pub queue: String,
    /// The types to claim.
    pub types: Vec<String>,
    /// Names of what the worker has.
    pub capabilities: Vec<String>,
    /// At most this many tasks.
    pub max: usize,
    /// How long they are held.
    pub lease: Duration,
}

impl Default for ClaimSpec {
    fn default() -> Self {
        Self {
            queue: "default".to_owned(),
            types: vec!["job".to_owned()],
            capabilities: Vec::new(),
            max: 100,
            lease: Duration::from_secs(60),
        }
    }
}

/// A claimed task, and the lease that holds it: its id and token name the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The task's id.
    pub task: i64,
    /// The fencing token.
    pub token: i64,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Attempts the task is allowed.
    pub max_attempts: u32,
    /// The task's priority.
    pub priority: i32,
    /// The task's type.
    pub task_type: String,
    /// The bytes it was enqueued with.
    pub payload: Vec<u8>,
    /// When the lease ends unless it is extended.
    pub expires_at: i64,
    /// The slot that a schedule enqueued the task for.
    pub scheduled_for: Option<i64>,
}

/// A schedule that fires at an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleSpec {
    /// Its name.
    pub name: String,
    /// How far its slots are apart.
    pub interval: Duration,
    /// What happens with missed slots.
    pub missed: Missed,
    /// Whether a task is enqueued while the last one is not done.
    pub overlap: bool,
    /// The task to enqueue; a delay is out of bounds.
    pub task: TaskSpec,
}

impl Default for ScheduleSpec {
    fn default() -> Self {
        Self {
            name: "hourly".to_owned(),
            interval: Duration::from_secs(3600),
            missed: Missed::Once,
            overlap: true,
            task: TaskSpec::new("tick"),
        }
    }
}

/// How an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The error that is kept with the task.
    pub text: String,
    /// How long to wait for the next attempt; `None` for no further attempt.
    pub retry_after: Option<Duration>,
    /// Whether the retry policy decides instead.
    pub by_policy: bool,
}

impl Failure {
    /// A failure after which the task is tried again after this long.
    #[must_use]
    pub fn retry(text: &str, after: Duration) -> Self {
        Self { text: text.to_owned(), retry_after: Some(after), by_policy: false }
    }

    /// A failure that no further attempt would mend.
    #[must_use]
    pub fn permanent(text: &str) -> Self {
        Self { text: text.to_owned(), retry_after: None, by_policy: false }
    }

    /// A failure after which the retry policy decides.
    #[must_use]
    pub fn by_policy(text: &str) -> Self {
        Self { text: text.to_owned(), retry_after: None, by_policy: true }
    }
}

/// A task as the engine has stored it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTask {
    /// Its queue.
    pub queue: String,
    /// Its type.
    pub task_type: String,
    /// What a worker must have, in order of name, each once.
    pub requirements: Vec<String>,
    /// Its state.
    pub state: State,
    /// Its priority.
    pub priority: i32,
    /// Attempts counted so far.
    pub attempt: u32,
    /// Attempts it is allowed.
    pub max_attempts: u32,
    /// Not before this time.
    pub run_at: i64,
    /// When its lease ends, while it is leased.
    pub lease_expires_at: Option<i64>,
    /// The last failure's text.
    pub error: Option<String>,
    /// The bytes for its handler.
    pub payload: Vec<u8>,
    /// Its last failed attempts by number, each with its error, or `None` if its lease expired.
    pub attempts: Vec<(u32, Option<String>)>,
    /// What it resulted in.
    pub result: Option<Vec<u8>>,
}

/// The counters of a queue. See [`prismq::QueueStats`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Tasks that may be claimed now.
    pub ready: u64,
    /// Tasks that wait for their due time.
    pub scheduled: u64,
    /// Tasks held by a lease, expired ones that no claim took back yet among them.
    pub leased: u64,
    /// Dead letters.
    pub dead: u64,
    /// Completed tasks that are kept.
    pub kept: u64,
    /// Whether the queue is paused.
    pub paused: bool,
    /// Tasks ever enqueued.
    pub enqueued: u64,
    /// Tasks ever completed.
    pub completed: u64,
    /// Attempts ever failed by their worker.
    pub failed: u64,
    /// Leases that ever expired and were taken back.
    pub reclaimed: u64,
    /// Tasks that ever expired before they started.
    pub expired: u64,
    /// Tasks ever cancelled.
    pub cancelled: u64,
    /// Tasks ever deleted that had not ended, or were dead.
    pub deleted: u64,
}

/// Why an engine refused a request. It changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The lease does not hold its task any more.
    LeaseLost,
    /// The queue has tasks.
    NotEmpty,
    /// The queue holds as many live tasks as it may.
    QueueFull,
    /// There is no schedule of this name.
    NoSchedule,
    /// A value is out of bounds.
    Invalid,
    /// An error that no case expects; its text.
    Other(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeaseLost => f.write_str("the lease is lost"),
            Self::QueueFull => f.write_str("the queue is full"),
            Self::NoSchedule => f.write_str("there is no such schedule"),
            Self::NotEmpty => f.write_str("the queue is not empty"),
            Self::Invalid => f.write_str("a value is out of bounds"),
            Self::Other(text) => f.write_str(text),
        }
    }
}
