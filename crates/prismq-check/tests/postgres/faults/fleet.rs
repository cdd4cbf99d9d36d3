//! A few clients that produce and work while something happens to their server, and the verdict on what they did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use prismq::{Error as QueueError, Lease, Queue, SystemClock};
use prismq_check::{
    ClaimRequest, Client, EnqueueRequest, Error, History, Invariant, Recorder, Result, Rules,
    check, now_ns,
};
use prismq_cluster::Cluster;

use super::audit;
use super::undone::forget;

const PRODUCERS: u32 = 2;
const WORKERS: u32 = 3;
/// How long what a worker claims is held.
const LEASE: Duration = Duration::from_secs(1);
/// How long a call waits for the server.
const WAIT: Duration = Duration::from_secs(2);
const REST: Duration = Duration::from_millis(2);
/// Tasks that wait at most.
const AHEAD: u64 = 100;
/// Tasks that are completed before and after each disturbance, at least.
pub(crate) const SOME: u64 = 60;
/// Longer than anything takes in a passing test, on a busy machine too.
pub(super) const DEADLINE: Duration = Duration::from_secs(120);

/// Clients at work.
pub(crate) struct Fleet {
    recorder: Recorder,
    enqueued: AtomicU64,
    completed: AtomicU64,
    stops: AtomicBool,
    /// Until when what is not waited for may have been undone.
    crashed_ns: AtomicU64,
    /// Calls that were refused as the disk was full.
    full: AtomicU64,
}

impl Fleet {
    /// Waits until so many more tasks are completed.
    pub(crate) fn completes(&self, more: u64) {
        let until = self.completed.load(Ordering::Acquire) + more;
        wait_for("tasks are completed", || self.completed.load(Ordering::Acquire) >= until);
    }

    /// The server may have lost what was not waited for up to now.
    pub(crate) fn crashed(&self) {
        self.crashed_ns.store(now_ns(), Ordering::Release);
    }

    /// How many calls were refused as the disk was full.
    pub(crate) fn full(&self) -> u64 {
        self.full.load(Ordering::Acquire)
    }

    fn client(&self, queue: &Queue, number: u32) -> Client<Queue> {
        Client::new(queue.clone(), Arc::new(SystemClock), self.recorder.clone(), number)
    }

    fn produce(&self, mut client: Client<Queue>, mut rng: Rng) {
        while !self.stops.load(Ordering::Acquire) {
            let enqueued = self.enqueued.load(Ordering::Acquire);
            if enqueued > self.completed.load(Ordering::Acquire) + AHEAD {
                thread::sleep(REST);
                continue;
            }
            let delay = Duration::from_millis(if rng.u8(..8) == 0 { rng.u64(1..50) } else { 0 });
            // A claim returns all of these: one that it had to read by itself stays leased if that fails.
            let payload_bytes = if rng.u8(..16) == 0 { 1000 } else { 32 };
            let request = EnqueueRequest {
                delay,
                payload_bytes,
                max_attempts: 50,
                ..EnqueueRequest::default()
            };
            if self.tolerate(client.enqueue(&request)).is_some() {
                self.enqueued.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    fn work(&self, queue: &Queue, mut client: Client<Queue>, mut rng: Rng) {
        let is_empty = || {
            let left = queue.stats("default");
            left.is_ok_and(|left| left.ready + left.scheduled + left.leased == 0)
        };
        let mut stops_since = Instant::now();
        loop {
            let stops = self.stops.load(Ordering::Acquire);
            if !stops {
                stops_since = Instant::now();
            }
            let take =
                ClaimRequest { max: rng.usize(1..6), lease: LEASE, ..ClaimRequest::default() };
            let leases = self.tolerate(client.claim(&take)).unwrap_or_default();
            for lease in &leases {
                if self.tolerate(self.settle(&mut client, lease, &mut rng)).is_some() {
                    self.completed.fetch_add(1, Ordering::AcqRel);
                }
            }
            if leases.is_empty() {
                // What is left after so long is reported.
                if stops && (is_empty() || stops_since.elapsed() > DEADLINE) {
                    return;
                }
                thread::sleep(REST);
            }
        }
    }

    /// Accepts the refusals that a sound queue may answer while its server fails.
    fn tolerate<T>(&self, answer: Result<T>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(Error::Queue(error)) => {
                let is_expected = error.is_lease_lost()
                    || error.is_transient()
                    || matches!(error, QueueError::CommitUnknown { .. });
                assert!(is_expected, "{error:?}");
                if matches!(error, QueueError::Full { .. }) {
                    self.full.fetch_add(1, Ordering::AcqRel);
                }
                None
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Ends an attempt, mostly by completing it; rarely its lease is left to expire.
    fn settle(&self, client: &mut Client<Queue>, lease: &Lease, rng: &mut Rng) -> Result<()> {
        match rng.u8(..24) {
            0 => Ok(()),
            1 => client.fail(lease, None).map(drop),
            2 => client.fail(lease, Some(Duration::from_millis(rng.u64(0..30)))).map(drop),
            3 => client.release(lease),
            4 => client.extend(lease, LEASE).and_then(|_| client.complete(lease)),
            _ => client.complete(lease),
        }
    }
}

/// Has clients work on the queue at this URL while `disturb` does something to its server; then they work it off, and
/// the history and the cluster's tables are checked.
pub(crate) fn disturbed(
    seed: u64,
    url: &str,
    cluster: &mut Cluster,
    disturb: impl FnOnce(&Fleet, &mut Cluster),
) {
    let fleet = Fleet {
        recorder: Recorder::in_memory(),
        enqueued: AtomicU64::new(0),
        completed: AtomicU64::new(0),
        stops: AtomicBool::new(false),
        crashed_ns: AtomicU64::new(0),
        full: AtomicU64::new(0),
    };
    let open = |_| prismq::postgres::builder(url).unwrap().busy_wait(WAIT).open().unwrap();
    let queues: Vec<Queue> = (0..PRODUCERS + WORKERS).map(open).collect();
    thread::scope(|scope| {
        for (queue, number) in queues.iter().zip(0..) {
            let (fleet, client) = (&fleet, fleet.client(queue, number));
            let rng = Rng::with_seed(seed.wrapping_add(number.into()));
            scope.spawn(move || match number < PRODUCERS {
                true => fleet.produce(client, rng),
                false => fleet.work(queue, client, rng),
            });
        }
        // Clients that are left running would keep a failed test from ending.
        let _stop = Stop(&fleet.stops);
        fleet.completes(SOME);
        disturb(&fleet, cluster);
        fleet.completes(SOME);
    });
    drop(queues);
    let history = match fleet.crashed_ns.load(Ordering::Acquire) {
        0 => History::of(&fleet.recorder),
        until_ns => forget(&History::of(&fleet.recorder), until_ns),
    };
    let rules = Rules {
        drained: true,
        complete_history: true,
        claims_read_time_first: true,
        ..Rules::PLAIN
    };
    let mut verdict = check(&history, &[audit::snapshot(cluster)], &rules);
    // Claims that run at the same time pass over each other's tasks.
    verdict.violations.retain(|violation| violation.invariant != Invariant::Order);
    println!("{verdict}");
    assert!(verdict.is_sound(), "{verdict}");
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Waits for a state that the server or other threads reach.
pub(crate) fn wait_for(state: &str, mut is_reached: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_reached() {
        assert!(started.elapsed() < DEADLINE, "not reached within {DEADLINE:?}: {state}");
        thread::sleep(Duration::from_millis(5));
    }
}
