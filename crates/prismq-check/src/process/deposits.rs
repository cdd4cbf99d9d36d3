//! The role of a process whose handlers complete their tasks in transactions of their own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use prismq::{NewTask, Queue, WorkerPool};

use crate::error::Result;

/// The type of its tasks.
const DEPOSIT: &str = "deposit";
/// Tasks that wait, beyond which no more are enqueued.
const WAITING_MAX: u64 = 200;
/// How long it waits for some of them to be run.
const PAUSE: Duration = Duration::from_millis(1);

pub(super) fn run(
    queue: &Queue,
    workers: usize,
    lease: Duration,
    mut rng: Rng,
    stopped: &AtomicBool,
) -> Result<()> {
    let pool = WorkerPool::builder(queue)
        .workers(workers)
        .lease(lease)
        .handle_bytes(DEPOSIT, |_, task| {
            task.log("deposits");
            task.complete_in(|tx| {
                tx.execute("UPDATE account SET cents = cents + 1", [])?;
                tx.execute("INSERT INTO deposit VALUES (?1)", [task.id().as_i64()])?;
                tx.enqueue(NewTask::new("receipt", []).queue("receipts"))?;
                Ok(())
            })
        })
        .start()?;
    while !stopped.load(Ordering::Relaxed) {
        if queue.stats("default")?.ready > WAITING_MAX {
            thread::sleep(PAUSE);
            continue;
        }
        let bytes = if rng.u8(..16) == 0 { 5000 } else { 10 };
        queue.enqueue(NewTask::new(DEPOSIT, vec![0; bytes]).max_attempts(1_000))?;
    }
    pool.shutdown(Duration::from_secs(10));
    Ok(())
}
