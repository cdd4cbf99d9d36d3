//! The decisions of a pool: who does what next. Without threads, a database or a clock: callers hold its lock
//! and pass the time.
//!
//! Workers run handlers and never wait for the disk. The leader, one thread, commits their results, claims
//! ahead for them, extends the leases of all tasks held, and releases those that are too many. Where the engine applies
//! claims in parallel, a second thread claims and extends ([`claim::parallel`]). Each decision has a file, which opens with
//! its reason, and whose struct owns the state; [`Scheduler`] is made of these.
//!
//! The way of a lease, from claim to completion:
//! 1. [`claim::request`]: the leader or the second thread claims a task, in `pool/threads/leader/claim.rs`; or a
//!    transaction that enqueues does, by [`claim::reservation`], in `pool/claimer.rs`;
//! 2. [`claim::accept`]: the pool receives it;
//! 3. [`held::ready`]: it waits for a worker;
//! 4. [`worker_action`]: a worker takes it;
//! 5. [`held::running`]: its handler runs, in `pool/threads/worker.rs`;
//! 6. [`held::settling`]: its result waits for the next commit;
//! 7. [`leader_action`]: the leader takes the result, and commits it in `pool/threads/leader/settle.rs`.

mod backoff;
mod claim;
mod held;
mod leader_action;
mod lifecycle;
mod listener;
mod log;
mod queues;
#[cfg(test)]
mod tests;
mod wakeups;
mod worker_action;

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

pub(super) use self::claim::idle::ShortClaim;
pub(super) use self::claim::parallel::ClaimAction;
pub(super) use self::claim::quota::Quota;
pub(super) use self::claim::request::ClaimRequest;
pub(super) use self::claim::suspects::SuspectGate;
pub(super) use self::held::ready::ReadyTask;
pub(super) use self::held::running::Running;
pub(super) use self::held::settling::{Run, Settle, Settlement};
pub(super) use self::leader_action::{Batch, LeaderAction};
pub(super) use self::lifecycle::Fault;
pub(super) use self::log::LogEntry;
pub(super) use self::worker_action::WorkerAction;

use self::backoff::Backoff;
pub(super) use self::backoff::Side;
use self::claim::accept::Pauses;
use self::claim::claim_first::ClaimFirst;
use self::claim::idle::Idle;
use self::claim::parallel::ParallelClaims;
use self::claim::prefetch::Prefetch;
use self::claim::reservation::Reservations;
use self::claim::suspects::Suspects;
use self::held::cancel::CancelLook;
use self::held::handler_time::HandlerTimes;
use self::held::heartbeat::Heartbeat;
use self::held::notes::Notes;
use self::held::ready::Ready;
use self::held::running::WorkerSlots;
use self::held::settling::Settling;
use self::held::timeouts::Timeouts;
use self::leader_action::Leader;
use self::lifecycle::Lifecycle;
use self::listener::ListenerBacklog;
use self::queues::Queues;
use self::wakeups::Wakeups;
use super::event::PoolStats;
use super::queues::ServedQueue;
use crate::model::Lease;
use crate::time::{Signal, Timestamp};

/// How the pool is set.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) workers: usize,
    pub(super) prefetch: usize,
    /// The queues it serves, in their order.
    pub(super) queues: Vec<ServedQueue>,
    pub(super) lease: Duration,
    /// How often an idle pool polls for commits of other processes.
    pub(super) poll_interval: Duration,
    /// The same once commits are not reported any more.
    pub(super) poll_interval_alone: Duration,
    /// The time limit of each type's handler, by the type's index.
    pub(super) timeouts: Vec<Option<Duration>>,
    /// Shared by the pools of the process.
    pub(super) gate: Arc<SuspectGate>,
    /// Whether a thread of its own claims while the leader settles.
    pub(super) claims_in_parallel: bool,
}

/// The state of a pool.
#[derive(Debug)]
pub(super) struct Scheduler {
    lifecycle: Lifecycle,
    leader: Leader,
    backoff: Backoff,

    claim_first: ClaimFirst,
    parallel_claims: ParallelClaims,
    idle: Idle,
    prefetch: Prefetch,
    handler_times: HandlerTimes,
    reservations: Reservations,
    suspects: Suspects,
    listener: ListenerBacklog,
    pauses: Pauses,

    queues: Queues,
    ready: Ready,
    slots: WorkerSlots,
    settling: Settling,
    heartbeat: Heartbeat,
    notes: Notes,
    timeouts: Timeouts,
    cancel_look: CancelLook,
    wakeups: Wakeups,

    log: Vec<LogEntry>,
    stats: PoolStats,
}

impl Scheduler {
    /// The state of a pool that has done nothing. `signal` is the leader's, `clock` the queue's time.
    pub(super) fn new(
        settings: Settings,
        signal: Arc<Signal>,
        now: Instant,
        clock: Timestamp,
    ) -> Self {
        let Settings {
            workers,
            prefetch,
            queues,
            lease,
            poll_interval,
            poll_interval_alone,
            timeouts,
            gate,
            claims_in_parallel,
        } = settings;
        let (types, served) = (timeouts.len(), queues.len());
        Self {
            lifecycle: Lifecycle::default(),
            leader: Leader::default(),
            backoff: Backoff::default(),
            claim_first: ClaimFirst::default(),
            parallel_claims: ParallelClaims::new(claims_in_parallel),
            idle: Idle::new((poll_interval, poll_interval_alone), now),
            prefetch: Prefetch::new(prefetch, workers),
            handler_times: HandlerTimes::new(types),
            reservations: Reservations::new(served),
            suspects: Suspects::new(gate, signal),
            listener: ListenerBacklog::default(),
            pauses: Pauses::new(served),
            queues: Queues::new(queues),
            ready: Ready::new(types, served),
            slots: WorkerSlots::new(workers),
            settling: Settling::default(),
            heartbeat: Heartbeat::new(lease, clock),
            notes: Notes::default(),
            timeouts: Timeouts::new(timeouts),
            cancel_look: CancelLook::new(now),
            wakeups: Wakeups::default(),
            log: Vec::new(),
            stats: PoolStats { per_worker: vec![0; workers], ..PoolStats::default() },
        }
    }

    /// What the handler is given of the task that a worker has just begun.
    pub(super) fn running_on(&self, worker: usize) -> Running {
        let task = self.slots.task(worker);
        let limit =
            task.and_then(|task| Some(task.begun_at + self.timeouts.limit(task.type_index)?));
        Running { flags: self.slots.flags(worker), deadline: limit }
    }

    /// What the pool has done, and holds now.
    pub(super) fn stats(&self) -> PoolStats {
        PoolStats {
            ready: self.ready.len(),
            running: self.slots.running(),
            unsettled: self.settling.uncommitted_results().count(),
            per_queue: self.queue_stats(),
            ..self.stats.clone()
        }
    }

    /// The futures to wake once the scheduler is unlocked, as their handlers were notified. The leader takes them, as what
    /// notifies handlers wakes it, and the thread that extends leases, which may be lost.
    pub(super) fn take_wakers(&mut self) -> Vec<Waker> {
        self.slots.take_wakers()
    }

    /// Every lease the pool holds.
    fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.slots.leases().chain(self.ready.leases()).chain(self.settling.leases())
    }

    /// A task that no worker has begun is settled without having run.
    fn settle_unrun(&mut self, task: ReadyTask, action: Settle, now: Instant) {
        self.suspects.not_run(&task.lease);
        self.settling.push(Settlement { lease: task.lease, run: None, action }, now);
    }

    /// Releases all tasks that no worker has begun.
    fn release_ready(&mut self, now: Instant) {
        (0..self.queues.len()).for_each(|queue| self.release_ready_of(queue, now));
    }

    /// Releases the tasks of a queue that no worker has begun.
    fn release_ready_of(&mut self, queue: usize, now: Instant) {
        for task in self.ready.take_queue(queue) {
            self.settle_unrun(task, Settle::Release, now);
        }
        if self.ready.is_empty() {
            self.prefetch.none_ready();
        }
    }
}
