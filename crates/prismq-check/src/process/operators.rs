//! The role of a process that uses the whole queue: unique tasks, tasks with a time to live, schedules, and what operators
//! do to tasks.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use prismq::{Queue, TaskId};

use super::roles::{REST, claim_and_settle, job, tolerate};
use crate::client::{Client, EnqueueRequest};
use crate::conformance::Hold;
use crate::error::{Error, Result};

/// The type of tasks that are deleted now and then.
pub(super) const SCRAP: &str = "scrap";
/// The types of tasks that schedules enqueue.
pub(super) const TICKS: [&str; 3] = ["tick 0", "tick 1", "tick 2"];
/// How far the slots of a schedule are apart.
const INTERVAL: Duration = Duration::from_secs(1);
/// Tasks among which one to be cancelled is chosen.
const RECENT: usize = 100;

/// Tasks that were added, by key and id.
type Recent = Mutex<VecDeque<(u64, TaskId)>>;

/// Enqueues by one client and operates by another; a third works, if it is there.
pub(super) fn run(
    (producer, operator): (Client<Queue>, Client<Queue>),
    worker: Option<Client<Queue>>,
    lease: Duration,
    mut rng: Rng,
    stopped: &AtomicBool,
) -> Result<()> {
    let recent = Recent::default();
    let (of_producer, of_worker) = (rng.fork(), rng.fork());
    thread::scope(|scope| {
        let produces = scope.spawn(|| produce(producer, of_producer, &recent, stopped));
        let works = scope.spawn(|| work(worker, of_worker, lease, stopped));
        let operated = operate(operator, rng, &recent, stopped);
        let panicked = |_| Error::Log(io::Error::other("a client panicked"));
        let produced = produces.join().map_err(panicked)?;
        let worked = works.join().map_err(panicked)?;
        operated.and(produced).and(worked)
    })
}

fn produce(
    mut client: Client<Queue>,
    mut rng: Rng,
    recent: &Recent,
    stopped: &AtomicBool,
) -> Result<()> {
    while !stopped.load(Ordering::Relaxed) {
        let Some((key, added)) = tolerate(client.enqueue(&any_job(&mut rng)))? else { continue };
        if added.is_new() {
            let mut recent = recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.push_back((key, added.id()));
            if recent.len() > RECENT {
                recent.pop_front();
            }
        }
    }
    Ok(())
}

/// A random task of any kind.
fn any_job(rng: &mut Rng) -> EnqueueRequest {
    let plain = job(rng);
    match rng.u8(..10) {
        0..4 => plain,
        4..7 => {
            let number = rng.u8(..6);
            let hold = match number % 3 {
                0 => Hold::WhileWaiting,
                1 => Hold::UntilDone,
                _ => Hold::Period(Duration::from_millis(50)),
            };
            EnqueueRequest { unique: Some((format!("key {number}"), hold)), ..plain }
        }
        7 => {
            let lives = Duration::from_millis(rng.u64(1..200));
            EnqueueRequest { delay: Duration::ZERO, lives: Some(lives), ..plain }
        }
        _ => EnqueueRequest { task_type: SCRAP.to_owned(), ..plain },
    }
}

fn work(
    client: Option<Client<Queue>>,
    mut rng: Rng,
    lease: Duration,
    stopped: &AtomicBool,
) -> Result<()> {
    let Some(mut client) = client else { return Ok(()) };
    let types: Vec<&str> = ["job", SCRAP].into_iter().chain(TICKS).collect();
    while !stopped.load(Ordering::Relaxed) {
        if !claim_and_settle(&mut client, &mut rng, lease, &types)? {
            thread::sleep(REST);
        }
    }
    Ok(())
}

fn operate(
    mut client: Client<Queue>,
    mut rng: Rng,
    recent: &Recent,
    stopped: &AtomicBool,
) -> Result<()> {
    // Every process sets them as it starts, as an application does.
    for tick in TICKS {
        tolerate(client.set_schedule(tick, INTERVAL))?;
    }
    while !stopped.load(Ordering::Relaxed) {
        match rng.u8(..16) {
            0 => drop(tolerate(client.redrive("job"))?),
            1 => drop(tolerate(client.delete(SCRAP))?),
            2 => drop(tolerate(client.set_schedule(TICKS[0], INTERVAL))?),
            _ => {
                let of = recent.lock().unwrap_or_else(PoisonError::into_inner);
                let chosen = rng.choice(of.iter()).copied();
                drop(of);
                if let Some((key, id)) = chosen {
                    tolerate(client.cancel(key, id))?;
                }
            }
        }
        thread::sleep(Duration::from_micros(rng.u64(..5_000)));
    }
    Ok(())
}
