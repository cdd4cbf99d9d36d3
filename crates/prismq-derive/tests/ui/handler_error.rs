//! A handler with an error of its own, which `?` would convert.

use prismq::{Queue, Task, WorkerPool};
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize, Deserialize)]
#[task(output = u64)]
struct Count;

fn pool(queue: &Queue) {
    WorkerPool::builder(queue).handle(|_: Count, _| "5".parse::<u64>());
}

fn main() {}
