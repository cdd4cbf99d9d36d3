//! rustqueue 0.3: jobs in a file of redb, each change of which is a synced transaction; the application's workers pull one
//! job after the other.

mod crew;
mod format;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use prismq_driver::message::{
    About, Can, Census, Class, Durability, Library as Name, Open, Opened, Redelivery,
    RedeliveryKind, Settle, Store,
};
use prismq_driver::sdk::{Handler, Library, Pool, Queue, Refused, Task, drive};
use rustqueue::{BackoffStrategy, JobOptions, RustQueue};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

const QUEUE: &str = "driven";
const JOB: &str = "task";
/// Stalled jobs fail too: more attempts than the harness lets fail, and than kills add.
const MAX_ATTEMPTS: u32 = 300;

struct Rust;

struct Jobs {
    queue: RustQueue,
    runtime: Arc<Runtime>,
    heartbeat: Duration,
    retry_ms: u64,
}

impl Library for Rust {
    fn about(&self) -> About {
        About {
            v: prismq_driver::VERSION,
            driver: "rustqueue 1".to_owned(),
            library: Name {
                name: "rustqueue".to_owned(),
                version: "0.3.0".to_owned(),
                licence: "MIT OR Apache-2.0".to_owned(),
            },
            runtime: "Rust, tokio".to_owned(),
            store: Store { name: "redb".to_owned(), version: "2.6".to_owned() },
            settle: Settle::Call,
            redelivery: Redelivery { kind: RedeliveryKind::Heartbeat, within_ms: 0 },
            can: vec![Can::Priority, Can::Retry, Can::Census],
            durability: Durability { default: Class::Synced, strictest: Class::Synced },
        }
    }

    fn open(&self, open: &Open) -> Result<(Arc<dyn Queue>, Opened), Refused> {
        let runtime = Arc::new(Builder::new_multi_thread().enable_all().build()?);
        let path = Path::new(&open.dir).join("rustqueue.redb");
        let lease = Duration::from_millis(open.lease_ms);
        let queue = RustQueue::redb(&path).and_then(|builder| builder.stall_timeout(lease).build());
        let queue = queue.map_err(|error| Refused::failed(format!("{error:#}")))?;
        {
            // What its page on production asks of those who pull: it looks for stalled and delayed jobs every second.
            let _within = runtime.enter();
            queue.start_housekeeping()?;
        }
        let opened = Opened {
            settings: format::settings(&path)?,
            paths: vec![path.display().to_string()],
            ..Opened::default()
        };
        let jobs = Jobs { queue, runtime, heartbeat: lease / 2, retry_ms: open.retry_ms };
        Ok((Arc::new(jobs), opened))
    }
}

impl Queue for Jobs {
    fn enqueue(&self, tasks: &[Task]) -> Result<(), Refused> {
        for task in tasks {
            let options = JobOptions {
                priority: Some(-i32::from(task.priority)), // the highest is first
                max_attempts: Some(MAX_ATTEMPTS),
                backoff: Some(BackoffStrategy::Fixed),
                backoff_delay_ms: Some(self.retry_ms),
                ..JobOptions::default()
            };
            let payload = Value::String(task.payload.clone());
            self.runtime.block_on(self.queue.push(QUEUE, JOB, payload, Some(options)))?;
        }
        Ok(())
    }

    fn start(&self, workers: usize, handler: &Handler) -> Result<Box<dyn Pool>, Refused> {
        let crew = crew::Crew::start(&self.runtime, &self.queue, workers, self.heartbeat, handler);
        Ok(Box::new(crew))
    }

    fn census(&self) -> Result<Census, Refused> {
        let counts = self.runtime.block_on(self.queue.get_queue_stats(QUEUE))?;
        Ok(Census {
            ready: Some(counts.waiting),
            scheduled: Some(counts.delayed),
            running: Some(counts.active),
            dead: Some(counts.dlq),
        })
    }
}

fn main() -> ExitCode {
    drive(&Rust)
}
