//! The smallest program: a typed task, its handler, and a pool that ends once there is nothing left to do.

use prismq::{Queue, Task, WorkerPool};
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize, Deserialize)]
struct Hello {
    name: String,
}

// Not private, as a test calls it.
pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let queue = Queue::open(folder.path().join("hello.db"))?;
    queue.enqueue(Hello { name: "world".to_owned() })?; // durable when it returns
    let report = WorkerPool::builder(&queue)
        .handle(|hello: Hello, _cx| {
            println!("hello, {}", hello.name);
            Ok(())
        })
        .run_until_empty()?;
    println!("{} greeted", report.stats.completed);
    Ok(())
}
