//! No claims while the application's listener is far behind.
//!
//! A slow listener delays events only, until [`EVENTS_MAX`] of them wait; the pool then claims nothing until it
//! has caught up, as memory must not grow with its backlog.

use super::Scheduler;
use crate::model::limits::EVENTS_MAX;

/// Events that the listener has not returned from.
#[derive(Debug, Default)]
pub(super) struct ListenerBacklog {
    events: usize,
}

impl ListenerBacklog {
    pub(super) const fn is_full(&self) -> bool {
        self.events >= EVENTS_MAX
    }
}

impl Scheduler {
    /// So many events more are sent to the listener.
    pub(in crate::pool) const fn events_sent(&mut self, count: usize) {
        self.listener.events += count;
    }

    /// The listener has returned from one; whether claims waited for that.
    pub(in crate::pool) const fn event_handled(&mut self) -> bool {
        let was_full = self.listener.events == EVENTS_MAX;
        self.listener.events = self.listener.events.saturating_sub(1);
        was_full
    }
}
