//! The engine in one SQLite file.
//!
//! One connection writes, one reads. Every writing transaction is `BEGIN IMMEDIATE`; a transaction
//! of nothing but claims, begins, extensions and releases does not wait for the disk.
//!
//! The others do inside of COMMIT, with the write lock held. To sync after it, without the lock, would let other
//! processes write meanwhile; but then a commit whose sync fails is one that they have seen and built upon, and
//! a power cut loses what they acknowledged or damages the file.

mod advance;
mod anchor;
mod busy;
mod checkpoint;
mod claim;
mod connection;
#[cfg(test)]
mod cost;
mod counters;
mod damage;
#[cfg(test)]
mod doubt;
mod enqueue;
mod exchange;
mod failure;
mod history;
mod ids;
mod lanes;
mod ledger;
mod names;
mod open;
mod payloads;
mod poison;
mod queues;
mod reader;
mod schema;
mod settle;
mod shrink;
#[cfg(test)]
mod suspects;
#[cfg(test)]
mod weights;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rusqlite::{Connection, Statement};

use self::anchor::Anchor;
use self::checkpoint::Checkpointer;
use self::ledger::Ledger;
use self::open::{Files, with_suffix};
use self::poison::Poison;
use super::{Answer, Claimed, Operation, Remarks, Store};
use crate::clock::{Clock, Moment, Timestamp};
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
    /// Ready, and perhaps what killed the process that held it last.
    pub(super) const SUSPECT: i64 = 5;
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
        state::READY | state::SUSPECT => Ok(State::Ready),
        state::SCHEDULED => Ok(State::Scheduled),
        state::LEASED => Ok(State::Leased),
        state::DEAD => Ok(State::Dead),
        state::COMPLETED => Ok(State::Completed),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(0, other)),
    }
}

const PANICKED: &str = "the engine panicked in a transaction";

/// The writer.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    /// Before the connection, so that its own is closed first and the last one tidies up.
    checkpointer: Checkpointer,
    connection: Connection,
    path: PathBuf,
    /// Which files the path stood for when it was opened.
    files: Arc<Files>,
    /// The number in the file by which leases know it; restoring a backup may change it.
    file: Arc<AtomicI64>,
    durability: Durability,
    /// Whether the connection is set to wait for the disk at each commit right now.
    waits_for_disk: bool,
    busy_wait: Duration,
    contention: Arc<ContentionCounters>,
    ledger: Ledger,
    /// The number of the schema when the lanes and the number of the file were read.
    schema: i64,
    /// The version of the file when the number of the schema was last looked at for a claim.
    looked_at: Option<i64>,
    /// Where the clock stands in the file, if its time starts over.
    anchor: Option<Anchor>,
}

impl Store for SqliteStore {
    fn apply(&mut self, clock: &dyn Clock, batch: &[Operation]) -> Result<Vec<Result<Answer>>> {
        self.refuse_unusable()?;
        match catch_unwind(AssertUnwindSafe(|| self.apply_batch(clock, batch))) {
            Ok(applied) => applied,
            // Say of the caller's clock: other processes must not wait for a transaction that never ends.
            Err(panic) => {
                let panicked = Error::Poisoned { cause: PANICKED.to_owned() };
                self.roll_back(panicked);
                resume_unwind(panic);
            }
        }
    }

    fn version(&self) -> Result<i64> {
        self.refuse_unusable()?;
        self.refuse_lost()?;
        self.data_version()
    }

    fn changing_file(&self) -> Option<PathBuf> {
        Some(with_suffix(&self.path, "-wal"))
    }

    fn settings(&self) -> Result<Vec<(String, String)>> {
        self.refuse_unusable()?;
        connection::settings(&self.connection, self.durability).map_err(|error| self.failure(error))
    }
}

/// The answer to a lease of another file.
const fn foreign(key: &LeaseKey) -> Error {
    Error::ForeignLease { id: key.id, token: key.token }
}

/// The lease an operation completes, if it completes one.
const fn completion(operation: &Operation) -> Option<LeaseKey> {
    match operation {
        Operation::Complete(key) => Some(*key),
        _ => None,
    }
}

impl SqliteStore {
    /// The number in the file by which leases and callers' connections are known to be of it.
    pub(crate) fn file(&self) -> Arc<AtomicI64> {
        self.file.clone()
    }

    /// What is to be logged while nobody holds the store.
    pub(crate) fn remarks(&self) -> Arc<Remarks> {
        self.ledger.remarks.clone()
    }

    fn file_number(&self) -> i64 {
        self.file.load(Ordering::Relaxed)
    }

    fn apply_batch(
        &mut self,
        clock: &dyn Clock,
        batch: &[Operation],
    ) -> Result<Vec<Result<Answer>>> {
        match self.answer_if_idle(clock.monotonic(), batch) {
            Ok(Some(nothing)) => return Ok(nothing),
            // Another process recovers the file: taking the write lock waits for it, a look does not.
            Err(error) if error.is_busy() => {}
            Ok(None) => {}
            Err(error) => return Err(error),
        }
        let durable = batch.iter().any(Operation::must_be_durable);
        self.wait_for_disk(durable && self.durability == Durability::Full)?;
        self.begin()?;
        let answers = match self.run(Moment::now(clock), batch) {
            Ok(answers) => answers,
            Err(error) => return Err(self.roll_back(error)),
        };
        self.commit()?;
        if durable {
            self.refuse_lost()?;
        }
        self.contention.write_transactions.fetch_add(1, Ordering::Relaxed);
        let synced = u64::from(self.waits_for_disk);
        self.contention.synced_transactions.fetch_add(synced, Ordering::Relaxed);
        self.checkpointer.committed(&self.connection);
        self.count_empty_claims(batch, &answers);
        Ok(answers)
    }

    fn run(&mut self, now: Moment, batch: &[Operation]) -> Result<Vec<Result<Answer>>> {
        self.refuse_newer()?;
        let now = self.forget_exchanged(now)?;
        self.ledger.now = now;
        let mut advanced = false;
        let mut answers = Vec::with_capacity(batch.len());
        let mut rest = batch;
        while let Some((operation, after)) = rest.split_first() {
            // No sooner, so that what is settled before it still counts.
            if !advanced && matches!(operation, Operation::Claim(_)) {
                advanced = true;
                if self.has_due(now.monotonic)? {
                    self.advance(now.monotonic)?;
                }
            }
            let completions: Vec<LeaseKey> = rest.iter().map_while(completion).collect();
            if completions.is_empty() {
                answers.push(self.run_one(now, operation)?);
                rest = after;
            } else {
                answers.extend(self.complete(now.wall, &completions)?);
                rest = rest.get(completions.len()..).unwrap_or_default();
            }
        }
        let Self { ledger, connection, path, .. } = self;
        ledger.flush(connection).map_err(|error| failure::classify(path, error))?;
        Ok(answers)
    }

    /// Outer error: SQL failed and the transaction must go. Inner: this operation does not apply.
    fn run_one(&mut self, now: Moment, operation: &Operation) -> Result<Result<Answer>> {
        if let Some(key) = operation.key().filter(|key| key.file != self.file_number()) {
            return Ok(Err(foreign(key)));
        }
        match operation {
            Operation::Enqueue(tasks) => {
                let ids = enqueue::enqueue(&self.connection, &mut self.ledger, now, tasks);
                ids.map(|ids| ids.map(Answer::Enqueued)).map_err(|error| self.failure(error))
            }
            Operation::Claim(claim) => self.claim(now, claim).map(Answer::Claimed).map(Ok),
            Operation::Complete(key) => self
                .complete(now.wall, &[*key])
                .map(|mut answers| answers.pop().unwrap_or_else(|| Err(Error::unanswered()))),
            Operation::Fail { key, error, next } => self.fail(now.monotonic, key, error, *next),
            Operation::Extend { key, lease } => self.extend(now, key, *lease),
            Operation::Begin(key) => self.begin_attempt(key),
            Operation::Release(key) => self.release(key),
            Operation::Defer { key, pause } => self.defer(now.monotonic, key, *pause),
            Operation::SetOrder { queue, order } => self.set_order(queue, *order),
            Operation::SetPaused { queue, paused } => self.set_paused(queue, *paused),
            Operation::SetHistory { queue, keep } => self.set_history(queue, *keep),
        }
    }

    /// A batch of claims that would find nothing is answered from a read, so that looking into an
    /// empty queue never takes the write lock.
    fn answer_if_idle(
        &mut self,
        mut now: Timestamp,
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
        let version = self.data_version()?;
        if self.looked_at != Some(version) {
            if self.is_exchanged()? {
                if self.needs_note()? {
                    return Ok(None);
                }
                now = self.forget_exchanged(Moment { wall: now, monotonic: now })?.monotonic;
            }
            self.looked_at = Some(version);
        }
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
        let mut answers = Vec::with_capacity(claims.len());
        for claim in claims {
            let paused = self.is_paused(claim)?;
            let nothing = Claimed { leases: Vec::new(), next_due, version, paused };
            answers.push(Ok(Answer::Claimed(nothing)));
        }
        Ok(Some(answers))
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

    /// Stops once it is unknown what lasts, and while the file is not in its place.
    fn refuse_unusable(&self) -> Result<()> {
        self.poison().refuse()?;
        self.files.refuse_moved()
    }

    /// Stops for good once the `-wal` or `-shm` in use is not the one that other processes find: after a commit
    /// and before its answer, as what is in it would be lost.
    fn refuse_lost(&self) -> Result<()> {
        match self.files.lost() {
            Some(cause) => Err(self.poison().remember(Error::Poisoned { cause })),
            None => Ok(()),
        }
    }

    fn poison(&self) -> &Arc<Poison> {
        self.checkpointer.poison()
    }

    /// A number that is another once another connection has committed something.
    fn data_version(&self) -> Result<i64> {
        self.prepare("PRAGMA data_version")?
            .query_row([], |row| row.get(0))
            .map_err(|error| self.failure(error))
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
        let left = failure::left_by_system();
        let committed =
            self.connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        committed.map(drop).map_err(|error| self.commit_failed(error))?;
        // What was committed lasts; no process can write more until this one has closed the file.
        if let Some(cause) = failure::kept_lock(left) {
            self.poison().set(&cause);
        }
        Ok(())
    }

    fn commit_failed(&mut self, error: rusqlite::Error) -> Error {
        let error = if failure::leaves_disk_unknown(&error) {
            Error::Poisoned { cause: error.to_string() }
        } else {
            self.failure(error)
        };
        self.roll_back(error)
    }

    /// Undoes the transaction in progress because of an error, and returns what to answer. A transaction
    /// that cannot be undone would take up whatever is written next.
    fn roll_back(&mut self, error: Error) -> Error {
        self.ledger.clear();
        let error = self.poison().remember(error);
        // SQLite may have rolled back by itself; the first error is the one that counts.
        if self.connection.is_autocommit() {
            return error;
        }
        match self.connection.execute_batch("ROLLBACK") {
            Ok(()) => error,
            Err(failed) => {
                let cause = format!("{error}; its transaction could not be rolled back: {failed}");
                self.poison().remember(Error::Poisoned { cause })
            }
        }
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
        self.poison().remember(failure::classify(&self.path, error))
    }
}
