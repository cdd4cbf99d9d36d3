//! A file in a temporary folder, a clock in the test's hand, and a round of work that goes through
//! everything a task can meet between its clients.

pub(crate) mod fleet;
pub(crate) mod operators;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use prismq::{Clock, Durability, Lease, ManualClock, Queue, Timestamp};
use prismq_check::{
    ClaimRequest, Client, EnqueueRequest, History, Recorder, Rules, Snapshot, Subject, Verdict,
    check,
};
use tempfile::TempDir;

pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// A folder in memory where the system has one, for tests without power cuts.
pub(crate) fn fast_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Longer than anything takes that these tests wait for.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// Blocks until this holds, which other threads or processes bring about.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < WAIT_MAX, "waited {WAIT_MAX:?} in vain until {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) recorder: Recorder,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let start = Timestamp::from_micros(1_800_000_000_000_000);
        Self {
            folder: fast_folder(),
            clock: Arc::new(ManualClock::new(start)),
            recorder: Recorder::in_memory(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("queue.db")
    }

    pub(crate) fn open(&self) -> Queue {
        // No test here cuts the power: what a kill leaves is the same under both.
        let builder = Queue::builder(self.path()).durability(Durability::Normal);
        builder.clock(self.clock.clone()).open().unwrap()
    }

    pub(crate) fn client<S: Subject>(&self, subject: S, client_id: u32) -> Client<S> {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Client::new(subject, clock, self.recorder.clone(), client_id)
    }

    pub(crate) fn verdict(&self, rules: &Rules) -> Verdict {
        let snapshot = Snapshot::take(self.path()).unwrap();
        check(&History::of(&self.recorder), &[snapshot], rules)
    }
}

/// What a history is held to in which workers took all there was.
pub(crate) const DRAINED: Rules = Rules { drained: true, complete_history: true, ..Rules::PLAIN };

/// Everything that can happen to a task, recorded: two clients work in parallel, one of which stops now and then for
/// longer than its lease; then all that is left is drained.
pub(crate) fn work<S: Subject>(fixture: &Fixture, open: impl Fn() -> S, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut producer = fixture.client(open(), 1);
    let mut steady = fixture.client(open(), 2);
    let mut zombie = fixture.client(open(), 3);
    for number in 0..1100_u32 {
        let job = EnqueueRequest {
            priority: i32::from(rng.i8(0..3)),
            delay: Duration::from_secs(if number % 7 == 0 { 30 } else { 0 }),
            max_attempts: 3,
            payload_bytes: if number % 50 == 0 { 3000 } else { 24 },
            ..EnqueueRequest::default()
        };
        // A mutant may refuse; the call and its answer are recorded either way.
        drop(producer.enqueue(&job));
        let take = ClaimRequest { max: rng.usize(1..4), lease: LEASE, ..ClaimRequest::default() };
        // Now and then tasks accumulate, so that there is something to choose from.
        if number % 20 >= 8 {
            for lease in steady.claim(&take).unwrap() {
                settle(&mut steady, &lease, &mut rng);
            }
        }
        fixture.clock.advance(Duration::from_millis(rng.u64(0..800)));
        if number % 30 == 15 {
            let held = zombie.claim(&take).unwrap();
            // Every other time it extends its leases first, and keeps its tasks in a sound queue.
            for lease in held.iter().filter(|_| number % 60 == 15) {
                drop(zombie.extend(lease, LEASE * 2));
            }
            fixture.clock.advance(LEASE);
            // Accepted by a sound queue, as no claim took the task back yet.
            for lease in held.iter().take(1).filter(|_| number % 120 == 45) {
                drop(zombie.complete(lease));
            }
            for lease in steady.claim(&ClaimRequest { max: 10, ..take }).unwrap() {
                settle(&mut steady, &lease, &mut rng);
            }
            // Refused by a sound queue, unless the lease was extended.
            for lease in held {
                drop(zombie.complete(&lease));
                drop(zombie.extend(&lease, LEASE));
            }
        }
    }
    drain(fixture, &mut steady, &mut rng);
}

pub(crate) fn settle<S: Subject>(client: &mut Client<S>, lease: &Lease, rng: &mut fastrand::Rng) {
    match rng.u8(0..10) {
        0 => drop(client.fail(lease, None)),
        1 => drop(client.fail(lease, Some(Duration::from_secs(rng.u64(0..20))))),
        2 => drop(client.release(lease)),
        3 => {
            drop(client.extend(lease, LEASE * 2));
            drop(client.complete(lease));
        }
        _ => drop(client.complete(lease)),
    }
}

/// Claims and ends all tasks.
fn drain<S: Subject>(fixture: &Fixture, client: &mut Client<S>, rng: &mut fastrand::Rng) {
    let take = ClaimRequest { max: 100, lease: LEASE, ..ClaimRequest::default() };
    // Retries end within 20 seconds, leases within 120.
    for _ in 0..40 {
        let leases = client.claim(&take).unwrap();
        for lease in leases {
            if rng.u8(0..10) == 0 {
                drop(client.fail(&lease, Some(Duration::from_secs(5))));
            } else {
                drop(client.complete(&lease));
            }
        }
        fixture.clock.advance(Duration::from_secs(10));
    }
}
