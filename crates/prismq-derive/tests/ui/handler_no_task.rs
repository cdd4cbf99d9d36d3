//! A handler of a type that is no task.

use prismq::{Context, Queue, Task, TaskResult, WorkerPool};
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize, Deserialize)]
#[task(output = u64)]
struct Count;

struct NoTask;

fn count(_: NoTask, _: Context) -> TaskResult {
    Ok(())
}

fn pool(queue: &Queue) {
    WorkerPool::builder(queue).handle(count);
}

fn main() {}
