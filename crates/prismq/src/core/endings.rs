//! Waiting for a task to end.
//!
//! A commit of this handle wakes those who wait for its tasks, threads and futures. A thread that exists only while
//! someone waits looks which of the tasks have ended: after each commit of others that is reported, and once a second, as
//! a server reports only commits that bring work.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::{Core, Shared};
use crate::commit::Waiting;
use crate::engine::{Changes, Watch};
use crate::model::{Ending, Error, Result, TaskId};
use crate::time::wake;

/// How often the thread looks by itself, for what no commit reports: a lease that expired for the last time, a queue that
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
        let waiter = self.waiter(id)?;
        let waiting = waiter.waiting()?;
        loop {
            let seen = waiting.count();
            if let Some(ending) = self.engine()?.ending(id)? {
                return Ok(Some(ending));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            waiting.wait(seen, left);
        }
    }

    /// How a task ended, once it has. It reads on a thread of the queue's own, and holds none while it waits.
    pub(crate) async fn wait_async(self, id: TaskId) -> Result<Ending> {
        let look = || self.run_blocking(move |core| core.engine()?.ending(id));
        if let Some(ending) = look()?.await?? {
            return Ok(ending);
        }
        let waiter = self.waiter(id)?;
        let waiting = waiter.waiting()?;
        loop {
            let seen = waiting.count();
            if let Some(ending) = look()?.await?? {
                return Ok(ending);
            }
            waiting.changed(seen).await;
        }
    }

    /// Begins to wait for the end of a task, until what is returned is dropped.
    fn waiter(&self, id: TaskId) -> Result<Waiter<'_>> {
        let waiting = self.shared.committer.endings().wait_for(id);
        let needed = self.watch_endings()?;
        Ok(Waiter { core: self, held: Some((waiting, needed)) })
    }

    /// Has a thread watch for commits of others until what is returned is dropped.
    fn watch_endings(&self) -> Result<Needed<'_>> {
        let watcher = &self.shared.watcher;
        let mut state = watcher.lock();
        if !state.running {
            let Watch { changes, poll_interval, poll_interval_alone } = self.engine()?.watch(&[]);
            let (shared, seen) = (Arc::downgrade(&self.shared.0), changes.clone());
            let watch = move || match seen {
                Some(changes) => watch(&shared, &*changes, poll_interval_alone),
                None => poll(&shared, poll_interval),
            };
            thread::Builder::new()
                .name("prismq-endings".to_owned())
                .spawn(watch)
                .map_err(|error| Error::Thread { source: Arc::new(error) })?;
            state.changes = changes;
            state.running = true;
        }
        state.needed += 1;
        drop(state);
        Ok(Needed(watcher))
    }
}

/// One that waits for the end of a task.
struct Waiter<'a> {
    core: &'a Core,
    /// There until it is dropped.
    held: Option<(Waiting<'a>, Needed<'a>)>,
}

impl<'a> Waiter<'a> {
    fn waiting(&self) -> Result<&Waiting<'a>> {
        self.held.as_ref().map(|(waiting, _)| waiting).ok_or_else(Error::unanswered)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        // In a fork, a lock that a thread of the parent held stays locked.
        if self.core.check_owner().is_err() {
            mem::forget(self.held.take());
        }
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
fn watch(shared: &Weak<Shared>, changes: &dyn Changes, poll_interval_alone: Duration) {
    let mut version = shared.upgrade().and_then(|shared| shared.engine.version().ok());
    // The writing of a commit is reported before the commit is done, and that of this handle's own too.
    let needed = || {
        thread::sleep(PACE);
        shared.upgrade().is_some_and(|shared| shared.watcher.is_needed())
    };
    while look(shared) {
        if let Err(error) = changes.wait(&mut version, Some(LOOK_INTERVAL), &needed) {
            tracing::warn!(%error, "watching for commits of other processes failed: waiting for a task polls for them");
            return poll(shared, poll_interval_alone);
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
            wake(endings.ended(id));
        }
    }
    shared.watcher.is_needed_or_ends()
}
