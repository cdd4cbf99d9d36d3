//! An operator's morning: why did tasks fail last night, and put those back that the outage killed, gently.

use std::path::Path;
use std::time::Duration;

use prismq::{Queue, Redrive, Task, TaskError, WorkerPool};
use serde::{Deserialize, Serialize};

#[derive(Task, Serialize, Deserialize)]
struct Invoice {
    order: u32,
}

/// Shows what killed tasks in the last twelve hours, makes a backup, and puts the refused invoices back, 100 a second.
fn after_the_night(queue: &Queue, backup: &Path) -> prismq::Result<u64> {
    let dead = queue.tasks().dead().newer_than(Duration::from_secs(12 * 60 * 60));
    for group in dead.errors()?.groups {
        println!("{:4} x {} [{}]", group.count, group.error, group.fingerprint);
    }
    println!("{} bytes backed up", queue.backup(backup)?.bytes);
    let refused = dead.of::<Invoice>().error_contains("connection refused");
    refused.redrive_with(Redrive::new().rate(100, Duration::from_secs(1)))
}

/// The night, then the morning. Not private, as a test calls it.
pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let queue = Queue::open(folder.path().join("shop.db"))?;
    for order in 0..50 {
        queue.enqueue(Invoice { order })?;
    }
    let down = |invoice: Invoice, _| match invoice.order {
        7 => Err(TaskError::permanent("order 7 has no address")),
        order => Err(TaskError::permanent(format!("to 10.0.0.{order}: connection refused"))),
    };
    WorkerPool::builder(&queue).handle(down).run_until_empty()?;

    let redriven = after_the_night(&queue, &folder.path().join("backup.db"))?;
    println!("{redriven} put back, {} still dead", queue.tasks().dead().count()?);
    assert_eq!((redriven, queue.tasks().dead().count()?), (49, 1));
    Ok(())
}
