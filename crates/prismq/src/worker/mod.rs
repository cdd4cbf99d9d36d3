//! The worker pool: threads that claim tasks, run their handlers and settle them.
//!
//! There is no dispatcher thread. Whichever worker finds that something must be written leads: it
//! commits everything that is finished together with the next claim, while the others run handlers
//! ([`dispatch`]). One idle worker watches for new work, the others sleep. One further thread, the
//! [`attendant`], extends leases. [`state`] decides who does what and holds no thread itself.

mod attendant;
mod builder;
mod context;
mod dispatch;
mod event;
#[cfg(target_os = "linux")]
mod listener;
mod registry;
mod shutdown;
mod state;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use self::builder::WorkerPoolBuilder;
pub use self::context::TaskContext;
pub use self::event::{Event, Outcome, PoolStats};
pub use self::shutdown::ShutdownReport;

use self::registry::Registry;
use self::state::{State, Wake};
use crate::error::Error;
use crate::lease::Claim;
use crate::queue::Queue;
use crate::signal::Signal;

/// Threads at work on a queue. Dropping it shuts it down in good order, as
/// [`WorkerPool::shutdown`] does.
#[derive(Debug)]
#[must_use = "dropping the pool stops it"]
pub struct WorkerPool {
    crew: Arc<Crew>,
    threads: Vec<JoinHandle<()>>,
    attendant: Option<JoinHandle<()>>,
    #[cfg(target_os = "linux")]
    listener: Option<(Arc<listener::Listener>, JoinHandle<()>)>,
}

impl WorkerPool {
    /// Prepares a pool for this queue.
    pub fn builder(queue: &Queue) -> WorkerPoolBuilder {
        WorkerPoolBuilder::new(queue.clone())
    }

    /// What the pool has done so far.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.crew.state().stats()
    }
}

type OnEvent = Box<dyn Fn(&Event) + Send + Sync>;

/// What the threads of a pool share.
struct Crew {
    queue: Queue,
    registry: Registry,
    claim: Claim,
    on_event: Option<OnEvent>,
    state: Mutex<State>,
    /// Told whenever the state has something for a waiting worker.
    changed: Condvar,
    /// Told when the attendant must look: something waits to be settled, time jumped, or the end.
    attend: Arc<Signal>,
    /// Told when a worker begins to watch for new work, and at the end.
    listen: Signal,
    /// How often a watching worker looks for itself whether another process wrote.
    others_interval: Duration,
}

impl Crew {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        timeout: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        match timeout {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                self.changed.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    fn wake(&self, workers: Wake) {
        match workers {
            Wake::Nobody => {}
            Wake::One => self.changed.notify_one(),
            Wake::All => self.changed.notify_all(),
        }
    }

    /// Runs the life of one of the pool's threads. If it panics, say by a panic of the caller's clock, the
    /// pool stops as after a final error: what that thread was at is never done.
    fn or_halt(&self, life: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(life)).is_err() {
            let cause = "a thread of the pool panicked".to_owned();
            self.state().halt(Error::Poisoned { cause });
            self.changed.notify_all();
        }
    }

    /// Tells the listener what was committed; its panics are its own.
    fn tell(&self, event: &Event) {
        if let Some(on_event) = &self.on_event
            && catch_unwind(AssertUnwindSafe(|| on_event(event))).is_err()
        {
            tracing::error!(task = %event.id, "the event listener of the pool panicked");
        }
    }
}

impl std::fmt::Debug for Crew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crew").field("claim", &self.claim).finish_non_exhaustive()
    }
}
