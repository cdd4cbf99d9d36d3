//! A file in a temporary folder, a clock in the test's hand, and a round of work that goes through
//! everything a task can meet.

pub(crate) mod fleet;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prismq::{Clock, Durability, Lease, ManualClock, Queue, Timestamp};
use prismq_check::{Actor, History, Job, Recorder, Rules, Snapshot, Subject, Take, Verdict, check};
use tempfile::TempDir;

pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// A folder in memory where there is such a thing, for tests that kill nothing and cut no power.
pub(crate) fn fast_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) recorder: Recorder,
}

impl Bench {
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

    pub(crate) fn actor<S: Subject>(&self, subject: S, proc: u32) -> Actor<S> {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Actor::new(subject, clock, self.recorder.clone(), proc)
    }

    pub(crate) fn verdict(&self, rules: &Rules) -> Verdict {
        let snapshot = Snapshot::take(self.path()).unwrap();
        check(&History::of(&self.recorder), &[snapshot], rules)
    }
}

/// What a history is held to in which workers took all there was.
pub(crate) const DRAINED: Rules = Rules { drained: true, all_told: true, ..Rules::PLAIN };

/// Everything that can happen to a task, to many of them, and all of it recorded: two actors work side by
/// side, one of which stops now and then for longer than its lease; then all that is left is drained.
pub(crate) fn work<S: Subject>(bench: &Bench, open: impl Fn() -> S, seed: u64) {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut producer = bench.actor(open(), 1);
    let mut steady = bench.actor(open(), 2);
    let mut zombie = bench.actor(open(), 3);
    for number in 0..1100_u32 {
        let job = Job {
            priority: i32::from(chance.i8(0..3)),
            delay: Duration::from_secs(if number % 7 == 0 { 30 } else { 0 }),
            max_attempts: 3,
            payload_bytes: if number % 50 == 0 { 3000 } else { 24 },
            ..Job::default()
        };
        // A mutant may refuse; what it was asked and said is recorded either way.
        drop(producer.enqueue(&job));
        let take = Take { max: chance.usize(1..4), lease: LEASE, ..Take::default() };
        // Now and then tasks gather, so that there is something to choose from.
        if number % 20 >= 8 {
            for lease in steady.claim(&take).unwrap() {
                settle(&mut steady, &lease, &mut chance);
            }
        }
        bench.clock.advance(Duration::from_millis(chance.u64(0..800)));
        if number % 30 == 15 {
            let held = zombie.claim(&take).unwrap();
            // Every other time it looks ahead, and a sound queue leaves it its tasks.
            for lease in held.iter().filter(|_| number % 60 == 15) {
                drop(zombie.extend(lease, LEASE * 2));
            }
            bench.clock.advance(LEASE);
            // Accepted by a sound queue, as nobody has come yet.
            for lease in held.iter().take(1).filter(|_| number % 120 == 45) {
                drop(zombie.complete(lease));
            }
            for lease in steady.claim(&Take { max: 10, ..take }).unwrap() {
                settle(&mut steady, &lease, &mut chance);
            }
            // Refused by a sound queue, unless it looked ahead.
            for lease in held {
                drop(zombie.complete(&lease));
                drop(zombie.extend(&lease, LEASE));
            }
        }
    }
    drain(bench, &mut steady, &mut chance);
}

fn settle<S: Subject>(actor: &mut Actor<S>, lease: &Lease, chance: &mut fastrand::Rng) {
    match chance.u8(0..10) {
        0 => drop(actor.fail(lease, None)),
        1 => drop(actor.fail(lease, Some(Duration::from_secs(chance.u64(0..20))))),
        2 => drop(actor.release(lease)),
        3 => {
            drop(actor.extend(lease, LEASE * 2));
            drop(actor.complete(lease));
        }
        _ => drop(actor.complete(lease)),
    }
}

/// Takes and ends all there is.
fn drain<S: Subject>(bench: &Bench, actor: &mut Actor<S>, chance: &mut fastrand::Rng) {
    let take = Take { max: 100, lease: LEASE, ..Take::default() };
    // Retries end within 20 seconds, leases within 120.
    for _ in 0..40 {
        let leases = actor.claim(&take).unwrap();
        for lease in leases {
            if chance.u8(0..10) == 0 {
                drop(actor.fail(&lease, Some(Duration::from_secs(5))));
            } else {
                drop(actor.complete(&lease));
            }
        }
        bench.clock.advance(Duration::from_secs(10));
    }
}
