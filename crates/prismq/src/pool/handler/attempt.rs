//! One attempt at one task, as the pool gives it to a handler.

use std::sync::Arc;
use std::time::Instant;

use super::cancel::{CancelReason, StopFlags};
use crate::model::Lease;

/// What a handler can ask about its attempt.
#[derive(Debug)]
pub(in crate::pool) struct Attempt {
    pub(in crate::pool) lease: Lease,
    pub(in crate::pool) queue: Arc<str>,
    /// Which worker runs it, from 0.
    pub(in crate::pool) worker: usize,
    /// When its time limit ends.
    pub(in crate::pool) deadline: Option<Instant>,
    pub(in crate::pool) flags: Arc<StopFlags>,
}

impl Attempt {
    /// Why its handler should stop.
    pub(super) fn cancelled(&self) -> Option<CancelReason> {
        self.flags.reason()
    }
}
