//! Giving the room of free pages back to the file system, in steps that commits hardly notice.
//!
//! A drained backlog leaves pages that later tasks use again. Where there are more than the queue is to keep,
//! at two looks in a row, the thread that checkpoints takes the last pages off the file, a few at a time,
//! moving what still lies on them. A step holds the write lock for about [`SHRINK_STEP`]. It waits for nobody:
//! while others write, the next one comes later. The file ends sooner once a checkpoint has copied the WAL.
//!
//! After a commit the thread looks until nothing has changed between two looks, then sleeps.

use std::time::{Duration, Instant};

use rusqlite::{Connection, Result, TransactionBehavior};

use crate::engine::sqlite::connection::busy;

/// How often the queue looks for free pages to give back, until nothing has been committed between two looks.
const SHRINK_LOOK: Duration = Duration::from_millis(500);
/// How long one step of giving free pages back holds the write lock, about.
const SHRINK_STEP: Duration = Duration::from_millis(2);

/// Pages that one statement takes off.
const FREE: &str = "PRAGMA incremental_vacuum(8)";
/// Another number once another connection has committed something.
const DATA_VERSION: &str = "PRAGMA data_version";
/// How much longer than a step the pause after it is, while others write.
const PAUSE_SHARE: u32 = 10;
/// The pause after a step while nobody else writes: long enough for whoever wants to.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// Whether and when the file is to be made shorter.
#[derive(Debug)]
pub(crate) struct Shrinker {
    /// Free pages that the file keeps; `None` if it keeps all.
    keep: Option<u64>,
    /// When to look next; `None` until something is committed.
    next: Option<Instant>,
    /// Whether the last look found too many.
    over: bool,
    /// What `PRAGMA data_version` was at the last look.
    version: i64,
}

impl Shrinker {
    pub(crate) fn new(connection: &Connection, keep_bytes: u64) -> Result<Self> {
        let page_bytes: u64 = pragma(connection, "PRAGMA page_size")?;
        let keep = keep_bytes.checked_div(page_bytes).filter(|_| keep_bytes < u64::MAX);
        // The file may have been left with too many.
        let next = keep.map(|_| Instant::now() + SHRINK_LOOK);
        Ok(Self { keep, next, over: false, version: 0 })
    }

    /// Whether it ever has something to do.
    pub(crate) const fn is_on(&self) -> bool {
        self.keep.is_some()
    }

    /// When to call [`Self::look`].
    pub(crate) const fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Something was committed.
    pub(crate) fn wake(&mut self, now: Instant) {
        if self.is_on() {
            self.next = self.next.or(Some(now + SHRINK_LOOK));
        }
    }

    /// Whether something was committed since the last look.
    pub(crate) fn has_missed_a_commit(&self, connection: &Connection) -> bool {
        pragma(connection, DATA_VERSION).is_ok_and(|version: i64| version != self.version)
    }

    /// Nothing more is done before the next commit.
    pub(crate) const fn rest(&mut self) {
        self.next = None;
        self.over = false;
    }

    /// Looks, and takes pages off if there were too many the last time too. Whether it did.
    pub(crate) fn look(&mut self, connection: &Connection) -> Result<bool> {
        let version = pragma(connection, DATA_VERSION)?;
        let others_write = version != self.version;
        self.version = version;
        let was_over = self.over;
        self.over = self.excess(connection)? > 0;
        let started = Instant::now();
        if !self.over {
            self.next = others_write.then_some(started + SHRINK_LOOK);
            return Ok(false);
        }
        if !was_over {
            self.next = Some(started + SHRINK_LOOK);
            return Ok(false);
        }
        let stepped = match self.step(connection, started) {
            Err(error) if busy::is_busy(&error) => false,
            stepped => stepped.map(|()| true)?,
        };
        let pause = if others_write { started.elapsed() * PAUSE_SHARE } else { Duration::ZERO };
        self.next = Some(Instant::now() + pause.max(PAUSE_MIN));
        Ok(stepped)
    }

    fn step(&self, connection: &Connection, started: Instant) -> Result<()> {
        let transaction =
            rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        while self.excess(&transaction)? > 0 && started.elapsed() < SHRINK_STEP {
            let mut free = transaction.prepare_cached(FREE)?;
            let mut steps = free.raw_query();
            while steps.next()?.is_some() {}
        }
        transaction.commit()
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
