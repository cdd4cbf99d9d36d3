//! Threads of an open queue on which calls run that block, for futures that must not.
//!
//! They are started as calls come, up to [`THREADS_MAX`], and each ends after it had nothing to do for a while. More
//! would not help: a file has one writer, a server is sent one durable transaction at a time, and reads are short.
//!
//! Calls that occupy all threads do not wait for each other here. A transaction needs its own thread alone to commit, and
//! waits for the write lock of another for a limited time. A call that a call awaits runs at once, on the same thread.

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::ptr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use super::Core;
use crate::model::{Error, Result};
use crate::time::{Promise, wake};

/// Most threads of one open queue; more calls wait for one of them.
const THREADS_MAX: usize = 4;
/// How long a thread waits for another call before it ends.
const IDLE_MAX: Duration = Duration::from_secs(10);

thread_local! {
    /// Which queue's calls this thread runs, if any: the address of [`Shared`], which its threads keep.
    static RUNS_FOR: Cell<Option<usize>> = const { Cell::new(None) };
}

type Job = Box<dyn FnOnce() + Send>;
/// What a call returned, or the value of its panic.
type Outcome<T> = Result<T, Box<dyn Any + Send>>;

/// The threads of one open queue. They end when it is dropped, the busy ones after their calls.
#[derive(Debug, Default)]
pub(super) struct BlockingThreads {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Notified when there is a call to run, or when the queue is closed.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

/// The result of a call that runs on one of the threads.
///
/// Dropping it leaves the call running, and drops what it returns. A panic of the call goes on where this is awaited.
#[derive(Debug)]
pub(crate) struct Blocking<T> {
    core: Core,
    outcome: Arc<Promise<Outcome<T>>>,
}

impl Core {
    /// Runs a call that blocks on a thread of the queue's own, as soon as one is free.
    ///
    /// # Errors
    /// [`Error::Thread`] if there is none and none can be started, or [`Error::Forked`]: the call is not run.
    pub(crate) fn run_blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(Self) -> T + Send + 'static,
    ) -> Result<Blocking<T>> {
        self.check_owner()?;
        let core = self.clone();
        let outcome = self.shared.blocking.run(move || call(core))?;
        Ok(Blocking { core: self.clone(), outcome })
    }
}

impl BlockingThreads {
    fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Arc<Promise<Outcome<T>>>> {
        let outcome = Arc::<Promise<Outcome<T>>>::default();
        let promise = outcome.clone();
        self.add(Box::new(move || {
            let outcome = catch_unwind(AssertUnwindSafe(call));
            match promise.set(outcome) {
                Ok(waker) => wake(waker),
                // Nobody waits for it any more. Its drop is the application's code, which may panic.
                Err(unwanted) => {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(unwanted))) {
                        mem::forget(panic);
                    }
                }
            }
        }))?;
        Ok(outcome)
    }

    /// Adds a call, and starts a thread for it if all are busy and there may be another. A call of a call runs at once:
    /// it would otherwise wait for a thread that the other occupies.
    fn add(&self, job: Job) -> Result<()> {
        if RUNS_FOR.get() == Some(self.shared.address()) {
            job();
            return Ok(());
        }
        let mut state = self.shared.lock();
        if state.idle <= state.waiting.len() && state.threads < THREADS_MAX {
            let shared = self.shared.clone();
            let name = "prismq-blocking".to_owned();
            match thread::Builder::new().name(name).spawn(move || shared.work()) {
                Ok(_) => state.threads += 1,
                // Another will run it.
                Err(_) if state.threads > 0 => {}
                Err(error) => {
                    // The call is dropped after the lock, as its captures are the application's.
                    drop(state);
                    return Err(Error::Thread { source: Arc::new(error) });
                }
            }
        }
        state.waiting.push_back(job);
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }
}

impl Shared {
    /// Runs calls until there is none for [`IDLE_MAX`], or the queue is closed.
    fn work(&self) {
        RUNS_FOR.set(Some(self.address()));
        let mut state = self.lock();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                drop(state);
                job();
                state = self.lock();
                continue;
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let waits = |state: &mut State| state.waiting.is_empty() && !state.closed;
            let waited = self.changed.wait_timeout_while(state, IDLE_MAX, waits);
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() {
                break;
            }
        }
        state.threads -= 1;
    }

    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for BlockingThreads {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl<T> Future for Blocking<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        self.core.check_owner()?;
        let outcome = ready!(self.outcome.poll(context));
        Poll::Ready(Ok(outcome.unwrap_or_else(|panic| resume_unwind(panic))))
    }
}

impl<T> Drop for Blocking<T> {
    fn drop(&mut self) {
        // In a fork, a lock that a thread of the parent held stays locked.
        if self.core.check_owner().is_ok() {
            drop(self.outcome.abandon());
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
