//! The state that the threads of a pool share, and how they wait for and wake each other.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::event::Event;
use super::handler::Registry;
use super::scheduler::{ClaimRequest, Fault, Quota, Scheduler, Settings};
#[cfg(feature = "tokio")]
use super::tasks::parked::ParkedSlots;
use crate::core::Core;
use crate::engine::Operation;
use crate::model::{Claim, ClaimBounds, Error, Lease};
use crate::time::{Signal, wake};

/// What the threads of a pool share.
pub(super) struct Shared {
    pub(super) core: Core,
    pub(super) registry: Registry,
    /// What the pool claims from each of its queues, but for the number of tasks.
    pub(super) claims: Vec<Claim>,
    /// How long it holds what it claims, unless it extends that.
    pub(super) lease: Duration,
    scheduler: Mutex<Scheduler>,
    /// Wakes a waiting worker.
    wakeup: Condvar,
    /// The waiting slots, if the workers are tasks of a runtime.
    #[cfg(feature = "tokio")]
    pub(super) parked: Option<ParkedSlots>,
    /// Notified when a pool that ends has come further, when one has no more to do, and when a fault is met.
    progress: Condvar,
    /// The future that waits for it.
    watcher: Mutex<Option<Waker>>,
    /// Wakes the leader, and the thread that claims for it.
    pub(super) leader_signal: Arc<Signal>,
    /// Raised after every commit of this handle that brought work for the pool.
    pub(super) work: Arc<Signal>,
    /// Raised when the pool becomes idle, and when it ends.
    pub(super) idle_signal: Signal,
    /// To the thread that calls listeners, if the application has set some.
    pub(super) notices: Option<Sender<Notice>>,
}

/// What is sent to the thread that calls listeners.
#[derive(Debug)]
pub(super) enum Notice {
    Event(Event),
    /// A fault suspends or stops the pool.
    Fault(Error),
    /// The last notice.
    End,
}

impl Shared {
    pub(super) fn new(
        core: Core,
        registry: Registry,
        claims: Vec<Claim>,
        settings: Settings,
        notices: Option<Sender<Notice>>,
    ) -> Self {
        let leader_signal = Arc::new(Signal::default());
        // Before the leader's, as that looks whether this one was raised.
        let work = Arc::new(Signal::default());
        core.clock().on_jump(&work);
        core.clock().on_jump(&leader_signal);
        let clock = core.clock().monotonic();
        let lease = settings.lease;
        let scheduler = Scheduler::new(settings, leader_signal.clone(), Instant::now(), clock);
        Self {
            core,
            registry,
            claims,
            lease,
            scheduler: Mutex::new(scheduler),
            wakeup: Condvar::new(),
            #[cfg(feature = "tokio")]
            parked: None,
            progress: Condvar::new(),
            watcher: Mutex::default(),
            leader_signal,
            work,
            idle_signal: Signal::default(),
            notices,
        }
    }

    /// The same, for workers that are tasks of a runtime.
    #[cfg(feature = "tokio")]
    pub(super) fn on_runtime(self) -> Self {
        Self { parked: Some(ParkedSlots::default()), ..self }
    }

    /// Locks the scheduler. Nothing slow happens under its lock.
    pub(super) fn scheduler(&self) -> MutexGuard<'_, Scheduler> {
        self.scheduler.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks a worker until it is woken.
    pub(super) fn wait_for_wakeup<'a>(
        &self,
        scheduler: MutexGuard<'a, Scheduler>,
    ) -> MutexGuard<'a, Scheduler> {
        self.wakeup
            .wait_while(scheduler, |scheduler| !scheduler.take_wakeup())
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks until the pool has come so far, until `deadline` if there is one.
    pub(super) fn wait_until<'a>(
        &self,
        scheduler: MutexGuard<'a, Scheduler>,
        deadline: Option<Instant>,
        done: impl Fn(&Scheduler) -> bool,
    ) -> MutexGuard<'a, Scheduler> {
        let waits = |scheduler: &mut Scheduler| !done(scheduler);
        match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => {
                self.progress.wait_while(scheduler, waits).unwrap_or_else(PoisonError::into_inner)
            }
            Some(left) => {
                let waited = self.progress.wait_timeout_while(scheduler, left, waits);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Wakes those that wait for the pool to come further. To be called with no lock held, as it
    /// may run the application's executor.
    pub(super) fn notify_progress(&self) {
        self.progress.notify_all();
        let watcher = self.watcher().take();
        wake(watcher);
    }

    /// Whether the pool has come so far; otherwise the future is woken as it comes further.
    pub(super) fn poll_until(
        &self,
        context: &Context<'_>,
        done: impl Fn(&Scheduler) -> bool,
    ) -> Poll<()> {
        let replaced = self.watcher().replace(context.waker().clone());
        drop(replaced);
        if done(&self.scheduler()) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn watcher(&self) -> MutexGuard<'_, Option<Waker>> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes this many waiting workers.
    pub(super) fn wake_workers(&self, workers: usize) {
        #[cfg(feature = "tokio")]
        if let Some(parked) = &self.parked {
            parked.wake(workers);
            return;
        }
        for _ in 0..workers {
            self.wakeup.notify_one();
        }
    }

    /// Whether the workers are tasks of the application's runtime.
    pub(super) const fn is_on_runtime(&self) -> bool {
        #[cfg(feature = "tokio")]
        return self.parked.is_some();
        #[cfg(not(feature = "tokio"))]
        false
    }

    /// The operation that claims this.
    pub(super) fn claim_operation(&self, request: &ClaimRequest) -> Operation {
        let ClaimRequest { tasks, begun, suspects, limited, .. } = *request;
        let of_queue = |quota: &Quota| {
            let claim = self.claims.get(quota.queue)?.clone().max(quota.max).share(quota.share);
            let claim = claim.begun_max(quota.begun).limited_max(quota.limited);
            Some(claim.suspects_max(suspects).may_leave_ready())
        };
        let mut claims: Vec<Claim> = request.quotas.iter().filter_map(of_queue).collect();
        // Of one queue alone, unless its own bound lets it give fewer tasks: it then does not say when there are more.
        match claims.pop_if(|claim| request.quotas.len() == 1 && claim.max == tasks) {
            Some(claim) => Operation::Claim(claim),
            None => {
                let bounds = ClaimBounds { tasks, begun, suspects, limited };
                Operation::ClaimEach { claims, bounds }
            }
        }
    }

    /// Leases, each with the index of its type. A claim returns no types without a handler.
    pub(super) fn with_type_indices(&self, leases: Vec<Lease>) -> Vec<(Lease, usize)> {
        let with_index = |lease: Lease| {
            let index = self.registry.index(lease.task_type()).unwrap_or(usize::MAX);
            (lease, index)
        };
        leases.into_iter().map(with_index).collect()
    }

    /// Whether events are listened to: else none need be made.
    pub(super) const fn has_listener(&self) -> bool {
        self.notices.is_some()
    }

    /// Claims nothing more, and releases what no worker has begun.
    pub(super) fn begin_shutdown(&self) {
        self.scheduler().drain(Instant::now());
        self.leader_signal.raise();
    }

    /// Sends events to the listener, if there is one.
    pub(super) fn send_events(&self, events: Vec<Event>) {
        let Some(notices) = &self.notices else { return };
        self.scheduler().events_sent(events.len());
        for event in events {
            // It fails only once the listener's thread has ended.
            _ = notices.send(Notice::Event(event));
        }
    }

    /// A fault of the whole queue suspends or stops the pool, and is sent to the listener. It is returned, to be
    /// written to the log, if it is news.
    pub(super) fn fail(&self, error: Error) -> Option<Fault> {
        let mut scheduler = self.scheduler();
        let fault = scheduler.fail(error, Instant::now())?;
        // Under the lock: a leader that sees the end of the pool sends the last notice.
        if let Some(notices) = &self.notices {
            _ = notices.send(Notice::Fault(fault.error.clone()));
        }
        drop(scheduler);
        self.notify_progress();
        Some(fault)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("claims", &self.claims).finish_non_exhaustive()
    }
}
