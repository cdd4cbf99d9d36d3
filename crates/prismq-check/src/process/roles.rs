//! What a process does in each role.

use std::io::{self, BufRead};
use std::process::abort;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use prismq::{Lease, Queue, SystemClock, WorkerPool};
use rusqlite::Connection;

use super::spec::{ProcessSpec, Role};
use super::{deposits, operators, pools};
use crate::client::{ClaimRequest, Client, EnqueueRequest};
use crate::error::{Error, Result};
use crate::history::Recorder;

/// How long a worker pauses that found no task.
pub(crate) const REST: Duration = Duration::from_millis(1);
/// The types of tasks with keys.
pub const KEYED_TYPES: [&str; 4] = ["key 0", "key 1", "key 2", "key 3"];
/// The types of all other tasks of these processes.
pub const TYPES: [&str; 6] = [
    "job",
    "limited",
    operators::SCRAP,
    operators::TICKS[0],
    operators::TICKS[1],
    operators::TICKS[2],
];
/// The length of a payload that kills the process that runs it.
pub(super) const POISON_BYTES: usize = 666;

/// Plays the role of this process, recording to standard output, until it is done or standard input ends.
///
/// # Errors
/// Any error that keeps the role from being played.
pub fn run_process(spec: &ProcessSpec) -> Result<()> {
    let recorder = Recorder::to_lines(io::stdout());
    if spec.role == Role::Lock {
        return hold_lock(spec);
    }
    let queue = Queue::open(&spec.path)?;
    let client =
        |number| Client::new(queue.clone(), Arc::new(SystemClock), recorder.clone(), number);
    let rng = Rng::with_seed(spec.seed);
    match spec.role {
        Role::Enqueue { tasks } => {
            let mut client = client(spec.client_id);
            (0..tasks).try_for_each(|_| client.enqueue(&EnqueueRequest::default()).map(drop))
        }
        Role::Hold => hold(&mut client(spec.client_id), spec.lease),
        Role::Produce => produce(&mut client(spec.client_id), rng, &until_stopped(), job),
        Role::Work => {
            work(&mut client(spec.client_id), rng, spec.lease, &until_stopped(), &["job"])
        }
        Role::ProduceAndWork | Role::ProduceAndWorkKeyed => {
            let stopped = until_stopped();
            let mut producer = client(spec.client_id);
            let mut worker = client(spec.client_id + 1);
            let other = Rng::with_seed(spec.seed.wrapping_add(1));
            let keyed = spec.role == Role::ProduceAndWorkKeyed;
            let types: &[&str] = if keyed { &KEYED_TYPES } else { &["job"] };
            let job = if keyed { keyed_job } else { job };
            thread::scope(|scope| {
                let produced = scope.spawn(|| produce(&mut producer, rng, &stopped, job));
                work(&mut worker, other, spec.lease, &stopped, types)?;
                let panicked = |_| Error::Log(io::Error::other("the producer panicked"));
                produced.join().map_err(panicked)?
            })
        }
        Role::Operate { works } => {
            let both = (client(spec.client_id), client(spec.client_id + 1));
            let worker = works.then(|| client(spec.client_id + 2));
            operators::run(both, worker, spec.lease, rng, &until_stopped())
        }
        Role::Pools { .. } => pools::serve(spec, &recorder, &until_stopped()),
        Role::Deposits { workers } => {
            deposits::run(&queue, workers, spec.lease, rng, &until_stopped())
        }
        Role::PlainPool { workers } => run_pool(&queue, workers, spec.lease),
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

fn produce(
    client: &mut Client<Queue>,
    mut rng: Rng,
    stopped: &AtomicBool,
    job: impl Fn(&mut Rng) -> EnqueueRequest,
) -> Result<()> {
    while !stopped.load(Ordering::Relaxed) {
        tolerate(client.enqueue(&job(&mut rng)))?;
    }
    Ok(())
}

/// A random task.
pub(crate) fn job(rng: &mut Rng) -> EnqueueRequest {
    EnqueueRequest {
        delay: Duration::from_millis(if rng.u8(..8) == 0 { rng.u64(1..50) } else { 0 }),
        max_attempts: 20,
        payload_bytes: if rng.u8(..16) == 0 { 5000 } else { 32 },
        ..EnqueueRequest::default()
    }
}

/// A random task of a random key.
fn keyed_job(rng: &mut Rng) -> EnqueueRequest {
    let key = rng.usize(..KEYED_TYPES.len());
    let task_type = KEYED_TYPES.get(key).copied().unwrap_or_default();
    let ordered = key % 2 == 1;
    EnqueueRequest {
        task_type: task_type.to_owned(),
        limit: (!ordered).then(|| "each".to_owned()),
        key: Some(task_type.to_owned()),
        ordered,
        ..job(rng)
    }
}

fn work(
    client: &mut Client<Queue>,
    mut rng: Rng,
    lease: Duration,
    stopped: &AtomicBool,
    types: &[&str],
) -> Result<()> {
    while !stopped.load(Ordering::Relaxed) {
        if !claim_and_settle(client, &mut rng, lease, types)? {
            thread::sleep(REST);
        }
    }
    Ok(())
}

/// Claims a few tasks and ends each in a random way; `false` if there was none.
pub(crate) fn claim_and_settle(
    client: &mut Client<Queue>,
    rng: &mut Rng,
    lease: Duration,
    types: &[&str],
) -> Result<bool> {
    let types = types.iter().map(|name| (*name).to_owned()).collect();
    let take = ClaimRequest { max: rng.usize(1..6), lease, types, ..ClaimRequest::default() };
    let leases = tolerate(client.claim(&take))?.unwrap_or_default();
    for held in &leases {
        tolerate(settle(client, held, lease, rng))?;
    }
    Ok(!leases.is_empty())
}

/// Ends an attempt in a random way, or lets its lease expire.
fn settle(client: &mut Client<Queue>, held: &Lease, lease: Duration, rng: &mut Rng) -> Result<()> {
    match rng.u8(..20) {
        0 => Ok(()),
        1 => client.fail(held, None).map(drop),
        2 => client.fail(held, Some(Duration::from_millis(rng.u64(0..30)))).map(drop),
        3 => client.release(held),
        4 => client.extend(held, lease).and_then(|_| client.complete(held)),
        _ => client.complete(held),
    }
}

/// Accepts the refusals that a sound queue may answer where many use it at once.
pub(crate) fn tolerate<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Queue(error)) if error.is_lease_lost() || error.is_busy() => Ok(None),
        Err(error) => Err(error),
    }
}

fn hold(client: &mut Client<Queue>, lease: Duration) -> Result<()> {
    let take = ClaimRequest { lease, ..ClaimRequest::default() };
    let held = loop {
        if let Some(held) = client.claim(&take)?.pop() {
            break held;
        }
        thread::sleep(REST);
    };
    wait_for_line()?;
    tolerate(client.extend(&held, lease))?;
    tolerate(client.release(&held))?;
    tolerate(client.fail(&held, Some(Duration::ZERO)))?;
    tolerate(client.complete(&held)).map(drop)
}

fn wait_for_line() -> Result<()> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map(drop).map_err(Error::Log)
}

fn hold_lock(spec: &ProcessSpec) -> Result<()> {
    let failed = |source| Error::Audit { path: spec.path.clone(), source };
    let connection = Connection::open(&spec.path).map_err(failed)?;
    connection
        .execute_batch("BEGIN IMMEDIATE; UPDATE prismq_meta SET next_id = next_id + 1000")
        .map_err(failed)?;
    // Ends with the transaction open, as a killed writer does.
    wait_for_line()
}

fn run_pool(queue: &Queue, workers: usize, lease: Duration) -> Result<()> {
    let pool = WorkerPool::builder(queue)
        .workers(workers)
        .lease(lease)
        .handle_bytes("job", |payload, _| {
            if payload.len() == POISON_BYTES {
                abort();
            }
            Ok(())
        })
        .start()?;
    wait_for_line()?;
    pool.shutdown(Duration::from_secs(10));
    Ok(())
}
