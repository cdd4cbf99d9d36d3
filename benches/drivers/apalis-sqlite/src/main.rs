//! apalis-sqlite 1.0: jobs in SQLite behind a pool of sqlx; its worker is woken by an update hook.

mod crew;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use apalis::prelude::{TaskBuilder, TaskSink};
use apalis_sqlite::callback::HookCallbackListener;
use apalis_sqlite::{Config, SqlitePool, SqliteStorage};
use futures::stream;
use prismq_driver::message::{
    About, Can, Census, Choice, Class, Durability, Library as Name, Open, Opened, Redelivery,
    RedeliveryKind, Settle, Store,
};
use prismq_driver::sdk::{Handler, Library, Pool, Queue, Refused, Task, drive};
use tokio::runtime::{Builder, Runtime};

/// More than the harness lets fail, and than a kill adds.
const MAX_ATTEMPTS: usize = 300;
/// A worker is dead when so many heartbeats are missing: of a quarter of the lease each.
const MISSED_HEARTBEATS: usize = 4;

struct Apalis;

struct Jobs {
    runtime: Arc<Runtime>,
    pool: SqlitePool,
    listener: HookCallbackListener,
    storage: SqliteStorage<String>,
    crews: AtomicU32,
}

impl Library for Apalis {
    fn about(&self) -> About {
        About {
            v: prismq_driver::VERSION,
            driver: "apalis-sqlite 1".to_owned(),
            library: Name {
                name: "apalis-sqlite".to_owned(),
                version: "1.0.0".to_owned(),
                licence: "MIT OR Apache-2.0".to_owned(),
            },
            runtime: "Rust, tokio".to_owned(),
            store: Store { name: "SQLite, bundled with sqlx".to_owned(), version: "0.9".to_owned() },
            settle: Settle::None,
            redelivery: Redelivery { kind: RedeliveryKind::Heartbeat, within_ms: 0 },
            can: vec![Can::Batch, Can::Priority, Can::Retry, Can::Census, Can::Processes],
            durability: Durability { default: Class::Process, strictest: Class::Synced },
        }
    }

    fn open(&self, open: &Open) -> Result<(Arc<dyn Queue>, Opened), Refused> {
        let runtime = Arc::new(Builder::new_multi_thread().enable_all().build()?);
        let path = Path::new(&open.dir).join("apalis.sqlite");
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let strictest = open.durability == Choice::Strictest;
        let (pool, listener, settings) =
            runtime.block_on(connect(&url, strictest)).map_err(failed)?;
        let heartbeat = Duration::from_millis(open.lease_ms) / u32::try_from(MISSED_HEARTBEATS)?;
        let config = Config::default()
            .queue("driven")
            .heartbeat_interval(heartbeat)
            .missed_heartbeats(MISSED_HEARTBEATS);
        let storage = SqliteStorage::new(&pool).with_config(config);
        let opened = Opened {
            settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            paths: vec![path.display().to_string()],
            ..Opened::default()
        };
        Ok((Arc::new(Jobs { runtime, pool, listener, storage, crews: AtomicU32::new(0) }), opened))
    }
}

type Connected = (SqlitePool, HookCallbackListener, Vec<(&'static str, String)>);

/// By default as the README does, with `setup`. That sets `synchronous = OFF` on the connection that runs it and on no
/// other of the pool; the strictest is to run its migrations without it, so that all keep SQLite's FULL.
async fn connect(url: &str, strictest: bool) -> Result<Connected, Box<dyn Error + Send + Sync>> {
    let (pool, listener) = SqliteStorage::connect_with_callback(url)?;
    if strictest {
        sqlx::query("PRAGMA journal_mode = 'WAL'").execute(&pool).await?;
        SqliteStorage::migrations().run(&pool).await?;
    } else {
        SqliteStorage::setup(&pool).await?;
    }
    let mut connections = Vec::new();
    let mut levels = Vec::new();
    for _ in 0..pool.options().get_max_connections() {
        let mut connection = pool.acquire().await?;
        let level: i64 =
            sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await?;
        levels.push(level.to_string());
        connections.push(connection);
    }
    let journal: String =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connections[0]).await?;
    drop(connections);
    Ok((
        pool,
        listener,
        vec![("journal_mode", journal), ("synchronous_of_connections", levels.join(" "))],
    ))
}

fn failed(error: impl std::fmt::Display) -> Refused {
    let reason = error.to_string();
    if reason.contains("database is locked") {
        Refused::Busy(reason)
    } else {
        Refused::failed(reason)
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
        self.runtime.block_on(storage.push_all(stream::iter(tasks))).map_err(failed)
    }

    fn start(&self, workers: usize, handler: &Handler) -> Result<Box<dyn Pool>, Refused> {
        let number = self.crews.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", std::process::id());
        let crew =
            crew::Crew::start(&self.runtime, &self.storage, &self.listener, name, workers, handler);
        Ok(Box::new(crew))
    }

    fn census(&self) -> Result<Census, Refused> {
        let sql = "SELECT coalesce(sum(status = 'Pending' OR (status = 'Failed' AND attempts < max_attempts)), 0), \
                   coalesce(sum(status IN ('Queued', 'Running')), 0), \
                   coalesce(sum(status = 'Killed' OR (status = 'Failed' AND attempts >= max_attempts)), 0) FROM Jobs";
        let row: (i64, i64, i64) =
            self.runtime.block_on(sqlx::query_as(sql).fetch_one(&self.pool)).map_err(failed)?;
        let count = |number: i64| u64::try_from(number).ok();
        Ok(Census {
            ready: count(row.0),
            running: count(row.1),
            dead: count(row.2),
            scheduled: None,
        })
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.runtime.block_on(self.pool.close());
    }
}

fn main() -> ExitCode {
    drive(&Apalis)
}
