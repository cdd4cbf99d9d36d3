//! Which thread of a pool calls: a shutdown from a handler or a listener must not wait for its own thread.

use std::cell::Cell;
use std::ptr;

use crate::pool::shared::Shared;

/// A thread of a pool that runs the application's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pool) enum Caller {
    /// The worker of this number, in a handler.
    Worker(usize),
    /// In a listener.
    Notifier,
}

thread_local! {
    static CALLER: Cell<Option<(usize, Caller)>> = const { Cell::new(None) };
}

/// Registers this thread as a worker of the pool.
pub(super) fn register_worker(pool: &Shared, worker: usize) {
    CALLER.set(Some((address(pool), Caller::Worker(worker))));
}

/// Registers this thread as the one that calls the pool's listeners.
pub(super) fn register_notifier(pool: &Shared) {
    CALLER.set(Some((address(pool), Caller::Notifier)));
}

/// Until it is dropped, this thread runs a handler for the worker of this number.
#[cfg(feature = "tokio")]
pub(in crate::pool) fn enter(pool: &Shared, worker: usize) -> Entered {
    Entered(CALLER.replace(Some((address(pool), Caller::Worker(worker)))))
}

/// What this thread was registered as before.
#[cfg(feature = "tokio")]
pub(in crate::pool) struct Entered(Option<(usize, Caller)>);

#[cfg(feature = "tokio")]
impl Drop for Entered {
    fn drop(&mut self) {
        CALLER.set(self.0);
    }
}

/// Which thread of the pool this is, if it is one.
pub(in crate::pool) fn of(pool: &Shared) -> Option<Caller> {
    CALLER.get().filter(|(owner, _)| *owner == address(pool)).map(|(_, caller)| caller)
}

/// Identifies the pool for as long as one of its threads runs, which keeps it at its address.
fn address(pool: &Shared) -> usize {
    ptr::from_ref(pool).addr()
}
