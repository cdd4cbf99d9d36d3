//! underway 0.2: tasks in PostgreSQL; its workers listen for notifications, and keep a transaction open while a task
//! runs.

mod crew;
mod settings;
mod task;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use jiff::Span;
use prismq_driver::message::{
    About, Can, Census, Class, Durability, Library as Name, Open, Opened, Process, Redelivery,
    RedeliveryKind, Settle, Store,
};
use prismq_driver::sdk::{Handler, Library, Pool, Queue, Refused, Task, drive};
use prismq_driver_server::{Cluster, URL, version};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::crew::Crew;
use crate::task::Driven;

/// The name of the queue.
const QUEUE: &str = "driven";
/// Connections at most of what enqueues.
const CALLERS: u32 = 16;
/// How long connections may take to be closed.
const CLOSE_BOUND: Duration = Duration::from_millis(500);

struct Underway;

struct Tasks {
    runtime: Arc<Runtime>,
    pool: PgPool,
    queue: underway::Queue<Driven>,
    task: Driven,
    /// Dropped last: its server is stopped.
    _cluster: Cluster,
}

impl Library for Underway {
    fn about(&self) -> About {
        let version = version().unwrap_or_else(|error| error.to_string());
        About {
            v: prismq_driver::VERSION,
            driver: "underway 1".to_owned(),
            library: Name {
                name: "underway".to_owned(),
                version: "0.2.0".to_owned(),
                licence: "MIT OR Apache-2.0".to_owned(),
            },
            runtime: "Rust, tokio".to_owned(),
            store: Store { name: "PostgreSQL".to_owned(), version },
            settle: Settle::None,
            redelivery: Redelivery { kind: RedeliveryKind::Heartbeat, within_ms: 0 },
            can: vec![Can::Batch, Can::Priority, Can::Retry, Can::Census, Can::Processes],
            durability: Durability { default: Class::Synced, strictest: Class::Synced },
        }
    }

    fn open(&self, open: &Open) -> Result<(Arc<dyn Queue>, Opened), Refused> {
        let cluster = Cluster::open(Path::new(&open.dir))?;
        let runtime = Arc::new(Builder::new_multi_thread().enable_all().build()?);
        let heartbeat = Span::new().try_milliseconds(i64::try_from(open.lease_ms)?)?;
        let task = Driven::new(heartbeat, i32::try_from(open.retry_ms)?);
        let (pool, queue, settings) = runtime.block_on(async {
            let pool = PgPoolOptions::new().max_connections(CALLERS).connect(URL).await?;
            underway::run_migrations(&pool).await?;
            let queue = underway::Queue::builder().name(QUEUE).pool(pool.clone()).build().await?;
            let settings = settings::read(&pool).await?;
            Ok::<_, Refused>((pool, queue, settings))
        })?;
        let opened = Opened {
            pids: vec![Process { pid: cluster.pid(), role: "server".to_owned() }],
            settings,
            paths: vec![open.dir.clone()],
        };
        Ok((Arc::new(Tasks { runtime, pool, queue, task, _cluster: cluster }), opened))
    }
}

impl Tasks {
    async fn add(&self, task: &Task) -> Result<(), Refused> {
        let driven = self.task.with_priority(task.priority);
        self.queue.enqueue(&self.pool, &driven, &task.payload).await?;
        Ok(())
    }

    /// Its call for many takes tasks of one priority; those of several are enqueued in one transaction.
    async fn add_many(&self, tasks: &[Task]) -> Result<(), Refused> {
        let groups: Vec<_> = tasks.chunk_by(|a, b| a.priority == b.priority).collect();
        if let [alike] = groups[..] {
            let (driven, payloads) = self.call(alike);
            self.queue.enqueue_multi(&self.pool, &driven, &payloads).await?;
            return Ok(());
        }
        let mut transaction = self.pool.begin().await?;
        for alike in groups {
            let (driven, payloads) = self.call(alike);
            self.queue.enqueue_multi(&mut *transaction, &driven, &payloads).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// What a call for many is given.
    fn call(&self, alike: &[Task]) -> (Driven, Vec<String>) {
        let priority = alike.first().map_or(0, |task| task.priority);
        let payloads = alike.iter().map(|task| task.payload.clone()).collect();
        (self.task.with_priority(priority), payloads)
    }
}

impl Queue for Tasks {
    fn enqueue(&self, tasks: &[Task]) -> Result<(), Refused> {
        match tasks {
            [task] => self.runtime.block_on(self.add(task)),
            tasks => self.runtime.block_on(self.add_many(tasks)),
        }
    }

    fn start(&self, workers: usize, handler: &Handler) -> Result<Box<dyn Pool>, Refused> {
        Ok(Box::new(Crew::start(&self.runtime, &self.task, workers, handler)?))
    }

    fn census(&self) -> Result<Census, Refused> {
        let sql = "SELECT count(*) FILTER (WHERE state = 'pending' AND created_at + delay <= now()), \
                   count(*) FILTER (WHERE state = 'pending' AND created_at + delay > now()), \
                   count(*) FILTER (WHERE state = 'in_progress'), \
                   count(*) FILTER (WHERE state = 'failed') \
                   FROM underway.task WHERE task_queue_name = $1";
        let row = sqlx::query_as(sql).bind(QUEUE).fetch_one(&self.pool);
        let (ready, scheduled, running, dead): (i64, i64, i64, i64) = self.runtime.block_on(row)?;
        let count = |number: i64| u64::try_from(number).ok();
        Ok(Census {
            ready: count(ready),
            scheduled: count(scheduled),
            running: count(running),
            dead: count(dead),
        })
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        let closing =
            self.runtime.block_on(async { timeout(CLOSE_BOUND, self.pool.close()).await });
        if closing.is_err() {
            eprintln!("connections were not closed in {} ms", CLOSE_BOUND.as_millis());
        }
    }
}

fn main() -> ExitCode {
    drive(&Underway)
}
