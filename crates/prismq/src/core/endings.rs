//! Waiting for a task to end.
//!
//! A commit of this handle wakes those who wait for its tasks. A thread that exists only while someone waits hears what
//! other processes and other connections commit, and looks which of the tasks have ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::{Core, Shared};
use crate::engine::{Changes, Watch};
use crate::model::{Ending, Error, Result, TaskId};

/// How often a waiter looks by itself, for what no commit reports: a lease that expired for the last time, a queue that
/// cannot be used any more.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Between two looks of the watching thread for a commit whose writing was reported.
const PACE: Duration = Duration::from_micros(500);

/// The thread that watches for commits of others.
#[derive(Debug, Default)]
pub(super) struct Watcher {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Waiters that need it.
    needed: usize,
    /// What it waits for, while it runs.
    changes: Option<Arc<dyn Changes>>,
    running: bool,
}

impl Core {
    /// How a task ended, once it has, within `timeout`; `None` if it has not by then.
    pub(crate) fn wait(&self, id: TaskId, timeout: Duration) -> Result<Option<Ending>> {
        let deadline = Instant::now().checked_add(timeout);
        if let Some(ending) = self.engine()?.ending(id)? {
            return Ok(Some(ending));
        }
        let waiting = self.shared.committer.endings().wait_for(id);
        let _needed = self.watch_endings()?;
        loop {
            let seen = waiting.signal.count();
            if let Some(ending) = self.engine()?.ending(id)? {
                return Ok(Some(ending));
            }
            let left = deadline.map_or(LOOK_INTERVAL, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return Ok(None);
            }
            waiting.signal.wait(seen, Some(left.min(LOOK_INTERVAL)));
        }
    }

    /// Has a thread watch for commits of others until what is returned is dropped.
    fn watch_endings(&self) -> Result<Needed<'_>> {
        let watcher = &self.shared.watcher;
        let mut state = watcher.lock();
        state.needed += 1;
        let needed = Needed(watcher);
        if !state.running {
            let Watch { changes, poll_interval } = self.engine()?.watch();
            let (shared, seen) = (Arc::downgrade(&self.shared.0), changes.clone());
            let watch = move || match seen {
                Some(changes) => watch(&shared, &*changes),
                None => poll(&shared, poll_interval),
            };
            thread::Builder::new()
                .name("prismq-endings".to_owned())
                .spawn(watch)
                .map_err(|error| Error::Thread { source: Arc::new(error) })?;
            state.changes = changes;
            state.running = true;
        }
        drop(state);
        Ok(needed)
    }
}

/// A waiter's need of the watching thread, which ends once nobody needs it.
struct Needed<'a>(&'a Watcher);

impl Drop for Needed<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.needed -= 1;
        if state.needed == 0
            && let Some(changes) = &state.changes
        {
            changes.interrupt();
        }
    }
}

impl Watcher {
    /// Whether someone waits; if not, the thread that asks ends.
    fn is_needed_or_ends(&self) -> bool {
        let mut state = self.lock();
        if state.needed == 0 {
            *state = State::default();
        }
        state.running
    }

    fn is_needed(&self) -> bool {
        self.lock().needed > 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes waiters when another commits what ends their tasks, until nobody waits.
fn watch(shared: &Weak<Shared>, changes: &dyn Changes) {
    let mut version = shared.upgrade().and_then(|shared| shared.engine.version().ok());
    // The writing of a commit is reported before the commit is done, and that of this handle's own too.
    let needed = || {
        thread::sleep(PACE);
        shared.upgrade().is_some_and(|shared| shared.watcher.is_needed())
    };
    while look(shared) {
        if let Err(error) = changes.wait(&mut version, &needed) {
            tracing::warn!(%error, "watching for commits of other processes failed: waiting for a task polls for them");
            return poll(shared, LOOK_INTERVAL / 10);
        }
    }
}

/// Does the same where commits are not reported.
fn poll(shared: &Weak<Shared>, interval: Duration) {
    while look(shared) {
        thread::sleep(interval);
    }
}

/// Wakes those whose tasks have ended; `false` if the thread ends, as nobody waits.
fn look(shared: &Weak<Shared>) -> bool {
    let Some(shared) = shared.upgrade() else { return false };
    let endings = shared.committer.endings();
    for id in endings.tasks() {
        if !matches!(shared.engine.ending(id), Ok(None)) {
            endings.ended(id);
        }
    }
    shared.watcher.is_needed_or_ends()
}
