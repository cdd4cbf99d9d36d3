//! Settings of a queue, which are kept in the file and apply to every process.

use std::sync::Arc;

use super::Queue;
use crate::engine::{Answer, Operation};
use crate::model::limits::HISTORY_MAX;
use crate::model::{Error, Order, Result, validate_name};

impl Queue {
    /// Sets the order of a queue's ready tasks; [`Order::Priority`] unless set. It is kept in the file and applies to
    /// every process.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] if the queue holds tasks and another order; [`Error::InvalidInput`]; an
    /// engine's failure.
    pub fn set_order(&self, queue: &str, order: Order) -> Result<()> {
        validate_name("queue name", queue)?;
        order.validate()?;
        self.core.submit(Operation::SetOrder { queue: queue.into(), order }).map(drop)
    }

    /// Pauses a queue: no process can claim its tasks until it is resumed. Tasks can still be enqueued, and running
    /// handlers continue; pools release what they have prefetched, those of this handle at once and others with
    /// their next claim.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a name that no queue can have; an engine's failure.
    pub fn pause(&self, queue: &str) -> Result<()> {
        self.set_paused(queue, true)
    }

    /// Resumes a paused queue.
    ///
    /// # Errors
    /// See [`Queue::pause`].
    pub fn resume(&self, queue: &str) -> Result<()> {
        self.set_paused(queue, false)
    }

    /// Sets how many of a queue's most recently completed tasks are kept, to be read by [`Queue::task`]; none unless
    /// set. It is kept in the file and applies to every process.
    ///
    /// Lowering it deletes the oldest, in several transactions if they are many.
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
