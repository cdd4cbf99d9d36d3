//! The decisions, one by one, without a thread: time is what each call says it is.

mod holding;
mod settling;
mod stopping;
mod suspects;
mod timeouts;
mod waking;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::held::slots::Flags;
use super::wakeups::{QUICK, STUCK};
use super::*;
use crate::model::limits::{PREFETCH_TIME, SETTLE_DELAY, SUSPECT_ALONE};
use crate::model::{Error, Payload};
use crate::pool::event::{Event, Outcome};
use crate::time::Moment;

const MS: Duration = Duration::from_millis(1);
const LEASE: Duration = Duration::from_secs(60);
const CLOCK: Timestamp = Timestamp::from_micros(1_000_000_000);
const BUSY: Error = Error::Busy { waited: Duration::ZERO };

/// A scheduler, the time, and where the signal of new work stands.
struct Pool {
    scheduler: Scheduler,
    now: Instant,
    signalled: u64,
}

fn settings(workers: usize) -> Settings {
    Settings {
        workers,
        prefetch: 1000,
        lease: LEASE,
        look_every: Duration::from_secs(3600),
        limits: vec![None; 2],
        gate: Arc::default(),
    }
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
            file: 1,
            queue: 1,
            payload_apart: false,
        },
        task_type: "t".into(),
        payload: Payload::part(Arc::default(), 0..0),
        priority: 0,
        order_key: id,
        attempt: 1,
        max_attempts: 5,
        enqueued_at: CLOCK,
        expires_at: at(CLOCK.after(LEASE)),
        suspect: false,
    }
}

fn suspect(id: i64) -> Lease {
    Lease { suspect: true, ..lease(id) }
}

impl Pool {
    fn new(settings: Settings) -> Self {
        let now = Instant::now();
        let scheduler = Scheduler::new(settings, Arc::default(), now, CLOCK);
        Self { scheduler, now, signalled: 0 }
    }

    /// One whose handlers took so long before.
    fn with_times(workers: usize, handler: Duration) -> Self {
        let mut pool = Self::new(settings(workers));
        pool.scheduler.times.ended(0, handler);
        pool
    }

    fn plan(&mut self) -> Plan {
        self.scheduler.plan(self.now, CLOCK, self.signalled)
    }

    fn batch(&mut self) -> Batch {
        match self.plan() {
            Plan::Submit(batch) => batch,
            other => panic!("{other:?}"),
        }
    }

    /// What the leader claims; it has nothing else to do.
    fn room(&mut self) -> Option<Room> {
        match self.plan() {
            Plan::Submit(batch) => batch.claim,
            _ => None,
        }
    }

    fn claimed(&mut self, leases: impl IntoIterator<Item = Lease>) {
        let leases = leases.into_iter().map(|lease| (lease, 0)).collect();
        self.scheduler.claimed(leases, None, false, self.now);
    }

    /// A claim that found nothing more.
    fn drained(&mut self, without_suspects: bool) {
        let seen = self.signalled;
        let drained = Drained { seen, clock: CLOCK, version: 1, next_due: None, without_suspects };
        self.scheduler.claimed(Vec::new(), Some(drained), !without_suspects, self.now);
    }

    fn step(&mut self, worker: usize) -> Step {
        self.scheduler.next(worker, self.now)
    }

    /// A worker begins the next task.
    fn begin(&mut self, worker: usize) -> Lease {
        match self.step(worker) {
            Step::Run(held) => held.lease,
            other => panic!("{other:?}"),
        }
    }

    fn finish(&mut self, worker: usize, lease: Lease, end: End, took: Duration) {
        let finished = Finished { lease, worker: Some(worker), end };
        self.scheduler.finish(finished, took, self.now);
    }

    /// A worker runs the next task to its end.
    fn run(&mut self, worker: usize, took: Duration) {
        let lease = self.begin(worker);
        self.now += took;
        self.finish(worker, lease, End::Complete, took);
    }

    fn settled(&mut self, took: Duration) {
        self.scheduler.settled(&[], Vec::new(), Some(took), self.now);
    }

    fn ids(batch: &Batch) -> Vec<i64> {
        batch.finished.iter().map(|finished| finished.lease.id().as_i64()).collect()
    }
}

impl Step {
    /// The id of the task that it runs.
    fn ran(&self) -> Option<i64> {
        match self {
            Self::Run(held) => Some(held.lease.id().as_i64()),
            _ => None,
        }
    }
}

impl Pool {
    fn run_nothing(&mut self) {
        assert!(matches!(self.step(0), Step::Wait));
    }

    /// The next batch that settles something; a claim may go ahead of it.
    fn settling_batch(&mut self) -> Batch {
        let batch = self.batch();
        if !batch.finished.is_empty() {
            return batch;
        }
        self.claimed([]);
        self.batch()
    }
}
