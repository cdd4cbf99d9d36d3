//! Who does what next: the pool's state and its decisions, without a thread, a database or a sleep in it.
//!
//! Workers run handlers and never wait for the disk. The leader, one thread, settles what they finished,
//! claims ahead for them, extends the leases of all that is held, and gives back what is too much.
//! Whatever a worker does under the scheduler's lock, it then asks whether the leader must be called
//! sooner than it meant to look ([`Scheduler::calls_leader`]) and whether another worker must be woken
//! ([`Scheduler::wake`]). Each decision has a file of its own, which opens with its reason.

mod backoff;
mod claim;
mod held;
mod leader_action;
mod lifecycle;
mod log;
#[cfg(test)]
mod tests;
mod wakeups;
mod worker_action;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) use self::claim::suspects::SuspectGate;
pub(super) use self::held::ready::{Held, Read};
pub(super) use self::held::settling::{End, Finished};
pub(super) use self::held::slots::Flags;
pub(super) use self::lifecycle::Fault;
pub(super) use self::log::Remark;
pub(super) use self::worker_action::{Batch, Drained, Plan, Room, Step};

use self::backoff::Backoff;
use self::claim::handler_time::HandlerTimes;
use self::claim::suspects::SuspectPermit;
use self::held::ready::Ready;
use self::held::settling::Settling;
use self::held::slots::Slots;
use self::lifecycle::Phase;
use self::wakeups::Waiting;
use super::event::PoolStats;
use crate::model::{Lease, LeaseKey, TaskError, TaskId};
use crate::time::{Signal, Timestamp};

/// How the pool is set.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) workers: usize,
    pub(super) prefetch: usize,
    pub(super) lease: Duration,
    /// How often to look whether another process wrote.
    pub(super) look_every: Duration,
    /// The time limit of each type's handler.
    pub(super) limits: Vec<Option<Duration>>,
    /// Shared by the pools of the process.
    pub(super) gate: Arc<SuspectGate>,
}

/// The state of a pool.
#[derive(Debug)]
pub(super) struct Scheduler {
    settings: Settings,
    phase: Phase,
    fault: Option<Fault>,
    ready: Ready,
    slots: Slots,
    settling: Settling,
    times: HandlerTimes,
    waiting: Waiting,
    backoff: Backoff,
    /// What the last short claim saw, as long as it shows that there is nothing to take.
    drained: Option<Drained>,
    /// When a worker last took a task.
    begun_at: Option<Instant>,
    /// When held tasks are next checked for what is too much.
    review_at: Option<Instant>,
    /// When held tasks were last given back as too much.
    excess_at: Option<Instant>,
    leader: Leader,
    /// When leases are next extended.
    next_beat: Timestamp,
    looked_at: Instant,
    /// When the next handler runs into its time limit or out of its grace.
    timeout_at: Option<Instant>,
    /// Tasks that transactions of others may claim for the pool.
    reserved: usize,
    /// The priority of the last task that was claimed.
    last_priority: Option<i32>,
    /// Whether a fault was met since the pool began to end.
    retried: bool,
    /// Whether the shutdown no longer waits.
    abandoned: bool,
    /// The pool's threads that have not ended.
    threads: usize,
    /// How often the queue was paused.
    pauses: u64,
    /// For the log.
    remarks: Vec<Remark>,
    /// The right to claim and run a suspect, and which one runs by it since when.
    permit: Option<SuspectPermit>,
    suspect: Option<(LeaseKey, Instant)>,
    /// Raised for the leader.
    signal: Arc<Signal>,
    /// Events that the listener is yet to be given.
    events: usize,
    stats: PoolStats,
}

/// Where the leader is.
#[derive(Debug, Default)]
struct Leader {
    /// At the database; it looks at everything when it is back.
    away: bool,
    /// When it wakes by itself.
    wakes_at: Option<Instant>,
    /// Results that it is about to commit.
    settling: Vec<TaskId>,
    /// Tasks that it is about to give back.
    giving_back: Vec<TaskId>,
    /// Whether it may come back with tasks.
    claiming: bool,
    /// How often the queue had been paused when it left.
    pauses: u64,
    /// Whether the last claim went ahead of results that are yet to be settled.
    hurried: bool,
    /// With so few tasks held it is called to claim more, if it wants any held.
    low_water: Option<usize>,
}

impl Scheduler {
    pub(super) fn new(
        settings: Settings,
        signal: Arc<Signal>,
        now: Instant,
        clock: Timestamp,
    ) -> Self {
        let (types, workers) = (settings.limits.len(), settings.workers);
        let next_beat = clock.after(settings.lease / leader_action::BEATS_PER_LEASE);
        Self {
            settings,
            phase: Phase::Running,
            fault: None,
            ready: Ready::new(types),
            slots: Slots::new(workers),
            settling: Settling::default(),
            times: HandlerTimes::new(types),
            waiting: Waiting::default(),
            backoff: Backoff::default(),
            drained: None,
            begun_at: None,
            review_at: None,
            excess_at: None,
            leader: Leader::default(),
            next_beat,
            looked_at: now,
            timeout_at: None,
            reserved: 0,
            last_priority: None,
            retried: false,
            abandoned: false,
            threads: 0,
            pauses: 0,
            remarks: Vec::new(),
            permit: None,
            suspect: None,
            signal,
            events: 0,
            stats: PoolStats { per_worker: vec![0; workers], ..PoolStats::default() },
        }
    }

    /// What a worker that runs nothing is to do.
    pub(super) fn next(&mut self, worker: usize, now: Instant) -> Step {
        if self.phase == Phase::Stopped {
            return Step::Exit;
        }
        if let Some(held) = self.ready.take() {
            self.begin(worker, &held, now);
            return Step::Run(held);
        }
        if let Some(keys) = self.ready.begin_read() {
            return Step::Read(keys);
        }
        if self.phase == Phase::Draining { Step::Exit } else { Step::Wait }
    }

    fn begin(&mut self, worker: usize, held: &Held, now: Instant) {
        self.begun_at = Some(now);
        if held.lease.is_suspect() {
            self.suspect = Some((held.lease.key, now));
        }
        self.slots.begin(worker, &held.lease, held.task_type, now);
        if let Some(limit) = self.limit(held.task_type) {
            let at = now + limit;
            self.timeout_at = Some(self.timeout_at.map_or(at, |next| next.min(at)));
        }
        if self.ready.is_empty() {
            self.review_at = None;
        }
    }

    /// The flags of the task that a worker runs.
    pub(super) fn flags(&self, worker: usize) -> Arc<Flags> {
        self.slots.flags(worker)
    }

    /// A worker's handler is back after `took`.
    pub(super) fn finish(&mut self, mut finished: Finished, took: Duration, now: Instant) {
        let Some(worker) = finished.worker else { return };
        let Some(running) = self.slots.end(worker) else { return };
        if finished.is_result() {
            self.times.ended(running.task_type, took);
            if let Some(count) = self.stats.per_worker.get_mut(worker) {
                *count += 1;
            }
        } else {
            finished.worker = None;
        }
        if self.suspect.take_if(|(key, _)| *key == running.lease.key).is_some() {
            self.permit = None;
        }
        // Its attempt was recorded already.
        if running.given_up {
            return;
        }
        if self.slots.flags(worker).timed_out()
            && let End::Fail(error) = finished.end
        {
            let limit = self.limit(running.task_type).unwrap_or_default();
            self.stats.timed_out += 1;
            finished.end = End::Fail(timed_out(limit, Some(error)));
        }
        self.settling.push(finished, now);
    }

    /// A worker is back with payloads. A task whose payload was not read is settled without having run.
    pub(super) fn end_read(&mut self, read: Read, now: Instant) {
        for (held, error) in self.ready.end_read(read) {
            self.remarks.push(Remark::Unread { task: held.lease.id(), error: error.clone() });
            self.drop_held(held, End::Unread(error), now);
        }
    }

    /// What is to be logged.
    pub(super) fn take_remarks(&mut self) -> Vec<Remark> {
        std::mem::take(&mut self.remarks)
    }

    /// A worker begins to wait.
    pub(super) const fn begin_wait(&mut self) {
        self.waiting.begin();
    }

    /// Whether a waiting worker may go on.
    pub(super) const fn end_wait(&mut self) -> bool {
        self.waiting.end()
    }

    /// A task that no worker has begun is settled without having run.
    fn drop_held(&mut self, held: Held, end: End, now: Instant) {
        if held.lease.is_suspect() {
            self.permit = None;
        }
        self.settling.push(Finished { lease: held.lease, worker: None, end }, now);
    }

    fn give_back_all(&mut self, now: Instant) {
        for held in self.ready.take_all() {
            self.drop_held(held, End::Release, now);
        }
        self.review_at = None;
    }

    fn limit(&self, task_type: usize) -> Option<Duration> {
        self.settings.limits.get(task_type).copied().flatten()
    }

    /// Every lease the pool holds.
    fn held(&self) -> impl Iterator<Item = &Lease> {
        let finished = self.settling.iter().map(|finished| &finished.lease);
        self.slots.held().chain(self.ready.iter()).chain(finished)
    }

    pub(super) fn stats(&self) -> PoolStats {
        let results = self.settling.iter().filter(|finished| finished.is_result()).count();
        PoolStats {
            ready: self.ready.len(),
            running: self.slots.running(),
            unsettled: results + self.leader.settling.len(),
            ..self.stats.clone()
        }
    }
}

/// The error of an attempt that ran into its time limit, with what its handler said, if it came back.
fn timed_out(limit: Duration, error: Option<TaskError>) -> TaskError {
    match error {
        None => {
            TaskError::new(format!("timed out after {limit:?}, and the handler did not return"))
        }
        Some(error) => error.in_context(format_args!("timed out after {limit:?}")),
    }
}
