//! SQLite on its own: the schema of prismq, full durability, [`OPERATIONS`] operations a transaction,
//! one thread. What it does not do is what a queue is for: it shares nothing, waits for nobody, counts
//! nothing and hands no task to a handler.
//!
//! Claims are taken by one statement for all of a transaction, which is the fastest way known: a floor
//! that is easily passed says nothing.

use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, params};
use tempfile::TempDir;

use crate::bench_dir::BenchDir;
use crate::error::{Error, Result};

/// Operations in one transaction.
pub const OPERATIONS: usize = 1000;

const SCHEMA: &str = include_str!("../../../crates/prismq/src/store/sqlite/schema.sql");
const LANE: i64 = 1;
const ATTEMPTS: i64 = 5;
/// In the future of any round, in microseconds.
const NEVER: i64 = i64::MAX;

/// A new database with one lane.
struct Raw {
    connection: Connection,
    payload: Vec<u8>,
    next_id: i64,
    held: Vec<(i64, i64)>,
    _directory: TempDir,
}

/// The time it takes to enqueue so many tasks.
///
/// # Errors
/// SQLite's.
pub fn enqueue(bench_dir: &BenchDir, tasks: usize, payload_bytes: usize) -> Result<Duration> {
    let mut raw = Raw::new(bench_dir, payload_bytes)?;
    let started = Instant::now();
    raw.load(tasks)?;
    Ok(started.elapsed())
}

/// The time it takes to claim and complete so many tasks of a backlog: each transaction completes what
/// the one before has claimed.
///
/// # Errors
/// SQLite's.
pub fn claim_and_complete(
    bench_dir: &BenchDir,
    tasks: usize,
    payload_bytes: usize,
) -> Result<Duration> {
    let mut raw = Raw::new(bench_dir, payload_bytes)?;
    raw.load(tasks)?;
    let started = Instant::now();
    let mut completed = 0;
    while completed < tasks {
        completed += raw.turn(0, OPERATIONS / 2)?;
    }
    Ok(started.elapsed())
}

/// The time so many tasks take through their whole life: enqueued in one transaction, claimed in the
/// next, completed in the one after.
///
/// # Errors
/// SQLite's.
pub fn life(bench_dir: &BenchDir, tasks: usize, payload_bytes: usize) -> Result<Duration> {
    let mut raw = Raw::new(bench_dir, payload_bytes)?;
    let each = OPERATIONS / 3;
    let started = Instant::now();
    let (mut left, mut completed) = (tasks, 0);
    while completed < tasks {
        let enqueued = left.min(each);
        left -= enqueued;
        completed += raw.turn(enqueued, each)?;
    }
    Ok(started.elapsed())
}

impl Raw {
    fn new(bench_dir: &BenchDir, payload_bytes: usize) -> Result<Self> {
        let directory = bench_dir.fresh()?;
        let connection = open(&directory).map_err(Error::engine("open a database as a floor"))?;
        let payload = vec![0x5a; payload_bytes];
        Ok(Self { connection, payload, next_id: 1, held: Vec::new(), _directory: directory })
    }

    fn load(&mut self, tasks: usize) -> Result<()> {
        let mut left = tasks;
        while left > 0 {
            let batch = left.min(OPERATIONS);
            self.turn(batch, 0)?;
            left -= batch;
        }
        Ok(())
    }

    /// One transaction: completes what is held, then claims, then enqueues. Says how many it completed.
    fn turn(&mut self, enqueue: usize, claim: usize) -> Result<usize> {
        self.transaction(enqueue, claim).map_err(Error::engine("measure the floor"))
    }

    fn transaction(&mut self, enqueue: usize, claim: usize) -> rusqlite::Result<usize> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut complete = transaction.prepare_cached(
            "DELETE FROM task WHERE id = ?1 AND token = ?2 AND state = 2 AND lease_expires_at > ?3",
        )?;
        let mut completed = 0;
        for (id, token) in self.held.drain(..) {
            completed += complete.execute([id, token, 0])?;
        }
        drop(complete);
        if claim > 0 {
            self.held = transaction
                .prepare_cached(
                    "UPDATE task SET state = 2, token = token + 1, attempt = attempt + 1,
                                     lease_expires_at = ?2
                     WHERE id IN (SELECT id FROM task WHERE state = 0 AND lane = ?1
                                  ORDER BY order_key LIMIT ?3)
                     RETURNING id, token, payload",
                )?
                .query_map(params![LANE, NEVER, claim], |row| {
                    row.get_ref(2)?.as_blob_or_null()?;
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<Result<_, _>>()?;
        }
        let mut insert = transaction.prepare_cached(
            "INSERT INTO task (id, lane, state, order_key, priority, max_attempts, enqueued_at,
                               run_at, payload)
             VALUES (?1, ?2, 0, ?1, 100, ?3, ?1, ?1, ?4)",
        )?;
        for _ in 0..enqueue {
            insert.execute(params![self.next_id, LANE, ATTEMPTS, self.payload])?;
            self.next_id += 1;
        }
        drop(insert);
        transaction.commit()?;
        Ok(completed)
    }
}

fn open(directory: &TempDir) -> rusqlite::Result<Connection> {
    let connection = Connection::open(directory.path().join("raw.db"))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.execute_batch(SCHEMA)?;
    connection.execute("INSERT INTO queue (id, name) VALUES (1, 'default')", [])?;
    connection.execute("INSERT INTO lane (id, queue, type) VALUES (?1, 1, 'raw')", [LANE])?;
    Ok(connection)
}
