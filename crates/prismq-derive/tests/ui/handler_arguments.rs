//! A handler without a context.

use prismq::{Queue, Task, TaskResult, WorkerPool};
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize, Deserialize)]
#[task(output = u64)]
struct Count;

fn count(_: Count) -> TaskResult<u64> {
    Ok(1)
}

fn pool(queue: &Queue) {
    WorkerPool::builder(queue).handle(count);
}

fn main() {}
