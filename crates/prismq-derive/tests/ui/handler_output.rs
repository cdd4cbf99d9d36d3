//! A handler that returns another type than its task says.

use prismq::{Context, Queue, Task, TaskResult, WorkerPool};
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize, Deserialize)]
#[task(output = u64)]
struct Count;

fn count(_: Count, _: Context) -> TaskResult<String> {
    Ok(String::new())
}

fn pool(queue: &Queue) {
    WorkerPool::builder(queue).handle(count);
}

fn main() {}
