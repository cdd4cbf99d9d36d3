//! What a process does that runs pools.

use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::process::abort;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use prismq::{Outcome, Queue, RetryPolicy, SystemClock, TaskContext};

use super::roles::{POISON_BYTES, REST, tolerate};
use super::spec::{Listener, Order, Role};
use crate::client::{Actor, Job};
use crate::error::{Error, Result};
use crate::history::Recorder;
use crate::pool::{End, Pool, Serve};

/// The type whose handlers have a time limit.
const LIMITED: &str = "limited";
/// Less than some of them take.
const LIMIT: Duration = Duration::from_millis(40);
/// Long enough for every handler to end.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn serve(order: &Order, recorder: &Recorder, stopped: &AtomicBool) -> Result<()> {
    let Role::Pools { workers, restarts, listener, produces } = order.role else {
        return Ok(());
    };
    let retry = RetryPolicy::fixed(Duration::from_millis(20));
    let queue = Queue::builder(&order.path).retry(retry).open()?;
    let mut chance = Rng::with_seed(order.seed);
    let chance_of_pools = chance.fork();
    let mut producer =
        Actor::new(queue.clone(), Arc::new(SystemClock), recorder.clone(), order.proc);
    let serve = Serve {
        queue: "default".to_owned(),
        types: vec![("job".to_owned(), None), (LIMITED.to_owned(), Some(LIMIT))],
        workers,
        lease: order.lease,
        sees_leases: true,
    };
    let work = || {
        let mut chance = chance_of_pools;
        let mut proc = order.proc;
        while !stopped.load(Ordering::Relaxed) {
            proc += 1;
            let pool = start(&queue, &order.path, (recorder.clone(), proc), &serve, listener)?;
            let until =
                restarts.then(|| Instant::now() + Duration::from_millis(chance.u64(20..300)));
            while !stopped.load(Ordering::Relaxed)
                && until.is_none_or(|until| Instant::now() < until)
            {
                thread::sleep(REST);
            }
            let last = stopped.load(Ordering::Relaxed);
            let soon = Duration::from_millis(chance.u64(0..30));
            pool.shutdown(if last || chance.bool() { PATIENCE } else { soon })?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let works = scope.spawn(work);
        while produces && !stopped.load(Ordering::Relaxed) && !works.is_finished() {
            tolerate(producer.enqueue(&job(&mut chance)))?;
            thread::sleep(Duration::from_micros(chance.u64(0..1000)));
        }
        works.join().map_err(|_| Error::Log(io::Error::other("a pool's owner panicked")))?
    })
}

fn start(
    queue: &Queue,
    path: &Path,
    recorded: (Recorder, u32),
    serve: &Serve,
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

/// A task of some kind for pools.
fn job(chance: &mut Rng) -> Job {
    let task_type = if chance.u8(..8) == 0 { LIMITED } else { "job" };
    Job { task_type: task_type.to_owned(), ..super::roles::job(chance) }
}

/// Does what a task's payload or chance says.
fn handle(task: &TaskContext<'_>) -> End {
    let mut chance =
        Rng::with_seed(task.id().as_i64().unsigned_abs() ^ u64::from(task.attempt()) << 40);
    match task.payload().len() {
        POISON_BYTES => abort(),
        bytes @ 100..=600 => {
            thread::sleep(Duration::from_millis(bytes as u64 - 100));
            End::Well
        }
        _ if task.task_type() == LIMITED => limited(task, &mut chance),
        _ => {
            match chance.u8(..20) {
                0..10 => {}
                10..18 => thread::sleep(Duration::from_millis(1)),
                _ => thread::sleep(Duration::from_millis(chance.u64(50..100))),
            }
            end(&mut chance)
        }
    }
}

/// Ends in time, when it is notified, or not even then.
fn limited(task: &TaskContext<'_>, chance: &mut Rng) -> End {
    match chance.u8(..4) {
        0 | 1 => end(chance),
        2 => {
            while !task.should_stop() {
                thread::sleep(REST);
            }
            End::Badly(Duration::ZERO)
        }
        _ => {
            thread::sleep(LIMIT * 3);
            end(chance)
        }
    }
}

fn end(chance: &mut Rng) -> End {
    match chance.u8(..25) {
        0 => End::ForGood,
        1 | 2 => End::Badly(Duration::from_millis(chance.u64(0..30))),
        3 => End::Panic,
        _ => End::Well,
    }
}
