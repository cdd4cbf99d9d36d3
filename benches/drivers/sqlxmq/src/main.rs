//! sqlxmq 0.6: jobs in PostgreSQL, by functions that its schema has there; its runner is notified of new jobs. A job is
//! claimed for the time to its next attempt, by default one second, which its runner prolongs while it runs.

mod crew;
mod job;
mod settings;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

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
use crate::job::driven;

/// The tables and functions of the library.
const SCHEMA: &str = include_str!(concat!(env!("OUT_DIR"), "/schema.sql"));
/// Connections at most: jobs hold none while they run. Two drivers may share a server that takes a hundred.
const CONNECTIONS: u32 = 40;
/// More than the harness lets fail, and than a kill adds.
const RETRIES: u32 = 300;
/// How long connections may take to be closed.
const CLOSE_BOUND: Duration = Duration::from_millis(500);

struct Sqlxmq;

struct Jobs {
    runtime: Arc<Runtime>,
    pool: PgPool,
    /// Dropped last: its server is stopped.
    _cluster: Cluster,
}

impl Library for Sqlxmq {
    fn about(&self) -> About {
        let version = version().unwrap_or_else(|error| error.to_string());
        About {
            v: prismq_driver::VERSION,
            driver: "sqlxmq 1".to_owned(),
            library: Name {
                name: "sqlxmq".to_owned(),
                version: "0.6.0".to_owned(),
                licence: "MIT OR Apache-2.0".to_owned(),
            },
            runtime: "Rust, tokio".to_owned(),
            store: Store { name: "PostgreSQL".to_owned(), version },
            settle: Settle::Call,
            redelivery: Redelivery { kind: RedeliveryKind::Lease, within_ms: 0 },
            can: vec![Can::Retry, Can::Census, Can::Processes],
            durability: Durability { default: Class::Synced, strictest: Class::Synced },
        }
    }

    fn open(&self, open: &Open) -> Result<(Arc<dyn Queue>, Opened), Refused> {
        let cluster = Cluster::open(Path::new(&open.dir))?;
        let runtime = Arc::new(Builder::new_multi_thread().enable_all().build()?);
        let (pool, settings) = runtime.block_on(async {
            let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(URL).await?;
            install(&pool).await?;
            let settings = settings::read(&pool).await?;
            Ok::<_, sqlx::Error>((pool, settings))
        })?;
        let opened = Opened {
            pids: vec![Process { pid: cluster.pid(), role: "server".to_owned() }],
            settings,
            paths: vec![open.dir.clone()],
        };
        Ok((Arc::new(Jobs { runtime, pool, _cluster: cluster }), opened))
    }
}

/// Creates what the library needs in a new database, all of it or nothing.
async fn install(pool: &PgPool) -> Result<(), sqlx::Error> {
    let exists = sqlx::query_scalar("SELECT to_regclass('mq_msgs') IS NOT NULL");
    if exists.fetch_one(pool).await? {
        return Ok(());
    }
    let mut transaction = pool.begin().await?;
    sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await?;
    transaction.commit().await
}

impl Jobs {
    async fn add(&self, task: &Task) -> Result<(), sqlx::Error> {
        let mut job = driven.builder();
        job.set_raw_bytes(task.payload.as_bytes()).set_retries(RETRIES);
        job.spawn(&self.pool).await.map(drop)
    }
}

impl Queue for Jobs {
    fn enqueue(&self, tasks: &[Task]) -> Result<(), Refused> {
        for task in tasks {
            self.runtime.block_on(self.add(task))?;
        }
        Ok(())
    }

    fn start(&self, workers: usize, handler: &Handler) -> Result<Box<dyn Pool>, Refused> {
        Ok(Box::new(Crew::start(&self.runtime, &self.pool, workers, handler)?))
    }

    fn census(&self) -> Result<Census, Refused> {
        // Jobs that run, and jobs that wait for a retry, are both due at a later time.
        let sql = "SELECT count(*) FILTER (WHERE attempt_at <= now()), \
                   count(*) FILTER (WHERE attempt_at > now()), \
                   count(*) FILTER (WHERE attempt_at IS NULL) \
                   FROM mq_msgs WHERE id <> uuid_nil()";
        let row = sqlx::query_as(sql).fetch_one(&self.pool);
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
    drive(&Sqlxmq)
}
