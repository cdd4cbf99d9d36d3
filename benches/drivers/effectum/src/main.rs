//! effectum 0.7: jobs in SQLite, all written by one thread of the library in batches of up to 50; its worker runs jobs
//! as tasks of the runtime. It has no setting of durability. Retries are not offered: a job that fails counts as a failed
//! attempt of every job (`do_retry_job` of 0.7.0 updates all rows).

mod work;

use std::future::Future;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use effectum::{Job, Worker};
use prismq_driver::message::{
    About, Can, Census, Class, Durability, Library as Name, Open, Opened, Redelivery,
    RedeliveryKind, Settle, Store,
};
use prismq_driver::sdk::{Handler, Library, Pool, Queue, Refused, Task, drive};
use tokio::runtime::{Builder, Runtime};

const CLOSE_BOUND: Duration = Duration::from_secs(2);
const JOB_TYPE: &str = "driven";

struct Effectum;

struct Jobs {
    /// There until it is dropped, which has to be within the runtime.
    queue: Option<effectum::Queue>,
    runtime: Arc<Runtime>,
}

struct Running {
    worker: Worker,
    runtime: Arc<Runtime>,
}

impl Library for Effectum {
    fn about(&self) -> About {
        About {
            v: prismq_driver::VERSION,
            driver: "effectum 1".to_owned(),
            library: Name {
                name: "effectum".to_owned(),
                version: "0.7.0".to_owned(),
                licence: "MIT OR Apache-2.0".to_owned(),
            },
            runtime: "Rust, tokio".to_owned(),
            store: Store { name: "SQLite".to_owned(), version: rusqlite::version().to_owned() },
            settle: Settle::Call,
            redelivery: Redelivery { kind: RedeliveryKind::Restart, within_ms: 0 },
            can: vec![Can::Batch, Can::Priority, Can::Census],
            durability: Durability { default: Class::Synced, strictest: Class::Synced },
        }
    }

    fn open(&self, open: &Open) -> Result<(Arc<dyn Queue>, Opened), Refused> {
        let runtime = Arc::new(Builder::new_multi_thread().enable_all().build()?);
        let path = Path::new(&open.dir).join("effectum.sqlite");
        let queue = runtime.block_on(effectum::Queue::new(&path))?;
        let connection = rusqlite::Connection::open(&path)?;
        let journal: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        let opened = Opened {
            settings: [("journal_mode".to_owned(), journal)].into(),
            paths: vec![path.display().to_string()],
            ..Opened::default()
        };
        Ok((Arc::new(Jobs { queue: Some(queue), runtime }), opened))
    }
}

impl Jobs {
    fn queue(&self) -> Result<&effectum::Queue, Refused> {
        self.queue.as_ref().ok_or_else(|| Refused::failed("the queue is closed"))
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

fn job(task: &Task) -> Job {
    Job::builder(JOB_TYPE)
        .payload(task.payload.clone().into_bytes())
        .priority(-i32::from(task.priority)) // the highest is first
        .build()
}

impl Queue for Jobs {
    fn enqueue(&self, tasks: &[Task]) -> Result<(), Refused> {
        let queue = self.queue()?;
        match tasks {
            [task] => self.wait(queue.add_job(job(task))).map(drop)?,
            tasks => {
                let jobs = tasks.iter().map(job).collect();
                self.wait(queue.add_jobs(jobs)).map(drop)?;
            }
        }
        Ok(())
    }

    fn start(&self, workers: usize, handler: &Handler) -> Result<Box<dyn Pool>, Refused> {
        let concurrency = u16::try_from(workers)?;
        let worker = Worker::builder(self.queue()?, handler.clone())
            .jobs([work::runner(JOB_TYPE)])
            .max_concurrency(concurrency)
            .build();
        Ok(Box::new(Running { worker: self.wait(worker)?, runtime: self.runtime.clone() }))
    }

    fn census(&self) -> Result<Census, Refused> {
        let active = self.wait(self.queue()?.num_active_jobs())?;
        // What waits for its time is among what is pending.
        Ok(Census {
            ready: Some(active.pending),
            running: Some(active.running),
            ..Census::default()
        })
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        let _within = self.runtime.enter(); // until after the queue is gone
        let Some(queue) = self.queue.take() else { return };
        if let Err(error) = self.runtime.block_on(queue.close(CLOSE_BOUND)) {
            eprintln!("closing the queue: {error}");
        }
    }
}

impl Pool for Running {
    fn stop(self: Box<Self>, bound: Duration) -> Vec<String> {
        let stopped = self.runtime.block_on(self.worker.unregister(Some(bound)));
        stopped.err().map(|error| format!("the worker did not end: {error}")).into_iter().collect()
    }
}

fn main() -> ExitCode {
    drive(&Effectum)
}
