//! honker 0.5: jobs in SQLite; one `Database`, which is one connection behind a lock, for callers and workers, as its
//! documents have it within a process.

mod crew;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use honker::{Database, EnqueueOpts, QueueOpts};
use prismq_driver::message::{
    About, Can, Census, Choice, Class, Durability, Library as Name, Open, Opened, Redelivery,
    RedeliveryKind, Settle, Store,
};
use prismq_driver::sdk::{Handler, Library, Pool, Queue, Refused, Task, drive};

const QUEUE: &str = "driven";
/// More than the harness lets fail, and than a kill adds; honker counts claims.
const MAX_ATTEMPTS: i64 = 300;

struct Honker;

struct Jobs {
    database: Database,
    queue: honker::Queue,
    retry_s: i64,
}

impl Library for Honker {
    fn about(&self) -> About {
        About {
            v: prismq_driver::VERSION,
            driver: "honker 1".to_owned(),
            library: Name {
                name: "honker".to_owned(),
                version: "0.5.0".to_owned(),
                licence: "MIT OR Apache-2.0".to_owned(),
            },
            runtime: "Rust".to_owned(),
            store: Store { name: "SQLite".to_owned(), version: rusqlite::version().to_owned() },
            settle: Settle::Call,
            redelivery: Redelivery { kind: RedeliveryKind::Lease, within_ms: 0 },
            can: vec![Can::Batch, Can::Priority, Can::Retry, Can::Census, Can::Processes],
            durability: Durability { default: Class::Process, strictest: Class::Synced },
        }
    }

    fn open(&self, open: &Open) -> Result<(Arc<dyn Queue>, Opened), Refused> {
        let path = Path::new(&open.dir).join("honker.sqlite");
        let database = Database::open(&path)?;
        if open.durability == Choice::Strictest {
            database
                .with_conn(|connection| connection.execute_batch("PRAGMA synchronous = FULL"))?;
        }
        let (journal, level): (String, i64) = database.with_conn(|connection| {
            let journal = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
            Ok::<_, rusqlite::Error>((
                journal,
                connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?,
            ))
        })?;
        let settings = [("journal_mode", journal), ("synchronous", level_name(level).to_owned())];
        let opened = Opened {
            settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            paths: vec![path.display().to_string()],
            ..Opened::default()
        };
        let seconds = |ms: u64| i64::try_from(ms.div_ceil(1000).max(1));
        let options =
            QueueOpts { visibility_timeout_s: seconds(open.lease_ms)?, max_attempts: MAX_ATTEMPTS };
        let queue = database.queue(QUEUE, options);
        Ok((Arc::new(Jobs { database, queue, retry_s: seconds(open.retry_ms)? }), opened))
    }
}

fn level_name(level: i64) -> &'static str {
    match level {
        0 => "OFF",
        1 => "NORMAL",
        2 => "FULL",
        _ => "EXTRA",
    }
}

/// SQLite's lock was not to be had within honker's busy timeout of 5 s.
pub(crate) fn refused(error: honker::Error) -> Refused {
    match &error {
        honker::Error::Sqlite(rusqlite::Error::SqliteFailure(failure, _))
            if failure.code == rusqlite::ErrorCode::DatabaseBusy =>
        {
            Refused::Busy(error.to_string())
        }
        _ => Refused::from(error),
    }
}

impl Queue for Jobs {
    fn enqueue(&self, tasks: &[Task]) -> Result<(), Refused> {
        // the highest is first
        let options = |task: &Task| EnqueueOpts {
            priority: -i64::from(task.priority),
            ..EnqueueOpts::default()
        };
        if let [task] = tasks {
            return self.queue.enqueue(&task.payload, options(task)).map(drop).map_err(refused);
        }
        let transaction = self.database.transaction().map_err(refused)?;
        for task in tasks {
            self.queue.enqueue_tx(&transaction, &task.payload, options(task)).map_err(refused)?;
        }
        transaction.commit().map_err(refused)
    }

    fn start(&self, workers: usize, handler: &Handler) -> Result<Box<dyn Pool>, Refused> {
        Ok(Box::new(crew::Crew::start(&self.database, &self.queue, workers, handler, self.retry_s)))
    }

    fn census(&self) -> Result<Census, Refused> {
        let sql = "SELECT coalesce(sum(state = 'pending' AND run_at <= unixepoch()), 0), \
                   coalesce(sum(state = 'pending' AND run_at > unixepoch()), 0), \
                   coalesce(sum(state = 'processing'), 0), (SELECT count(*) FROM _honker_dead) FROM _honker_live";
        let census = self.database.with_conn(|connection| {
            connection.query_row(sql, [], |row| {
                let count =
                    |column| row.get::<_, i64>(column).map(|number| u64::try_from(number).ok());
                Ok(Census {
                    ready: count(0)?,
                    scheduled: count(1)?,
                    running: count(2)?,
                    dead: count(3)?,
                })
            })
        })?;
        Ok(census)
    }
}

fn main() -> ExitCode {
    drive(&Honker)
}
