//! The role of a process that runs pools.

use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::process::abort;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use prismq::{CancelReason, Context, Outcome, Queue, RetryPolicy, SystemClock};

use super::roles::{POISON_BYTES, REST, TYPES, tolerate};
use super::spec::{Listener, ProcessSpec, Role};
use crate::client::{Client, EnqueueRequest};
use crate::error::{Error, Result};
use crate::history::Recorder;
use crate::pool::{HandlerEnd, Pool, PoolSettings, Served};

/// The type whose handlers have a time limit.
const LIMITED: &str = "limited";
/// Less than some of them take.
const LIMIT: Duration = Duration::from_millis(40);
/// Longer than any handler takes.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn serve(spec: &ProcessSpec, recorder: &Recorder, stopped: &AtomicBool) -> Result<()> {
    let Role::Pools { workers, restarts, listener, produces, queues } = spec.role else {
        return Ok(());
    };
    let retry = RetryPolicy::fixed(Duration::from_millis(20));
    let queue = Queue::builder(&spec.path).retry(retry).open()?;
    let mut rng = Rng::with_seed(spec.seed);
    let rng_of_pools = rng.fork();
    let mut producer =
        Client::new(queue.clone(), Arc::new(SystemClock), recorder.clone(), spec.client_id);
    let serve = PoolSettings {
        queues,
        types: TYPES
            .iter()
            .map(|name| ((*name).to_owned(), (*name == LIMITED).then_some(LIMIT)))
            .collect(),
        workers,
        lease: spec.lease,
        reads_leases: true,
    };
    let work = || {
        let mut rng = rng_of_pools;
        let mut client_id = spec.client_id;
        while !stopped.load(Ordering::Relaxed) {
            client_id += 1;
            let pool = start(&queue, &spec.path, (recorder.clone(), client_id), &serve, listener)?;
            let until = restarts.then(|| Instant::now() + Duration::from_millis(rng.u64(20..300)));
            while !stopped.load(Ordering::Relaxed)
                && until.is_none_or(|until| Instant::now() < until)
            {
                thread::sleep(REST);
            }
            let last = stopped.load(Ordering::Relaxed);
            let soon = Duration::from_millis(rng.u64(0..30));
            pool.shutdown(if last || rng.bool() { PATIENCE } else { soon })?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let works = scope.spawn(work);
        while produces && !stopped.load(Ordering::Relaxed) && !works.is_finished() {
            tolerate(producer.enqueue(&job(&mut rng, queues)))?;
            thread::sleep(Duration::from_micros(rng.u64(0..1000)));
        }
        works.join().map_err(|_| Error::Log(io::Error::other("a pool's owner panicked")))?
    })
}

fn start(
    queue: &Queue,
    path: &Path,
    recorded: (Recorder, u32),
    serve: &PoolSettings,
    listener: Listener,
) -> Result<Pool> {
    let calls = AtomicU64::new(0);
    let listen = move |_: Outcome| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        match listener {
            Listener::Slow => thread::sleep(Duration::from_millis(1)),
            // Without the hook, which would print it.
            Listener::Panicking if call % 7 == 3 => resume_unwind(Box::new("panicked")),
            Listener::Plain | Listener::Panicking => {}
        }
    };
    Pool::start(queue, path, Arc::new(SystemClock), recorded, serve, handle, listen)
}

/// A random task for pools, in one of the queues that they serve.
fn job(rng: &mut Rng, queues: Served) -> EnqueueRequest {
    let task_type = if rng.u8(..8) == 0 { LIMITED } else { "job" };
    let job = EnqueueRequest { task_type: task_type.to_owned(), ..super::roles::job(rng) };
    match queues {
        Served::InOrder | Served::ByShare if rng.u8(..3) == 0 => {
            EnqueueRequest { queue: Served::SECOND.to_owned(), ..job }
        }
        _ => job,
    }
}

/// Does what a task's payload or the generator says.
fn handle(payload: &[u8], task: &Context) -> HandlerEnd {
    let mut rng =
        Rng::with_seed(task.id().as_i64().unsigned_abs() ^ u64::from(task.attempt()) << 40);
    match payload.len() {
        POISON_BYTES => abort(),
        bytes @ 100..=600 => {
            thread::sleep(Duration::from_millis(bytes as u64 - 100));
            HandlerEnd::Success
        }
        _ if task.task_type() == LIMITED => limited(task, &mut rng),
        _ => {
            match rng.u8(..20) {
                0..10 => {}
                10..18 => thread::sleep(Duration::from_millis(1)),
                _ => thread::sleep(Duration::from_millis(rng.u64(50..100))),
            }
            end(&mut rng)
        }
    }
}

/// Ends in time, when it is notified of its limit, or only later.
fn limited(task: &Context, rng: &mut Rng) -> HandlerEnd {
    match rng.u8(..4) {
        0 | 1 => end(rng),
        2 => {
            let stops = |reason| reason != CancelReason::Shutdown;
            while !task.cancelled().is_some_and(stops) {
                thread::sleep(REST);
            }
            HandlerEnd::Retry(Duration::ZERO)
        }
        _ => {
            thread::sleep(LIMIT * 3);
            end(rng)
        }
    }
}

fn end(rng: &mut Rng) -> HandlerEnd {
    match rng.u8(..25) {
        0 => HandlerEnd::Permanent,
        1 | 2 => HandlerEnd::Retry(Duration::from_millis(rng.u64(0..30))),
        3 => HandlerEnd::Panic,
        _ => HandlerEnd::Success,
    }
}
