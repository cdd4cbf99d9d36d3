//! What a client asks of a queue, with what the checker must know of it.

use std::time::Duration;

use crate::conformance::Hold;

/// A task to be enqueued, with what the checker must know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnqueueRequest {
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
    /// The length of its payload; at least eight bytes.
    pub payload_bytes: usize,
    /// Whether it kills the process that runs it.
    pub deadly: bool,
    /// The limit that it is under.
    pub limit: Option<String>,
    /// Whose task it is.
    pub key: Option<String>,
    /// Whether the tasks of the key run one at a time, in order.
    pub ordered: bool,
    /// Its unique key, and how long it holds that.
    pub unique: Option<(String, Hold)>,
    /// Within which time it must start.
    pub lives: Option<Duration>,
}

impl Default for EnqueueRequest {
    fn default() -> Self {
        Self {
            queue: "default".to_owned(),
            task_type: "job".to_owned(),
            priority: 100,
            delay: Duration::ZERO,
            max_attempts: 5,
            payload_bytes: 32,
            deadly: false,
            limit: None,
            key: None,
            ordered: false,
            unique: None,
            lives: None,
        }
    }
}

/// A claim, with what the checker must know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// The queue to claim from.
    pub queue: String,
    /// The types to claim.
    pub types: Vec<String>,
    /// At most this many tasks.
    pub max: usize,
    /// How long they are held.
    pub lease: Duration,
}

impl Default for ClaimRequest {
    fn default() -> Self {
        Self {
            queue: "default".to_owned(),
            types: vec!["job".to_owned()],
            max: 1,
            lease: Duration::from_secs(60),
        }
    }
}
