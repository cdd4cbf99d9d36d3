//! Setting a queue: what holds for every process that uses the file.

use std::sync::Arc;

use super::Queue;
use crate::engine::{Answer, Operation};
use crate::model::limits::HISTORY_MAX;
use crate::model::{Error, Order, Result, validate_name};

impl Queue {
    /// Sets how a queue orders its ready tasks; [`Order::Priority`] unless set. It is kept in the file
    /// and holds for every process.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] if the queue holds tasks and another order; [`Error::InvalidInput`]; an
    /// engine's failure.
    pub fn set_order(&self, queue: &str, order: Order) -> Result<()> {
        validate_name("queue name", queue)?;
        order.validate()?;
        self.core.submit(Operation::SetOrder { queue: queue.into(), order }).map(drop)
    }

    /// Keeps a queue's tasks from being claimed, by any process, until it is resumed. Tasks can still be
    /// enqueued, and running handlers go on; pools give back what they hold ahead, those of this handle at
    /// once and others with their next claim.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a name that no queue can have; an engine's failure.
    pub fn pause(&self, queue: &str) -> Result<()> {
        self.set_paused(queue, true)
    }

    /// Lets a paused queue's tasks be claimed again.
    ///
    /// # Errors
    /// See [`Queue::pause`].
    pub fn resume(&self, queue: &str) -> Result<()> {
        self.set_paused(queue, false)
    }

    /// Sets how many completed tasks of a queue are kept to be looked up by [`Queue::task`], those that
    /// were completed last; none unless set. It is kept in the file and holds for every process.
    ///
    /// Lowering it deletes what is too many, in several transactions, between which
    /// others go on.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for more than [`HISTORY_MAX`] or a name that no queue can have; an
    /// engine's failure.
    pub fn set_history(&self, queue: &str, keep: u32) -> Result<()> {
        validate_name("queue name", queue)?;
        if keep > HISTORY_MAX {
            let reason = format!("{keep} tasks, at most {HISTORY_MAX} are kept");
            return Err(Error::invalid("history", reason));
        }
        let queue: Arc<str> = queue.into();
        loop {
            match self.core.submit(Operation::SetHistory { queue: queue.clone(), keep })? {
                Answer::Pruned { more: true } => {}
                Answer::Pruned { more: false } => return Ok(()),
                _ => return Err(Error::unanswered()),
            }
        }
    }

    fn set_paused(&self, queue: &str, paused: bool) -> Result<()> {
        validate_name("queue name", queue)?;
        self.core.submit(Operation::SetPaused { queue: queue.into(), paused }).map(drop)
    }
}
