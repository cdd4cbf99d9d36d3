//! The yardsticks: one `BEGIN IMMEDIATE` transaction for each operation on each single task, either on a
//! pool of connections, one for each worker and one for producers, which is the design most teams start
//! with, or on one connection behind a mutex, which spares them the wait for each other's locks.
//!
//! They have the schema, the place of payloads and the durability of prismq but none of its ideas: no
//! batching, no shared commits, no wake-ups. They leave the queue's counters alone, since nothing they
//! do reads them.

mod busy;
mod connections;
mod sql;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

pub(in crate::subject) use busy::is_busy;
use connections::Connections;
pub(in crate::subject) use connections::Sharing;

use crate::subject::local::{LocalError, LocalPool, LocalQueue};
use crate::subject::{Census, Counters, Durability, OpenOptions, RunningPool, TaskSpec};

/// What the threads count.
#[derive(Debug, Default)]
struct Tally {
    busy_errors: AtomicU64,
    claim_conflicts: AtomicU64,
    empty_polls: AtomicU64,
    write_transactions: AtomicU64,
}

impl Tally {
    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// An open database.
#[derive(Debug)]
pub struct Pooled {
    connections: Connections,
    durability: Durability,
    retry: Duration,
    tally: Arc<Tally>,
    /// Waits of the whole process before this database was opened.
    waits_before: u64,
}

impl Pooled {
    /// Opens or creates the database in this file.
    ///
    /// # Errors
    /// SQLite's or the pool's.
    pub(in crate::subject) fn open(
        path: &Path,
        options: OpenOptions,
        sharing: Sharing,
    ) -> Result<Self, LocalError> {
        let waits_before = busy::waits();
        // Before there are others, so that they do not race to create the schema.
        let mut first = Connection::open(path)?;
        let durability = options.durability;
        configure(&mut first, durability)?;
        sql::create_schema(&mut first)?;
        drop(first);
        let connections = Connections::open(path, options, sharing)?;
        let tally = Arc::new(Tally::default());
        Ok(Self { connections, durability, retry: options.retry, tally, waits_before })
    }

    /// Runs an operation on the producers' connection and counts a busy answer.
    fn with<T>(
        &self,
        operation: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LocalError> {
        self.connections.get()?.with(operation).map_err(|error| {
            if busy::is_busy(&error) {
                Tally::add(&self.tally.busy_errors);
            }
            error.into()
        })
    }
}

fn configure(connection: &mut Connection, durability: Durability) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::Full | Durability::Replicated => "FULL",
        Durability::Normal => "NORMAL",
    };
    connection.busy_handler(Some(busy::wait))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

impl LocalQueue for Pooled {
    fn enqueue(&self, task: &TaskSpec) -> Result<i64, LocalError> {
        Tally::add(&self.tally.write_transactions);
        self.with(|connection| sql::enqueue(connection, task))
    }

    fn enqueue_all(&self, tasks: &[TaskSpec]) -> Result<Vec<i64>, LocalError> {
        Tally::add(&self.tally.write_transactions);
        self.with(|connection| sql::enqueue_all(connection, tasks))
    }

    fn hold(
        &self,
        task_type: &'static str,
        max: usize,
        lease: Duration,
    ) -> Result<Vec<i64>, LocalError> {
        let mut held = Vec::with_capacity(max);
        while held.len() < max {
            Tally::add(&self.tally.write_transactions);
            match self.with(|connection| sql::claim(connection, &[task_type], lease))? {
                sql::Claimed::Task(task) => held.push(task.id),
                sql::Claimed::Conflict => Tally::add(&self.tally.claim_conflicts),
                sql::Claimed::Nothing => break,
            }
        }
        Ok(held)
    }

    fn start(&self, pool: LocalPool) -> Result<Box<dyn RunningPool>, LocalError> {
        let workers = worker::start(&self.connections, pool, self.retry, &self.tally)?;
        Ok(Box::new(workers))
    }

    fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let without_a_change = read(&self.tally.empty_polls) + read(&self.tally.claim_conflicts);
        let changes = read(&self.tally.write_transactions).saturating_sub(without_a_change);
        Counters {
            busy_errors: read(&self.tally.busy_errors),
            busy_waits: busy::waits().saturating_sub(self.waits_before),
            claim_conflicts: read(&self.tally.claim_conflicts),
            empty_polls: read(&self.tally.empty_polls),
            write_transactions: read(&self.tally.write_transactions),
            synced_transactions: if self.durability == Durability::Full { changes } else { 0 },
        }
    }

    fn census(&self) -> Result<Census, LocalError> {
        self.with(|connection| sql::census(connection))
    }

    fn settings(&self) -> Result<Vec<(String, String)>, LocalError> {
        self.with(|connection| sql::settings(connection))
    }
}
