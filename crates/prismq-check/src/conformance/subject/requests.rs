//! What an engine is asked.

use std::time::Duration;

use prismq::{Missed, State};
use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// Which tasks an operator means; an empty list, or `None`, admits all tasks.
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
