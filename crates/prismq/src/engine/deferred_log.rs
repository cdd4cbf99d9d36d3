//! Log lines of an engine, kept until it is unlocked: a subscriber of the log may use the queue, and one that enqueues
//! each line would wait for a lock that its own thread holds.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A call that writes a line of the log.
pub(crate) type Line = Box<dyn FnOnce() + Send>;

/// Log lines that are yet to be written.
#[derive(Default)]
pub(crate) struct DeferredLog {
    lines: Mutex<Lines>,
    /// Whether there are lines to write: read after every operation.
    any: AtomicBool,
}

#[derive(Default)]
struct Lines {
    /// Of the transaction in progress.
    pending: Vec<Line>,
    ready: Vec<Line>,
}

impl DeferredLog {
    /// Keeps a line whether or not the transaction in progress is committed.
    pub(crate) fn add(&self, line: impl FnOnce() + Send + 'static) {
        self.lines().ready.push(Box::new(line));
        self.any.store(true, Ordering::Release);
    }

    /// Keeps a line only if the transaction in progress is committed.
    pub(crate) fn add_on_commit(&self, line: impl FnOnce() + Send + 'static) {
        self.lines().pending.push(Box::new(line));
    }

    /// How many lines depend on the transaction in progress.
    pub(crate) fn pending(&self) -> usize {
        self.lines().pending.len()
    }

    /// Drops the lines of the transaction in progress except the first `left`: the rest was rolled back.
    pub(crate) fn truncate_pending(&self, left: usize) {
        self.lines().pending.truncate(left);
    }

    /// The transaction in progress is committed.
    pub(crate) fn committed(&self) {
        let mut lines = self.lines();
        let Lines { pending, ready } = &mut *lines;
        if !pending.is_empty() {
            ready.append(pending);
            self.any.store(true, Ordering::Release);
        }
    }

    /// Writes the lines that are kept. To be called while no lock is held that an operation needs.
    pub(crate) fn write(&self) {
        if self.any.swap(false, Ordering::Acquire) {
            let lines = mem::take(&mut self.lines().ready);
            lines.into_iter().for_each(|line| line());
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DeferredLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeferredLog").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_line_of_a_transaction_is_written_once_and_only_if_it_commits() {
        let log = DeferredLog::default();
        let written = Arc::new(AtomicUsize::new(0));
        let line = |worth| {
            let written = written.clone();
            move || {
                written.fetch_add(worth, Ordering::Relaxed);
            }
        };
        let after_log = || {
            log.write();
            written.load(Ordering::Relaxed)
        };
        log.add_on_commit(line(1));
        log.add(line(10));
        assert_eq!(after_log(), 10);
        log.truncate_pending(0);
        log.committed();
        assert_eq!(after_log(), 10);
        log.add_on_commit(line(100));
        log.add_on_commit(line(1000));
        log.truncate_pending(1);
        log.committed();
        assert_eq!(after_log(), 110);
        assert_eq!(after_log(), 110);
    }
}
