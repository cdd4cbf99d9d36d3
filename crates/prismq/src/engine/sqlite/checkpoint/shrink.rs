//! Shrinking the database: returning free pages to the file system, in steps that delay commits little.
//!
//! A drained backlog leaves free pages, which later tasks use again. If there are more than the queue keeps, at two
//! checks in a row, the checkpoint thread vacuums some of the last pages (`incremental_vacuum`). A step holds the write
//! lock for about [`STEP_TIME`] and never waits for it; while others write, the next step comes later. The file gets
//! shorter at the next checkpoint.
//!
//! After a commit the thread checks until nothing has changed between two checks, then sleeps.

use std::time::{Duration, Instant};

use rusqlite::{Connection, Result, TransactionBehavior};

use crate::engine::sqlite::error;

/// How often free pages are checked, until nothing was committed between two checks.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// About how long one step holds the write lock.
const STEP_TIME: Duration = Duration::from_millis(2);

/// Removes pages from the end of the file.
const FREE: &str = "PRAGMA incremental_vacuum(8)";
/// A number that changes whenever another connection commits.
const DATA_VERSION: &str = "PRAGMA data_version";
/// How many times as long as a step the pause after it is, while others write.
const PAUSE_SHARE: u32 = 10;
/// The pause after a step while no other connection writes, in which one can begin to.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// Whether and when to shrink.
#[derive(Debug)]
pub(crate) struct Shrinker {
    /// Free pages that the file keeps; `None` to keep all.
    keep: Option<u64>,
    /// When to check next; `None` until the next commit.
    next: Option<Instant>,
    /// Whether the last check found an excess.
    over: bool,
    /// `PRAGMA data_version` at the last check.
    version: i64,
}

impl Shrinker {
    pub(crate) fn new(connection: &Connection, keep_bytes: u64) -> Result<Self> {
        let page_bytes: u64 = pragma(connection, "PRAGMA page_size")?;
        let keep = keep_bytes.checked_div(page_bytes).filter(|_| keep_bytes < u64::MAX);
        // The file may have been closed with an excess.
        let next = keep.map(|_| Instant::now() + CHECK_INTERVAL);
        Ok(Self { keep, next, over: false, version: 0 })
    }

    /// Whether the file is ever shrunk.
    pub(crate) const fn is_on(&self) -> bool {
        self.keep.is_some()
    }

    /// When to call [`Self::check`].
    pub(crate) const fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Something was committed.
    pub(crate) fn wake(&mut self, now: Instant) {
        if self.is_on() {
            self.next = self.next.or(Some(now + CHECK_INTERVAL));
        }
    }

    /// Whether something was committed since the last check.
    pub(crate) fn has_missed_a_commit(&self, connection: &Connection) -> bool {
        pragma(connection, DATA_VERSION).is_ok_and(|version: i64| version != self.version)
    }

    /// Does nothing until the next commit.
    pub(crate) const fn rest(&mut self) {
        self.next = None;
        self.over = false;
    }

    /// Checks, and shrinks if there was an excess at the last check too. Whether it did.
    pub(crate) fn check(&mut self, connection: &Connection) -> Result<bool> {
        let version = pragma(connection, DATA_VERSION)?;
        let others_write = version != self.version;
        self.version = version;
        let was_over = self.over;
        self.over = self.excess(connection)? > 0;
        let started = Instant::now();
        if !self.over {
            self.next = others_write.then_some(started + CHECK_INTERVAL);
            return Ok(false);
        }
        if !was_over {
            self.next = Some(started + CHECK_INTERVAL);
            return Ok(false);
        }
        let stepped = match self.step(connection) {
            Err(error) if error::is_busy(&error) => None,
            stepped => Some(stepped?),
        };
        let pause =
            if others_write { stepped.unwrap_or_default() * PAUSE_SHARE } else { Duration::ZERO };
        self.next = Some(Instant::now() + pause.max(PAUSE_MIN));
        Ok(stepped.is_some())
    }

    /// Removes some pages, at least once [`FREE`] even where the thread does not get the processor for long, and returns
    /// how long it held the write lock.
    fn step(&self, connection: &Connection) -> Result<Duration> {
        let transaction =
            rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        let locked = Instant::now();
        loop {
            let mut free = transaction.prepare_cached(FREE)?;
            let mut steps = free.raw_query();
            while steps.next()?.is_some() {}
            if self.excess(&transaction)? == 0 || locked.elapsed() >= STEP_TIME {
                break;
            }
        }
        transaction.commit()?;
        Ok(locked.elapsed())
    }

    /// Free pages beyond those that the file keeps.
    fn excess(&self, connection: &Connection) -> Result<u64> {
        let free: u64 = pragma(connection, "PRAGMA freelist_count")?;
        Ok(self.keep.map_or(0, |keep| free.saturating_sub(keep)))
    }
}

fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, pragma: &str) -> Result<T> {
    connection.prepare_cached(pragma)?.query_row([], |row| row.get(0))
}
