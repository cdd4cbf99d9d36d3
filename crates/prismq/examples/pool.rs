//! Enqueues some mails and lets four workers send them.

use std::time::Duration;

use prismq::{NewTask, Queue, TaskError, WorkerPool};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join("prismq-example");
    std::fs::create_dir_all(&folder)?;
    let queue = Queue::open(folder.join("queue.db"))?;
    for number in 1..=10 {
        queue.enqueue(NewTask::new("mail", format!("mail number {number}").into_bytes()))?;
    }

    let pool = WorkerPool::builder(&queue)
        .workers(4)
        .handler("mail", |task| {
            let text = std::str::from_utf8(task.payload()).map_err(TaskError::from)?;
            println!("worker {} sends {text}", task.worker());
            Ok(())
        })
        .start()?;
    while queue.stats("default")?.ready > 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let report = pool.shutdown(Duration::from_secs(5));
    println!("{} mails sent, {} to be tried again", report.stats.completed, report.stats.retried);
    Ok(())
}
