//! Each decision by itself, without threads: the tests pass the time.

mod backoff;
mod claim;
mod held;
mod leader_action;
mod lifecycle;
mod listener;
mod queues;
mod wakeups;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::claim::prefetch::PREFETCH_TIME;
use super::claim::suspects::SUSPECT_ALONE;
use super::held::heartbeat::HEARTBEATS_PER_LEASE;
use super::held::settling::{SETTLE_DELAY, SETTLE_DELAY_MAX};
use super::wakeups::{WAKE_DELAY_MAX, WAKE_TIME};
use super::*;
use crate::model::TaskId;
use crate::model::limits::EVENTS_MAX;
use crate::model::{EngineNote, Error, LeaseKey, Payload, TaskError};
use crate::pool::event::Outcome;
use crate::time::Moment;

const MS: Duration = Duration::from_millis(1);
const LEASE: Duration = Duration::from_secs(60);
const CLOCK: Timestamp = Timestamp::from_micros(1_000_000_000);
const BUSY: Error = Error::Busy { waited: Duration::ZERO };

/// A scheduler without threads around it.
struct Pool {
    scheduler: Scheduler,
    /// Wakes the leader.
    signal: Arc<Signal>,
    now: Instant,
    /// The count of the signal of new work.
    work_signal: u64,
}

fn settings(workers: usize) -> Settings {
    Settings {
        workers,
        prefetch: 1000,
        queues: vec![served("default")],
        lease: LEASE,
        poll_interval: Duration::from_secs(3600),
        poll_interval_alone: Duration::from_secs(60),
        timeouts: vec![None; 2],
        gate: Arc::default(),
        claims_in_parallel: false,
    }
}

/// A queue in strict order.
fn served(name: &str) -> ServedQueue {
    ServedQueue { name: name.into(), share: None, at_most: None }
}

/// The moment of this monotonic time; the wall clock is another.
fn at(monotonic: Timestamp) -> Moment {
    Moment { wall: Timestamp::default(), monotonic }
}

fn lease(id: i64) -> Lease {
    Lease {
        key: LeaseKey {
            id: TaskId::from_i64(id),
            token: 1,
            limited: false,
            note: EngineNote::default(),
        },
        queue: "default".into(),
        task_type: "t".into(),
        payload: Payload::part(Arc::default(), 0..0),
        priority: 0,
        order_key: id,
        attempt: 1,
        max_attempts: 5,
        enqueued_at: CLOCK,
        claimed_at: CLOCK,
        expires_at: at(CLOCK.after(LEASE)),
        suspect: false,
        scheduled_for: None,
        start_by: None,
    }
}

fn suspect(id: i64) -> Lease {
    Lease { suspect: true, ..lease(id) }
}

impl Pool {
    fn new(settings: Settings) -> Self {
        let (now, signal) = (Instant::now(), Arc::<Signal>::default());
        let scheduler = Scheduler::new(settings, signal.clone(), now, CLOCK);
        Self { scheduler, signal, now, work_signal: 0 }
    }

    /// One whose handlers took so long before.
    fn with_times(workers: usize, handler: Duration) -> Self {
        let mut pool = Self::new(settings(workers));
        pool.scheduler.handler_times.ended(0, handler);
        pool
    }

    fn leader_action(&mut self) -> LeaderAction {
        self.scheduler.next_leader_action(self.now, CLOCK, self.work_signal)
    }

    /// What the leader submits.
    fn batch(&mut self) -> Batch {
        match self.leader_action() {
            LeaderAction::Submit(batch) => batch,
            other => panic!("{other:?}"),
        }
    }

    /// The next batch that settles something; a claim may go before it.
    fn settling_batch(&mut self) -> Batch {
        let batch = self.batch();
        if !batch.settle.is_empty() {
            return batch;
        }
        self.claimed([]);
        self.batch()
    }

    /// What the leader claims; it has nothing else to do.
    fn request(&mut self) -> Option<ClaimRequest> {
        match self.leader_action() {
            LeaderAction::Submit(batch) => batch.claim,
            _ => None,
        }
    }

    /// The leader's claim returned these tasks.
    fn claimed(&mut self, leases: impl IntoIterator<Item = Lease>) {
        let leases = leases.into_iter().map(|lease| (lease, 0)).collect();
        self.scheduler.accept_claim(leases, None, false, self.now);
    }

    /// The leader's claim found no task.
    fn becomes_idle(&mut self, without_suspects: bool) {
        let short = ShortClaim { without_suspects, ..short_claim(self.work_signal) };
        self.scheduler.accept_claim(Vec::new(), Some(short), !without_suspects, self.now);
    }

    fn action(&mut self, worker: usize) -> WorkerAction {
        self.scheduler.next_worker_action(worker, self.now)
    }

    /// A worker begins the next task.
    fn begin(&mut self, worker: usize) -> Lease {
        match self.action(worker) {
            WorkerAction::Run(task) => task.lease,
            other => panic!("{other:?}"),
        }
    }

    fn finish(&mut self, worker: usize, lease: Lease, action: Settle, took: Duration) {
        let run = Some(Run { worker, began_at: self.now, took });
        let settlement = Settlement { lease, run, action };
        self.scheduler.finish(settlement, self.now);
    }

    /// A worker runs the next task to its end.
    fn run(&mut self, worker: usize, took: Duration) {
        let lease = self.begin(worker);
        self.now += took;
        self.finish(worker, lease, Settle::Complete(None), took);
    }

    /// The leader has committed all it had taken.
    fn settled(&mut self, took: Duration) {
        self.scheduler.settled(&[], Vec::new(), Some(took), self.now);
    }

    fn ids(batch: &Batch) -> Vec<i64> {
        batch.settle.iter().map(|settlement| settlement.lease.id().as_i64()).collect()
    }
}

fn short_claim(work_signal: u64) -> ShortClaim {
    ShortClaim {
        work_signal,
        clock: CLOCK,
        version: 1,
        next_due: None,
        without_suspects: false,
        limited_left: false,
        bounded_left: false,
        ready_left: false,
    }
}

impl WorkerAction {
    /// The id of the task that it runs.
    fn task_id(&self) -> Option<i64> {
        match self {
            Self::Run(task) => Some(task.lease.id().as_i64()),
            _ => None,
        }
    }
}
