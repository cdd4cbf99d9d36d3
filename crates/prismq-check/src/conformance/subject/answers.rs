//! What an engine answers.

use std::fmt;

use prismq::State;

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
