//! The engine in one SQLite file.
//!
//! One connection writes, one reads. Every writing transaction is `BEGIN IMMEDIATE`; a transaction
//! of nothing but claims, begins, extensions and releases does not wait for the disk.

mod advance;
mod busy;
mod checkpoint;
mod claim;
mod connection;
#[cfg(test)]
mod cost;
mod counters;
mod enqueue;
mod failure;
#[cfg(target_os = "linux")]
mod filesystem;
mod history;
mod identity;
mod ids;
mod lanes;
mod ledger;
mod open;
mod payloads;
mod queues;
mod reader;
mod schema;
mod settle;
mod shrink;
#[cfg(test)]
mod weights;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::{Connection, Statement};

use self::checkpoint::Checkpointer;
use self::identity::Identity;
use self::ledger::Ledger;
use super::{Answer, Claimed, Operation, Store};
use crate::clock::{Clock, Timestamp};
use crate::error::{Error, Result};
use crate::lease::LeaseKey;
use crate::queue::Durability;
use crate::stats::ContentionCounters;
use crate::task::State;

pub(crate) use self::enqueue::enqueue_in;
pub(crate) use self::open::{OpenOptions, open};
pub(crate) use self::reader::SqliteReader;

/// States as stored in `task.state`.
mod state {
    pub(super) const READY: i64 = 0;
    pub(super) const SCHEDULED: i64 = 1;
    pub(super) const LEASED: i64 = 2;
    pub(super) const DEAD: i64 = 3;
    /// Only in what a read gives: a completed task has no row in `task`.
    pub(super) const COMPLETED: i64 = 4;
}

const fn stored(state: State) -> i64 {
    match state {
        State::Ready => state::READY,
        State::Scheduled => state::SCHEDULED,
        State::Leased => state::LEASED,
        State::Dead => state::DEAD,
        State::Completed => state::COMPLETED,
    }
}

fn loaded(stored: i64) -> rusqlite::Result<State> {
    match stored {
        state::READY => Ok(State::Ready),
        state::SCHEDULED => Ok(State::Scheduled),
        state::LEASED => Ok(State::Leased),
        state::DEAD => Ok(State::Dead),
        state::COMPLETED => Ok(State::Completed),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(0, other)),
    }
}

/// The writer.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    /// Before the connection, so that its own is closed first and the last one tidies up.
    checkpointer: Checkpointer,
    connection: Connection,
    path: PathBuf,
    /// Which file the path named when it was opened.
    identity: Identity,
    durability: Durability,
    /// Whether the connection is set to wait for the disk at each commit right now.
    waits_for_disk: bool,
    busy_wait: Duration,
    contention: Arc<ContentionCounters>,
    ledger: Ledger,
}

impl Store for SqliteStore {
    fn apply(&mut self, clock: &dyn Clock, batch: &[Operation]) -> Result<Vec<Result<Answer>>> {
        match self.answer_if_idle(clock.now(), batch) {
            Ok(Some(nothing)) => return Ok(nothing),
            // Another process recovers the file: taking the write lock waits for it, a look does not.
            Err(error) if error.is_busy() => {}
            Ok(None) => {}
            Err(error) => return Err(error),
        }
        self.refuse_in_doubt()?;
        let durable = batch.iter().any(Operation::must_be_durable);
        self.wait_for_disk(durable && self.durability == Durability::Full)?;
        self.begin()?;
        let answers = match catch_unwind(AssertUnwindSafe(|| self.run(clock.now(), batch))) {
            Ok(Ok(answers)) => answers,
            Ok(Err(error)) => {
                self.roll_back();
                return Err(error);
            }
            // Say of the caller's clock: other processes must not wait for a transaction that never ends.
            Err(panic) => {
                self.roll_back();
                resume_unwind(panic);
            }
        };
        self.commit()?;
        self.contention.write_transactions.fetch_add(1, Ordering::Relaxed);
        let synced = u64::from(self.waits_for_disk);
        self.contention.synced_transactions.fetch_add(synced, Ordering::Relaxed);
        self.checkpointer.committed(&self.connection);
        self.count_empty_claims(batch, &answers);
        Ok(answers)
    }

    fn version(&self) -> Result<i64> {
        self.prepare("PRAGMA data_version")?
            .query_row([], |row| row.get(0))
            .map_err(|error| self.failure(error))
    }

    fn changing_file(&self) -> Option<PathBuf> {
        let mut name = self.path.clone().into_os_string();
        name.push("-wal");
        Some(name.into())
    }

    fn settings(&self) -> Result<Vec<(String, String)>> {
        connection::settings(&self.connection, self.durability).map_err(|error| self.failure(error))
    }
}

/// The lease an operation completes, if it completes one.
const fn completion(operation: &Operation) -> Option<LeaseKey> {
    match operation {
        Operation::Complete(key) => Some(*key),
        _ => None,
    }
}

impl SqliteStore {
    fn run(&mut self, now: Timestamp, batch: &[Operation]) -> Result<Vec<Result<Answer>>> {
        self.refuse_newer()?;
        let claims = |operation: &Operation| matches!(operation, Operation::Claim(_));
        if batch.iter().any(claims) && self.has_due(now)? {
            self.advance(now)?;
        }
        let mut answers = Vec::with_capacity(batch.len());
        let mut rest = batch;
        while let Some((operation, after)) = rest.split_first() {
            let completions: Vec<LeaseKey> = rest.iter().map_while(completion).collect();
            if completions.is_empty() {
                answers.push(self.run_one(now, operation)?);
                rest = after;
            } else {
                answers.extend(self.complete(now, &completions)?);
                rest = rest.get(completions.len()..).unwrap_or_default();
            }
        }
        let Self { ledger, connection, path, .. } = self;
        ledger.flush(connection).map_err(|error| failure::classify(path, error))?;
        Ok(answers)
    }

    /// Outer error: SQL failed and the transaction must go. Inner: this operation does not apply.
    fn run_one(&mut self, now: Timestamp, operation: &Operation) -> Result<Result<Answer>> {
        match operation {
            Operation::Enqueue(tasks) => {
                let ids = enqueue::enqueue(&self.connection, &mut self.ledger, now, tasks);
                ids.map(|ids| ids.map(Answer::Enqueued)).map_err(|error| self.failure(error))
            }
            Operation::Claim(claim) => self.claim(now, claim).map(Answer::Claimed).map(Ok),
            Operation::Complete(key) => self
                .complete(now, &[*key])
                .map(|mut answers| answers.pop().unwrap_or_else(|| Err(Error::unanswered()))),
            Operation::Fail { key, error, next } => self.fail(now, key, error, *next),
            Operation::Extend { key, lease } => self.extend(now, key, *lease),
            Operation::Begin(key) => self.begin_attempt(now, key),
            Operation::Release(key) => self.release(now, key),
            Operation::SetOrder { queue, order } => self.set_order(queue, *order),
            Operation::SetPaused { queue, paused } => self.set_paused(queue, *paused),
            Operation::SetHistory { queue, keep } => self.set_history(queue, *keep),
        }
    }

    /// A batch of claims that would find nothing is answered from a read, so that looking into an
    /// empty queue never takes the write lock.
    fn answer_if_idle(
        &mut self,
        now: Timestamp,
        batch: &[Operation],
    ) -> Result<Option<Vec<Result<Answer>>>> {
        let mut claims = Vec::with_capacity(batch.len());
        for operation in batch {
            let Operation::Claim(claim) = operation else {
                return Ok(None);
            };
            claims.push(claim);
        }
        // First, so that what another process commits meanwhile is not missed.
        let version = self.version()?;
        if self.has_due(now)? {
            return Ok(None);
        }
        for claim in &claims {
            if self.has_ready(claim)? {
                return Ok(None);
            }
        }
        let next_due = self.next_due()?;
        let empty = u64::try_from(claims.len()).unwrap_or(u64::MAX);
        self.contention.empty_claims.fetch_add(empty, Ordering::Relaxed);
        Ok(Some(
            claims
                .iter()
                .map(|_| Ok(Answer::Claimed(Claimed { leases: Vec::new(), next_due, version })))
                .collect(),
        ))
    }

    /// A batch of claims alone was let through because work had been seen: what it found gone was lost
    /// to another. A claim among other operations had looked for nothing before.
    fn count_empty_claims(&self, batch: &[Operation], answers: &[Result<Answer>]) {
        let nothing = |answer: &&Result<Answer>| matches!(answer, Ok(Answer::Claimed(claimed)) if claimed.leases.is_empty());
        let empty = answers.iter().filter(nothing).count();
        let looked = batch.iter().all(|operation| matches!(operation, Operation::Claim(_)));
        let counter =
            if looked { &self.contention.claim_conflicts } else { &self.contention.empty_claims };
        counter.fetch_add(u64::try_from(empty).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Stops writing once it is in doubt what of it lasts.
    fn refuse_in_doubt(&self) -> Result<()> {
        if let Some(cause) = self.checkpointer.doubt() {
            return Err(Error::Poisoned { cause: cause.to_owned() });
        }
        if !self.identity.still_at(&self.path) {
            return Err(Error::Poisoned {
                cause: "the file was moved, deleted or replaced".to_owned(),
            });
        }
        Ok(())
    }

    /// Stops writing once a newer version of this library has migrated the file.
    fn refuse_newer(&self) -> Result<()> {
        let found = self
            .prepare("PRAGMA user_version")?
            .query_row([], |row| row.get(0))
            .map_err(|error| self.failure(error))?;
        schema::refuse_newer(&self.path, found)
    }

    fn begin(&self) -> Result<()> {
        busy::retry(self.busy_wait, &self.contention, || {
            self.execute("BEGIN IMMEDIATE", []).map(drop)
        })
    }

    fn commit(&mut self) -> Result<()> {
        let committed =
            self.connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        let Err(error) = committed else {
            return Ok(());
        };
        self.roll_back();
        if failure::leaves_disk_unknown(&error) {
            return Err(Error::Poisoned { cause: error.to_string() });
        }
        Err(self.failure(error))
    }

    fn roll_back(&mut self) {
        // SQLite may have rolled back by itself; the first error is the one that counts.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "rollback failed");
        }
        self.ledger.clear();
    }

    fn wait_for_disk(&mut self, wait: bool) -> Result<()> {
        if self.waits_for_disk != wait {
            let level = if wait { "FULL" } else { "NORMAL" };
            self.connection
                .pragma_update(None, "synchronous", level)
                .map_err(|error| self.failure(error))?;
            self.waits_for_disk = wait;
        }
        Ok(())
    }

    fn prepare(&self, sql: &str) -> Result<rusqlite::CachedStatement<'_>> {
        self.connection.prepare_cached(sql).map_err(|error| self.failure(error))
    }

    fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize> {
        let mut statement = self.prepare(sql)?;
        let statement: &mut Statement<'_> = &mut statement;
        statement.execute(params).map_err(|error| self.failure(error))
    }

    fn failure(&self, error: rusqlite::Error) -> Error {
        failure::classify(&self.path, error)
    }
}
