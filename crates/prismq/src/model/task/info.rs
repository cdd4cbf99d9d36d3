//! A task as it is stored.

use crate::model::{Attempt, LogLine, Progress, State, TaskId, UniqueKey};
use crate::time::{Moment, Timestamp};

/// A task as it was read.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Its id.
    pub id: TaskId,
    /// Its queue.
    pub queue: String,
    /// Its type.
    pub task_type: String,
    /// What a worker must have to run it.
    pub requirements: Vec<String>,
    /// Its state.
    pub state: State,
    /// The limit that it is under.
    pub limit: Option<String>,
    /// Whose task it is; in a file `None` once it was completed or cancelled, as keys are not kept there.
    pub key: Option<String>,
    /// Whether the tasks of its key run one at a time, in order.
    pub ordered: bool,
    /// What it is unique by; `None` for a task that is not unique, and once the key was taken by another.
    pub unique: Option<UniqueKey>,
    /// Lower numbers run first.
    pub priority: i32,
    /// Attempts so far: claims less releases.
    pub attempt: u32,
    /// Most attempts.
    pub max_attempts: u32,
    /// When it was enqueued.
    pub enqueued_at: Timestamp,
    /// When it is due, or was due when it was completed or cancelled; of a dead task, when it died. By the wall clock as
    /// it is set now.
    pub run_at: Timestamp,
    /// By when it must start, or had to, if that is limited; by the wall clock as it is set now.
    pub start_by: Option<Timestamp>,
    /// When its lease expires, while it is leased; by the wall clock as it is set now.
    pub lease_expires_at: Option<Timestamp>,
    /// When it was completed or cancelled, if it was.
    pub completed_at: Option<Timestamp>,
    /// When it died, if it is dead; by the wall clock as it is set now.
    pub died_at: Option<Timestamp>,
    /// The last failure's text.
    pub error: Option<String>,
    /// Its payload; empty for a dead letter whose payload is missing.
    pub payload: Vec<u8>,
    /// The time that a schedule enqueued it for, by the wall clock; `None` for any other task.
    pub scheduled_for: Option<Timestamp>,
    /// Its failed attempts, the latest last, up to [`ATTEMPTS_KEPT_MAX`](crate::limits::ATTEMPTS_KEPT_MAX).
    pub attempts: Vec<Attempt>,
    /// What it resulted in, if it was completed with a result.
    pub result: Option<Vec<u8>>,
    /// How far it has come, if its handler reported that.
    pub progress: Option<Progress>,
    /// The last checkpoint of its handler, if there was one.
    pub checkpoint: Option<Vec<u8>>,
    /// What its handler logged with it, the latest last, up to [`LOG_LINES_MAX`](crate::limits::LOG_LINES_MAX).
    pub log: Vec<LogLine>,
}

impl TaskInfo {
    /// With its monotonic times converted to the wall clock.
    pub(crate) fn at_wall_clock(self, now: Moment) -> Self {
        Self {
            run_at: now.to_wall(self.run_at),
            start_by: self.start_by.map(|time| now.to_wall(time)),
            died_at: self.died_at.map(|time| now.to_wall(time)),
            lease_expires_at: self.lease_expires_at.map(|time| now.to_wall(time)),
            ..self
        }
    }
}
