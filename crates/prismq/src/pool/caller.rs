//! Which of a pool's own threads is asking: a shutdown from inside a handler or a listener cannot wait
//! for the thread that calls it.

use std::cell::Cell;
use std::ptr;

use super::Shared;

/// A thread of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Worker(usize),
    Notifier,
}

thread_local! {
    static CALLER: Cell<Option<(usize, Caller)>> = const { Cell::new(None) };
}

/// This thread is a worker of the pool from now on.
pub(super) fn register_worker(pool: &Shared, worker: usize) {
    CALLER.set(Some((address(pool), Caller::Worker(worker))));
}

/// This thread runs the pool's listener from now on.
pub(super) fn register_notifier(pool: &Shared) {
    CALLER.set(Some((address(pool), Caller::Notifier)));
}

/// Which thread of the pool this is, if it is one.
pub(super) fn of(pool: &Shared) -> Option<Caller> {
    CALLER.get().filter(|(owner, _)| *owner == address(pool)).map(|(_, caller)| caller)
}

/// A thread of the pool keeps it in its place, so that the address names it.
fn address(pool: &Shared) -> usize {
    ptr::from_ref(pool).addr()
}
