//! Two processes call an API under limits that hold over both: at most two calls at once, twenty a second, and those of
//! each account one at a time and in order.
//!
//! Without an argument it is the first, which sets the limits, enqueues, starts the second, and waits for the end.

#![allow(dead_code, reason = "a test calls all of it but main")]

use std::error::Error;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use prismq::{Limit, NewTask, Queue, WorkerPool};

const SECOND: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(file) = std::env::args().nth(1) {
        return work("the second", Path::new(&file));
    }
    let folder = tempfile::tempdir()?;
    let mut second: Option<Child> = None;
    first(folder.path(), |file| {
        second = Some(Command::new(std::env::current_exe()?).arg(file).spawn()?);
        Ok(())
    })?;
    match second.map(|mut second| second.wait()).transpose()? {
        Some(ended) if !ended.success() => Err(format!("the second process: {ended}").into()),
        _ => Ok(()),
    }
}

/// What the first process does.
pub(crate) fn first(
    folder: &Path,
    start_second: impl FnOnce(&Path) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let file = folder.join("queue.db");
    enqueue(&Queue::open(&file)?)?;
    start_second(&file)?;
    work("the first", &file)
}

fn enqueue(queue: &Queue) -> Result<(), Box<dyn Error>> {
    queue.set_limit("api", Limit::rate(20, SECOND).burst(5).and(Limit::concurrency(2)))?;
    for number in 0..20 {
        let account = format!("account {}", number % 3);
        let call = NewTask::new("call", format!("call {number} of {account}").into_bytes());
        queue.enqueue(call.limit("api").key(account).ordered())?;
    }
    Ok(())
}

/// Calls until none is left: what both processes do.
pub(crate) fn work(who: &'static str, file: &Path) -> Result<(), Box<dyn Error>> {
    let queue = Queue::open(file)?;
    let pool = WorkerPool::builder(&queue)
        .workers(4)
        .handle_bytes("call", move |payload, _| {
            println!("{who} makes {}", std::str::from_utf8(&payload)?);
            std::thread::sleep(Duration::from_millis(20));
            Ok(())
        })
        .start()?;
    while queue.stats("default")?.completed < 20 {
        std::thread::sleep(Duration::from_millis(10));
    }
    pool.shutdown(5 * SECOND);
    Ok(())
}
