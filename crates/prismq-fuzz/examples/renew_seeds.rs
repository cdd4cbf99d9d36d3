//! Writes the seeds of the `database` target again, as is needed once the schema has changed:
//!
//!     cargo run --manifest-path crates/prismq-fuzz/Cargo.toml --example renew_seeds

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use prismq::{Claim, NewTask, Order, Queue, TaskError};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/database");
    renew(&folder.join("empty-queue.db"), |_| Ok(()))?;
    renew(&folder.join("some-tasks.db"), some_tasks)
}

/// Closing the last handle leaves one file, without a WAL.
fn renew(
    path: &Path,
    fill: impl FnOnce(&Queue) -> prismq::Result<()>,
) -> Result<(), Box<dyn Error>> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    fill(&Queue::open(path)?)?;
    Ok(())
}

/// Tasks in every state, a suspect among them, with payloads inline and out of line, and a completed one that is kept.
fn some_tasks(queue: &Queue) -> prismq::Result<()> {
    queue.set_history("default", 10)?;
    queue.set_order("other", Order::WeightedRandom)?;
    queue.enqueue(NewTask::new("suspect", *b"suspect"))?;
    let brief = Claim::new(["suspect"]).lease(Duration::from_secs(1));
    queue.claim(&brief)?;
    std::thread::sleep(Duration::from_secs(2));
    queue.enqueue_all(
        ["kept", "dead", "leased"].map(|payload| NewTask::new("job", payload.as_bytes())),
    )?;
    let claim = Claim::new(["job"]).lease(Duration::from_secs(3600));
    let leases = queue.claim(&claim.max(3))?;
    if let [kept, dead, ..] = leases.as_slice() {
        queue.complete(kept)?;
        queue.fail(dead, TaskError::permanent("no such address"))?;
    }
    queue.enqueue(NewTask::new("job", *b"ready").requires(["gpu"]))?;
    queue.enqueue(NewTask::new("large", vec![b'x'; 9_000]).queue("other"))?;
    queue.enqueue(NewTask::new("job", *b"scheduled").delay(Duration::from_secs(3600)))?;
    Ok(())
}
