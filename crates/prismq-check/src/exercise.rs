//! A load in one process that goes through everything a task can meet, and is judged at its end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use prismq::{Queue, SystemClock};

use crate::audit::Snapshot;
use crate::checker::Verdict;
use crate::checker::{Rules, check};
use crate::client::Actor;
use crate::error::{Error, Result};
use crate::history::History;
use crate::history::Recorder;
use crate::process::roles::{REST, claim_and_settle, job, tolerate};

/// How much is done, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exercise {
    /// Tasks that are enqueued.
    pub tasks: u32,
    /// Threads that work on them; at least one.
    pub workers: u32,
    /// How long what they claim is held; some of it is left to expire.
    pub lease: Duration,
    /// What decides on what is left to chance.
    pub seed: u64,
}

/// Enqueues tasks of every kind, some of them delayed or large, while workers complete, fail, release,
/// extend and forget what they claim, until nothing is left; then holds the history of it against every
/// invariant. The queue must be empty, and nobody else use it.
///
/// # Errors
/// [`Error::Queue`] if the queue gives an answer that a sound one does not, [`Error::Look`] if its file
/// cannot be read.
pub fn exercise(path: impl AsRef<Path>, load: Exercise) -> Result<Verdict> {
    let path = path.as_ref();
    let queue = Queue::open(path)?;
    let recorder = Recorder::in_memory();
    let actor = |proc| Actor::new(queue.clone(), Arc::new(SystemClock), recorder.clone(), proc);
    let chance = |proc: u32| Rng::with_seed(load.seed.wrapping_add(u64::from(proc)));
    let produced = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers: Vec<_> = (1..=load.workers.max(1))
            .map(|proc| (actor(proc), chance(proc)))
            .map(|(actor, chance)| scope.spawn(|| work(&queue, actor, chance, load, &produced)))
            .collect();
        let (mut producer, mut chance) = (actor(0), chance(0));
        let enqueued = (0..load.tasks)
            .try_for_each(|_| tolerate(producer.enqueue(&job(&mut chance))).map(drop));
        produced.store(true, Ordering::Release);
        let panicked = |_| Error::Log(std::io::Error::other("a worker panicked"));
        let worked = workers.into_iter().map(|worker| worker.join().map_err(panicked)?);
        // All of them are waited for, whatever the first error was.
        worked.fold(enqueued, Result::and)
    })?;
    let rules = Rules { drained: true, all_told: true, ..Rules::default() };
    Ok(check(&History::of(&recorder), &[Snapshot::take(path)?], &rules))
}

/// Works until all is produced and nothing of it is left.
fn work(
    queue: &Queue,
    mut actor: Actor<Queue>,
    mut chance: Rng,
    load: Exercise,
    produced: &AtomicBool,
) -> Result<()> {
    loop {
        let all = produced.load(Ordering::Acquire);
        if claim_and_settle(&mut actor, &mut chance, load.lease)? {
            continue;
        }
        let left = queue.stats("default")?;
        if all && left.ready + left.scheduled + left.leased == 0 {
            return Ok(());
        }
        // Until something is due, or a lease that was forgotten expires.
        thread::sleep(REST);
    }
}
