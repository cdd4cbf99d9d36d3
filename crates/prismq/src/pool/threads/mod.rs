//! The pool's threads, a file each, and how they are started.

pub(super) mod caller;
mod leader;
pub(super) mod notifier;
mod watcher;
mod worker;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use self::notifier::Listeners;
use super::WorkerPool;
use super::handler::forget_panic;
use super::shared::{Notice, Shared};
use crate::commit::Claimer;
use crate::engine::Changes;
use crate::model::{Error, Result};

/// Starts the threads of a pool but for its workers: the leader, one for its claims if the engine makes them in parallel,
/// one for listeners if there are some, and one that watches for changes if the engine reports them.
pub(super) fn start(
    shared: Arc<Shared>,
    listeners: Option<(Listeners, Receiver<Notice>)>,
    changes: Option<Arc<dyn Changes>>,
    shutdown_timeout: Duration,
) -> Result<WorkerPool> {
    // From here on, dropping the pool stops what was started.
    let threads = Vec::new();
    let mut pool = WorkerPool { shared: shared.clone(), threads, changes: None, shutdown_timeout };
    // Before the leader's first claim, so that no commit goes unnoticed.
    let claimer: Arc<dyn Claimer> = shared;
    pool.shared.core.add_claimer(Arc::downgrade(&claimer));
    // First, as the end of the leader ends the thread of the listeners.
    pool.spawn("prismq-leader", |shared| {
        let _end = EndOfEvents(shared);
        // Here already, so that a listener receives the fault before the last notice.
        stop_on_panic(shared, || leader::run(shared));
    })?;
    if pool.shared.core.engine()?.claims_in_parallel() {
        pool.spawn("prismq-claims", |shared| leader::parallel::run(shared))?;
    }
    if let Some((listeners, notices)) = listeners {
        pool.spawn("prismq-events", move |shared| notifier::run(shared, &listeners, &notices))?;
    }
    if let Some(changes) = changes {
        pool.changes = Some(changes.clone());
        pool.spawn("prismq-watcher", move |shared| watcher::run(shared, &*changes))?;
    }
    Ok(pool)
}

/// Ends the thread of the listeners when dropped: with the leader, also if that panics. No event comes after it.
struct EndOfEvents<'a>(&'a Shared);

impl Drop for EndOfEvents<'_> {
    fn drop(&mut self) {
        if let Some(notices) = &self.0.notices {
            // It fails only if that thread could not be started.
            _ = notices.send(Notice::End);
        }
    }
}

impl WorkerPool {
    /// Starts this many workers.
    pub(super) fn start_workers(&mut self, workers: usize) -> Result<()> {
        for worker in 0..workers {
            let name = format!("prismq-worker-{worker}");
            self.spawn(&name, move |shared| worker::run(shared, worker))?;
        }
        Ok(())
    }

    /// Starts one of the pool's threads.
    fn spawn(
        &mut self,
        name: &str,
        body: impl FnOnce(&Arc<Shared>) + Send + 'static,
    ) -> Result<()> {
        let shared = self.shared.clone();
        self.shared.scheduler().thread_started();
        let spawned = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&shared, || body(&shared)));
        match spawned {
            Ok(thread) => {
                self.threads.push(thread);
                Ok(())
            }
            Err(error) => {
                drop(Ended(&self.shared));
                Err(Error::Thread { source: Arc::new(error) })
            }
        }
    }
}

/// Runs one of the pool's threads.
fn run(shared: &Shared, body: impl FnOnce()) {
    let _ended = Ended(shared);
    stop_on_panic(shared, body);
}

/// Runs a part of a thread. If it panics, say in the application's clock, the pool stops for good.
fn stop_on_panic(shared: &Shared, body: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
        forget_panic(panic);
        stop_as_panicked(shared);
    }
}

/// A part of the pool has panicked.
pub(super) fn stop_as_panicked(shared: &Shared) {
    let cause = "a thread of the worker pool panicked".to_owned();
    let fault = shared.fail(Error::Poisoned { cause });
    let woken = shared.scheduler().stop();
    shared.wake_workers(woken);
    shared.leader_signal.raise();
    // Last, as a log subscriber may panic too.
    if let Some(fault) = fault {
        fault.log();
    }
}

/// Counts a thread as ended when dropped.
struct Ended<'a>(&'a Shared);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.scheduler().thread_ended();
        self.0.notify_progress();
    }
}
