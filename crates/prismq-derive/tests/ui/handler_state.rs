//! A handler that shares another state than its pool.

use prismq::{Context, Queue, Task, TaskResult, WorkerPool};
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize, Deserialize)]
#[task(output = u64)]
struct Count;

struct Mailer;

fn count(_: Count, _: Context<Mailer>) -> TaskResult<u64> {
    Ok(1)
}

fn pool(queue: &Queue) {
    WorkerPool::builder(queue).handle(count);
}

fn main() {}
