//! A report every night, whichever process is up: start this program as often as you like, on the same file.
//!
//! `cargo run --example periodic --features cron -- reports.db`, and `run-now` after it for a report at once.

#![allow(clippy::needless_pass_by_value, reason = "a handler takes its context by value")]
#![allow(dead_code, reason = "a test calls all of it but main")]

use std::time::Duration;

use prismq::{Context, Missed, Queue, Schedule, Task, TaskResult, WorkerPool};
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize, Deserialize)]
#[task(max_attempts = 6, backoff = "1s..5m")]
struct Report {}

fn report(_: Report, cx: Context<fn(String)>) -> TaskResult {
    let night = cx.scheduled_for().ok_or("not enqueued by the schedule")?;
    cx.state()(format!("report of the night of {night}"));
    Ok(())
}

// Not private, as a test calls it.
pub(crate) fn serve(queue: &Queue, print: fn(String)) -> prismq::Result<WorkerPool> {
    let nightly = Schedule::cron("nightly", "30 2 * * *", Report {})
        .time_zone("Europe/Berlin")
        .missed(Missed::Once)
        .no_overlap();
    queue.schedules().set(&nightly)?;
    WorkerPool::builder(queue).state(print).handle(report).start()
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let queue = Queue::open(arguments.first().map_or("reports.db", String::as_str))?;
    let pool = serve(&queue, |line| println!("{line}"))?;
    for schedule in queue.schedules().list()? {
        println!("{} {}: {:?}", schedule.name, schedule.time_zone, schedule.next_runs(5)?);
    }
    if arguments.iter().any(|argument| argument == "run-now") {
        queue.schedules().run_now("nightly")?;
    }
    while !pool.wait(Duration::from_secs(3600)) {}
    Ok(())
}
