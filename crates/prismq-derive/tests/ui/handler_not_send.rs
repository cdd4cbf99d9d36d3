//! A handler that cannot be sent to a worker.

use std::rc::Rc;

use prismq::{Queue, Task, WorkerPool};
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize, Deserialize)]
#[task(output = u64)]
struct Count;

fn pool(queue: &Queue) {
    WorkerPool::builder(queue)
        .handle({
            let shared = Rc::new(1);
            move |_: Count, _| Ok(*shared)
        });
}

fn main() {}
