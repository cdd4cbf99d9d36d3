//! A load in one process that goes through every state of a task, and is checked at its end.

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
use crate::client::Client;
use crate::error::{Error, Result};
use crate::history::History;
use crate::history::Recorder;
use crate::process::roles::{REST, claim_and_settle, job, tolerate};

/// The size of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exercise {
    /// Tasks that are enqueued.
    pub tasks: u32,
    /// Threads that work on them; at least one.
    pub workers: u32,
    /// How long what they claim is held; some of it is left to expire.
    pub lease: Duration,
    /// The seed of random choices.
    pub seed: u64,
}

/// Enqueues tasks of every kind, some of them delayed or large, while workers complete, fail, release,
/// extend and forget what they claim, until nothing is left; then checks the history against every
/// invariant. The queue must be empty and not be used by others.
///
/// # Errors
/// [`Error::Queue`] if the queue gives an answer that a sound one does not, [`Error::Audit`] if its file
/// cannot be read.
pub fn exercise(path: impl AsRef<Path>, load: Exercise) -> Result<Verdict> {
    let path = path.as_ref();
    let queue = Queue::open(path)?;
    let recorder = Recorder::in_memory();
    let client =
        |client_id| Client::new(queue.clone(), Arc::new(SystemClock), recorder.clone(), client_id);
    let rng = |client_id: u32| Rng::with_seed(load.seed.wrapping_add(u64::from(client_id)));
    let produced = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers: Vec<_> = (1..=load.workers.max(1))
            .map(|client_id| (client(client_id), rng(client_id)))
            .map(|(client, rng)| scope.spawn(|| work(&queue, client, rng, load, &produced)))
            .collect();
        let (mut producer, mut rng) = (client(0), rng(0));
        let enqueued =
            (0..load.tasks).try_for_each(|_| tolerate(producer.enqueue(&job(&mut rng))).map(drop));
        produced.store(true, Ordering::Release);
        let panicked = |_| Error::Log(std::io::Error::other("a worker panicked"));
        let worked = workers.into_iter().map(|worker| worker.join().map_err(panicked)?);
        // All of them are waited for, also after an error.
        worked.fold(enqueued, Result::and)
    })?;
    let rules = Rules { drained: true, complete_history: true, ..Rules::default() };
    Ok(check(&History::of(&recorder), &[Snapshot::take(path)?], &rules))
}

/// Works until all is produced and nothing of it is left.
fn work(
    queue: &Queue,
    mut client: Client<Queue>,
    mut rng: Rng,
    load: Exercise,
    produced: &AtomicBool,
) -> Result<()> {
    loop {
        let all = produced.load(Ordering::Acquire);
        if claim_and_settle(&mut client, &mut rng, load.lease, &["job"])? {
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
