//! apalis-postgres 1.0: jobs in PostgreSQL; its worker is notified of new ones, claims ten at a time, and stores in
//! batches what became of them.

mod crew;
mod job;
mod settings;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use apalis::prelude::{TaskBuilder, TaskSink};
use apalis_postgres::{Config, PgPool, PostgresStorage};
use futures::stream;
use prismq_driver::message::{
    About, Can, Census, Class, Durability, Library as Name, Open, Opened, Process, Redelivery,
    RedeliveryKind, Settle, Store,
};
use prismq_driver::sdk::{Handler, Library, Pool, Queue, Refused, Task, drive};
use prismq_driver_server::{Cluster, URL, version};
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::crew::Crew;

/// The name of the queue.
const QUEUE: &str = "driven";
/// Connections at most: jobs hold none while they run. Two drivers may share a server that takes a hundred.
const CONNECTIONS: u32 = 40;
/// More than the harness lets fail, and than a kill adds.
const MAX_ATTEMPTS: usize = 300;
/// A worker is dead when so many heartbeats are missing: of a quarter of the lease each.
const MISSED_HEARTBEATS: usize = 4;
/// How long connections may take to be closed.
const CLOSE_BOUND: Duration = Duration::from_millis(500);

struct Apalis;

struct Jobs {
    runtime: Arc<Runtime>,
    pool: PgPool,
    storage: PostgresStorage<String>,
    crews: AtomicU32,
    /// Dropped last: its server is stopped.
    _cluster: Cluster,
}

impl Library for Apalis {
    fn about(&self) -> About {
        let version = version().unwrap_or_else(|error| error.to_string());
        About {
            v: prismq_driver::VERSION,
            driver: "apalis-postgres 1".to_owned(),
            library: Name {
                name: "apalis-postgres".to_owned(),
                version: "1.0.0".to_owned(),
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
        let (pool, settings) = runtime.block_on(async {
            let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(URL).await?;
            PostgresStorage::setup(&pool).await?;
            let settings = settings::read(&pool).await?;
            Ok::<_, Refused>((pool, settings))
        })?;
        let heartbeat = Duration::from_millis(open.lease_ms) / u32::try_from(MISSED_HEARTBEATS)?;
        let config = Config::default()
            .queue(QUEUE)
            .heartbeat_interval(heartbeat)
            .missed_heartbeats(MISSED_HEARTBEATS);
        let storage = PostgresStorage::new(&pool).with_config(config);
        let opened = Opened {
            pids: vec![Process { pid: cluster.pid(), role: "server".to_owned() }],
            settings,
            paths: vec![open.dir.clone()],
        };
        let crews = AtomicU32::new(0);
        Ok((Arc::new(Jobs { runtime, pool, storage, crews, _cluster: cluster }), opened))
    }
}

impl Queue for Jobs {
    fn enqueue(&self, tasks: &[Task]) -> Result<(), Refused> {
        let tasks: Vec<_> = tasks
            .iter()
            .map(|task| {
                TaskBuilder::new(task.payload.clone())
                    .priority(usize::from(u8::MAX - task.priority)) // the highest is first
                    .max_attempts(MAX_ATTEMPTS)
                    .build()
            })
            .collect();
        let mut storage = self.storage.clone();
        self.runtime.block_on(storage.push_all(stream::iter(tasks)))?;
        Ok(())
    }

    fn start(&self, workers: usize, handler: &Handler) -> Result<Box<dyn Pool>, Refused> {
        let number = self.crews.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", std::process::id());
        Ok(Box::new(Crew::start(&self.runtime, &self.storage, name, workers, handler)))
    }

    fn census(&self) -> Result<Census, Refused> {
        let sql = "SELECT count(*) FILTER (WHERE status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts)), \
                   count(*) FILTER (WHERE status IN ('Queued', 'Running')), \
                   count(*) FILTER (WHERE status = 'Killed' OR (status = 'Failed' AND attempts >= max_attempts)) \
                   FROM apalis.jobs WHERE job_type = $1";
        let row = sqlx::query_as(sql).bind(QUEUE).fetch_one(&self.pool);
        let (ready, running, dead): (i64, i64, i64) = self.runtime.block_on(row)?;
        let count = |number: i64| u64::try_from(number).ok();
        Ok(Census {
            ready: count(ready),
            running: count(running),
            dead: count(dead),
            scheduled: None,
        })
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        let closing =
            self.runtime.block_on(async { timeout(CLOSE_BOUND, self.pool.close()).await });
        if closing.is_err() {
            eprintln!("connections were not closed in {} ms", CLOSE_BOUND.as_millis());
        }
    }
}

fn main() -> ExitCode {
    drive(&Apalis)
}
