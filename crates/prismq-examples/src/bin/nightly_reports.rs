//! Nightly reports: each night one task makes a call to an API for every customer, at most ten calls a second over all
//! processes. Start it as often as you like on the same file.
//!
//! Usage: `nightly_reports DATABASE [now]`; `now` runs tonight's reports at once.

use std::time::Duration;

use prismq::{Context, Limit, Missed, Queue, Schedule, Task, TaskResult, WorkerPool};
use serde::{Deserialize, Serialize};
use tokio::signal::unix;

#[derive(Task, Serialize, Deserialize)]
struct Nightly;

#[derive(Task, Serialize, Deserialize)]
#[task(max_attempts = 6, backoff = "1s..1m", limit = "api")]
struct Call {
    customer: u32,
}

async fn nightly(_: Nightly, context: Context<Queue>) -> TaskResult {
    let calls = (0..20).map(|customer| Call { customer });
    Ok(context.state().enqueue_all_async(calls).await.map(drop)?)
}

async fn call(call: Call, _context: Context<Queue>) -> TaskResult {
    println!("report of customer {}", call.customer);
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let queue = Queue::open(std::env::args().nth(1).unwrap_or_else(|| "jobs.db".to_owned()))?;
    queue.set_limit("api", Limit::rate(10, Duration::from_secs(1)))?; // kept in the file
    let tonight = Schedule::cron("nightly", "30 2 * * *", Nightly);
    queue.schedules().set(&tonight.time_zone("Europe/Berlin").missed(Missed::Once).no_overlap())?;
    if std::env::args().nth(2).is_some() {
        queue.schedules().run_now("nightly")?;
    }
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    let pool =
        WorkerPool::builder(&queue).state(queue.clone()).handle_async(nightly).handle_async(call);
    println!("ready");
    println!("{:?}", pool.run(async move { _ = terminate.recv().await }).await?);
    Ok(())
}
