//! A process that enqueues tasks one by one and says when each was committed.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Order, Running, say};
use crate::base::clock::monotonic;
use crate::base::error::{Error, Result};
use crate::load::tasks::numbered;
use crate::subject;
use crate::subject::{Durability, EngineKind};

/// The type of the tasks it enqueues.
pub const ENQUEUED_TYPE: &str = "enqueued_elsewhere";

/// What the process is to enqueue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnqueueOrder {
    /// The engine to use.
    pub engine: EngineKind,
    /// How many tasks.
    pub tasks: usize,
    /// How long it rests before each.
    pub rest: Duration,
    /// The database.
    pub path: PathBuf,
}

/// A task another process has enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enqueued {
    /// Its id.
    pub id: i64,
    /// When its commit was known there, by [`monotonic`].
    pub committed: Duration,
}

pub(super) fn obey(order: &EnqueueOrder) -> Result<()> {
    let engine = subject::open(order.engine, &order.path, 1, Durability::Full)?;
    let mut enqueued = Vec::with_capacity(order.tasks);
    for task in numbered(ENQUEUED_TYPE, order.tasks) {
        thread::sleep(order.rest);
        let id = engine.enqueue(&task).map_err(Error::engine("enqueue"))?;
        enqueued.push(Enqueued { id, committed: monotonic() });
    }
    say(&enqueued)
}

/// Has tasks enqueued by another process and returns when that is done.
///
/// # Errors
/// [`Error::Child`] if it did not do its part.
pub fn enqueue_elsewhere(order: EnqueueOrder) -> Result<Vec<Enqueued>> {
    Running::start(&Order::Enqueue(order))?.answer()
}
