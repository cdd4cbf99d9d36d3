//! SQLite on its own: the best known loop on the schema of prismq, with full durability. One thread,
//! [`OPERATIONS`] operations a transaction, claims and deletions by range, payloads stored where prismq
//! stores them and, where that is out of line, read on another thread, as checkpoints are. What it does not do is what a queue is for: it shares
//! nothing, never waits, counts nothing and hands no task to a handler.
//!
//! It is meant as an upper bound: a subject that is faster has found a fault of this loop, and the ratio
//! of the two then says nothing.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, params};
use tempfile::TempDir;

use super::checkpoints::Checkpoints;
use super::payloads::{Payloads, Range};
use crate::base::bench_dir::BenchDir;
use crate::base::error::{Error, Result};
use crate::subject::local::schema::{PAYLOAD_BYTES_INLINE_MAX, SCHEMA};

/// Operations in one transaction.
pub const OPERATIONS: usize = 5000;

const LANE: i64 = 1;
const ATTEMPTS: i64 = 5;
/// In the future of any round, in microseconds.
const NEVER: i64 = i64::MAX;

/// A new database with one lane.
struct Raw {
    connection: Connection,
    checkpoints: Checkpoints,
    /// Who reads payloads, where they are stored out of line.
    payloads: Option<Payloads>,
    payload: Vec<u8>,
    next_id: i64,
    /// Tasks that are claimed and not yet completed, a transaction's each.
    held: VecDeque<Range>,
    _directory: TempDir,
}

/// The time it takes to enqueue this many tasks.
///
/// # Errors
/// SQLite's.
pub fn enqueue(bench_dir: &BenchDir, tasks: usize, payload_bytes: usize) -> Result<Duration> {
    let mut raw = Raw::new(bench_dir, payload_bytes)?;
    let started = Instant::now();
    raw.load(tasks)?;
    Ok(started.elapsed())
}

/// The time it takes to claim and complete this many tasks of a backlog: each transaction completes what
/// the one before has claimed, or the one before that where payloads are read meanwhile.
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
    raw.checkpoint()?;
    let started = Instant::now();
    let mut completed = 0;
    while completed < tasks {
        completed += raw.turn(0, OPERATIONS / 2)?;
    }
    Ok(started.elapsed())
}

/// The time this many tasks take through their whole life: enqueued in one transaction, claimed in the
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
        let path = directory.path().join("raw.db");
        let connection = open(&path).map_err(Error::subject("open a reference database"))?;
        let checkpoints = Checkpoints::start(&path)?;
        let out_of_line = payload_bytes > PAYLOAD_BYTES_INLINE_MAX;
        let payloads = out_of_line.then(|| Payloads::start(&path)).transpose()?;
        Ok(Self {
            connection,
            checkpoints,
            payloads,
            payload: vec![0x5a; payload_bytes],
            next_id: 1,
            held: VecDeque::new(),
            _directory: directory,
        })
    }

    /// Copies all of the WAL back.
    fn checkpoint(&self) -> Result<()> {
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(Error::subject("checkpoint the reference"))
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
        // While one transaction's payloads are read, another's tasks are completed.
        let at_once = if self.payloads.is_some() { 2 } else { 1 };
        let mut due = None;
        if self.held.len() >= at_once || (enqueue == 0 && self.is_all_claimed()) {
            due = self.held.pop_front();
        }
        if let (Some(_), Some(payloads)) = (due, &self.payloads) {
            payloads.wait()?;
        }
        let (completed, claimed) = self
            .transaction(due, enqueue, claim)
            .map_err(Error::subject("measure the reference"))?;
        if let Some(range) = claimed {
            self.held.push_back(range);
            if let Some(payloads) = &self.payloads {
                payloads.read(range)?;
            }
        }
        self.checkpoints.committed();
        Ok(completed)
    }

    fn is_all_claimed(&self) -> bool {
        self.held.back().is_some_and(|(_, last)| *last == self.next_id - 1)
    }

    fn transaction(
        &mut self,
        due: Option<Range>,
        enqueue: usize,
        claim: usize,
    ) -> rusqlite::Result<(usize, Option<Range>)> {
        let out_of_line = self.payloads.is_some();
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let completed = match due {
            Some(range) => complete(&transaction, range, out_of_line)?,
            None => 0,
        };
        let claimed = if claim > 0 { take(&transaction, claim, out_of_line)? } else { None };
        let inline = (!out_of_line).then_some(self.payload.as_slice());
        let mut task = transaction.prepare_cached(
            "INSERT INTO prismq_task (id, lane, state, order_key, priority, max_attempts, enqueued_at,
                               run_at, payload)
             VALUES (?1, ?2, 0, ?1, 100, ?3, ?1, ?1, ?4)",
        )?;
        let mut payload = transaction
            .prepare_cached("INSERT INTO prismq_payload (task, data) VALUES (?1, ?2)")?;
        for _ in 0..enqueue {
            task.execute(params![self.next_id, LANE, ATTEMPTS, inline])?;
            if out_of_line {
                payload.execute(params![self.next_id, self.payload])?;
            }
            self.next_id += 1;
        }
        drop((task, payload));
        transaction.commit()?;
        Ok((completed, claimed))
    }
}

/// Claims the first tasks in order and reads the payloads in their rows. Nothing else claims, so their ids are
/// consecutive.
fn take(
    transaction: &Connection,
    claim: usize,
    out_of_line: bool,
) -> rusqlite::Result<Option<Range>> {
    let (first, last): (Option<i64>, Option<i64>) = transaction
        .prepare_cached(
            "SELECT min(id), max(id) FROM (SELECT id FROM prismq_task WHERE state = 0 AND lane = ?1
                                           ORDER BY order_key LIMIT ?2)",
        )?
        .query_row(params![LANE, claim], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some((first, last)) = first.zip(last) else { return Ok(None) };
    transaction
        .prepare_cached(
            "UPDATE prismq_task SET state = 2, token = token + 1, attempt = attempt + 1,
                             lease_expires_at = ?3
             WHERE id BETWEEN ?1 AND ?2 AND state = 0",
        )?
        .execute([first, last, NEVER])?;
    if !out_of_line {
        let mut payloads = transaction
            .prepare_cached("SELECT payload FROM prismq_task WHERE id BETWEEN ?1 AND ?2")?;
        let mut payloads = payloads.query([first, last])?;
        while let Some(row) = payloads.next()? {
            row.get_ref(0)?.as_blob()?;
        }
    }
    Ok(Some((first, last)))
}

/// Completes what is held, each with its token and a lease that has not run out.
fn complete(
    transaction: &Connection,
    (first, last): Range,
    out_of_line: bool,
) -> rusqlite::Result<usize> {
    if out_of_line {
        transaction
            .prepare_cached("DELETE FROM prismq_payload WHERE task BETWEEN ?1 AND ?2")?
            .execute([first, last])?;
    }
    transaction
        .prepare_cached(
            "DELETE FROM prismq_task WHERE id BETWEEN ?1 AND ?2 AND state = 2 AND token = 1
                                    AND lease_expires_at > 0",
        )?
        .execute([first, last])
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.execute_batch(SCHEMA)?;
    connection.execute("INSERT INTO prismq_queue (id, name) VALUES (1, 'default')", [])?;
    connection
        .execute("INSERT INTO prismq_lane (id, queue, type) VALUES (?1, 1, 'raw')", [LANE])?;
    Ok(connection)
}
