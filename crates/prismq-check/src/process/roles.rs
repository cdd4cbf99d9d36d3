//! What a process does in each part.

use std::io::{self, BufRead};
use std::process::abort;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use prismq::{Lease, Queue, SystemClock, WorkerPool};
use rusqlite::Connection;

use super::pools;
use super::spec::{Order, Role};
use crate::client::{Actor, Job, Take};
use crate::error::{Error, Result};
use crate::history::Recorder;

/// How long a worker rests that found nothing.
pub(crate) const REST: Duration = Duration::from_millis(1);
/// How long a payload is that kills whoever runs it.
pub(super) const POISON_BYTES: usize = 666;

/// Does what the order says, telling of it on standard output, until it is done or standard input ends.
///
/// # Errors
/// Whatever keeps the part from being played.
pub fn obey(order: &Order) -> Result<()> {
    let recorder = Recorder::to_lines(io::stdout());
    if order.role == Role::Lock {
        return hold_lock(order);
    }
    let queue = Queue::open(&order.path)?;
    let actor = |number| Actor::new(queue.clone(), Arc::new(SystemClock), recorder.clone(), number);
    let chance = Rng::with_seed(order.seed);
    match order.role {
        Role::Enqueue { tasks } => {
            let mut actor = actor(order.proc);
            (0..tasks).try_for_each(|_| actor.enqueue(&Job::default()).map(drop))
        }
        Role::Hold => hold(&mut actor(order.proc), order.lease),
        Role::Produce => produce(&mut actor(order.proc), chance, &until_stopped()),
        Role::Work => work(&mut actor(order.proc), chance, order.lease, &until_stopped()),
        Role::Everything => {
            let stopped = until_stopped();
            let mut producer = actor(order.proc);
            let mut worker = actor(order.proc + 1);
            let other = Rng::with_seed(order.seed.wrapping_add(1));
            thread::scope(|scope| {
                let produced = scope.spawn(|| produce(&mut producer, chance, &stopped));
                work(&mut worker, other, order.lease, &stopped)?;
                let panicked = |_| Error::Log(io::Error::other("the producer panicked"));
                produced.join().map_err(panicked)?
            })
        }
        Role::Pools { .. } => pools::serve(order, &recorder, &until_stopped()),
        Role::DieOfPoison { workers } => run_pool(&queue, workers, order.lease),
        Role::Lock => Ok(()),
    }
}

/// True once standard input has ended.
fn until_stopped() -> Arc<AtomicBool> {
    let stopped = Arc::<AtomicBool>::default();
    let ended = stopped.clone();
    thread::spawn(move || {
        for line in io::stdin().lines() {
            if line.is_err() {
                break;
            }
        }
        ended.store(true, Ordering::Relaxed);
    });
    stopped
}

fn produce(actor: &mut Actor<Queue>, mut chance: Rng, stopped: &AtomicBool) -> Result<()> {
    while !stopped.load(Ordering::Relaxed) {
        tolerate(actor.enqueue(&job(&mut chance)))?;
    }
    Ok(())
}

/// A task of some kind.
pub(crate) fn job(chance: &mut Rng) -> Job {
    Job {
        delay: Duration::from_millis(if chance.u8(..8) == 0 { chance.u64(1..50) } else { 0 }),
        max_attempts: 20,
        payload_bytes: if chance.u8(..16) == 0 { 5000 } else { 32 },
        ..Job::default()
    }
}

fn work(
    actor: &mut Actor<Queue>,
    mut chance: Rng,
    lease: Duration,
    stopped: &AtomicBool,
) -> Result<()> {
    while !stopped.load(Ordering::Relaxed) {
        if !claim_and_settle(actor, &mut chance, lease)? {
            thread::sleep(REST);
        }
    }
    Ok(())
}

/// Claims a few tasks and ends each in some way; `false` if there was none.
pub(crate) fn claim_and_settle(
    actor: &mut Actor<Queue>,
    chance: &mut Rng,
    lease: Duration,
) -> Result<bool> {
    let take = Take { max: chance.usize(1..6), lease, ..Take::default() };
    let leases = tolerate(actor.claim(&take))?.unwrap_or_default();
    for held in &leases {
        tolerate(settle(actor, held, lease, chance))?;
    }
    Ok(!leases.is_empty())
}

/// Ends an attempt in some way, or leaves it to its lease.
fn settle(actor: &mut Actor<Queue>, held: &Lease, lease: Duration, chance: &mut Rng) -> Result<()> {
    match chance.u8(..20) {
        0 => Ok(()),
        1 => actor.fail(held, None).map(drop),
        2 => actor.fail(held, Some(Duration::from_millis(chance.u64(0..30)))).map(drop),
        3 => actor.release(held),
        4 => actor.extend(held, lease).and_then(|_| actor.complete(held)),
        _ => actor.complete(held),
    }
}

/// The answers a sound queue may give where many use it at once.
pub(crate) fn tolerate<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Queue(error)) if error.is_lease_lost() || error.is_busy() => Ok(None),
        Err(error) => Err(error),
    }
}

fn hold(actor: &mut Actor<Queue>, lease: Duration) -> Result<()> {
    let take = Take { lease, ..Take::default() };
    let held = loop {
        if let Some(held) = actor.claim(&take)?.pop() {
            break held;
        }
        thread::sleep(REST);
    };
    wait_for_line()?;
    tolerate(actor.extend(&held, lease))?;
    tolerate(actor.release(&held))?;
    tolerate(actor.fail(&held, Some(Duration::ZERO)))?;
    tolerate(actor.complete(&held)).map(drop)
}

fn wait_for_line() -> Result<()> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map(drop).map_err(Error::Log)
}

fn hold_lock(order: &Order) -> Result<()> {
    let failed = |source| Error::Look { path: order.path.clone(), source };
    let connection = Connection::open(&order.path).map_err(failed)?;
    connection
        .execute_batch("BEGIN IMMEDIATE; UPDATE file SET next_id = next_id + 1000")
        .map_err(failed)?;
    // Ends with the transaction open, as a killed writer does.
    wait_for_line()
}

fn run_pool(queue: &Queue, workers: usize, lease: Duration) -> Result<()> {
    let pool = WorkerPool::builder(queue)
        .workers(workers)
        .lease(lease)
        .handler("job", |task| {
            if task.payload().len() == POISON_BYTES {
                abort();
            }
            Ok(())
        })
        .start()?;
    wait_for_line()?;
    pool.shutdown(Duration::from_secs(10));
    Ok(())
}
