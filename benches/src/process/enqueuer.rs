//! A process that enqueues tasks one by one and says when each was committed.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Role, Running, say};
use crate::base::error::Result;
use crate::load::tasks::numbered;
use crate::subject::{Load, Offered, OpenOptions, Pace, SubjectKind};

/// The type of the tasks it enqueues.
pub const ENQUEUED_TYPE: &str = "enqueued_elsewhere";

/// What the process is to enqueue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnqueueRole {
    /// The subject to use.
    pub subject: SubjectKind,
    /// How many tasks.
    pub tasks: usize,
    /// How long it rests before each.
    pub rest: Duration,
    /// The database.
    pub path: PathBuf,
}

pub(super) fn run(role: &EnqueueRole) -> Result<()> {
    let subject = role.subject.open(&role.path, OpenOptions::durable(1))?;
    let tasks = numbered(ENQUEUED_TYPE, role.tasks);
    let pace = Pace::Closed(role.rest);
    let offered =
        subject.enqueue(&Load { tasks: &tasks, pace, callers: 1, batch: 1, stop: None })?;
    // Before it answers, as it is killed then: a queue that is closed notifies others of its last task.
    drop(subject);
    say(&offered)
}

/// Has tasks enqueued by another process and returns when that is done.
///
/// # Errors
/// [`Error::Child`](crate::base::error::Error::Child) if it did not do its part.
pub fn enqueue_elsewhere(role: EnqueueRole) -> Result<Offered> {
    Running::start(&Role::Enqueue(role))?.answer()
}
