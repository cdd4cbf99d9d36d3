//! Asynchronous handlers: two hundred requests at once on the threads of one runtime, and a shutdown that is awaited.

use std::time::Duration;

use prismq::{CancelReason, Context, Queue, Task, TaskError, TaskResult, WorkerPool};
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize, Deserialize)]
#[task(timeout = "30s", max_attempts = 3)]
struct Fetch {
    page: u32,
}

/// What the handlers share, in place of an HTTP client.
struct Client;

impl Client {
    async fn get(&self, _page: u32) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn fetch(task: Fetch, cx: Context<Client>) -> TaskResult {
    tokio::select! {
        () = cx.state().get(task.page) => Ok(()),
        reason = cx.until_cancelled() => Err(match reason {
            CancelReason::Shutdown => TaskError::snooze(Duration::ZERO), // counts no attempt
            reason => TaskError::new(format!("stopped: {reason:?}")),
        }),
    }
}

// Not private, as a test calls it.
#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let queue = Queue::open(folder.path().join("pages.db"))?;
    queue.enqueue_all_async((0..1000).map(|page| Fetch { page })).await?; // durable when it resolves

    let builder = WorkerPool::builder(&queue).workers(200).state(Client).handle_async(fetch);
    let report = builder.run_until_empty_async().await?; // a service awaits `.run(tokio::signal::ctrl_c())`
    println!("{} fetched", report.stats.completed);
    assert_eq!(report.stats.completed, 1000);
    Ok(())
}
