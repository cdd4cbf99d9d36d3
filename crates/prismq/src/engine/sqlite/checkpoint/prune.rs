//! Keeping the retention of queues, on the thread that checkpoints: what is beyond it is deleted in steps, of idle
//! queues too.
//!
//! The thread checks about a second after a commit, until nothing has changed between two checks; and every
//! [`AGE_INTERVAL`] where tasks are kept for a time. A step never waits for the write lock.

use std::time::{Duration, Instant};

use rusqlite::{Connection, Result, TransactionBehavior};

use crate::engine::Target;
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::batch::kept::retention;
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::ops::manage::delete;
use crate::engine::sqlite::{error, schema};
use crate::time::Moment;

/// How often retention is checked while transactions are committed.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How often the age of tasks is checked.
const AGE_INTERVAL: Duration = Duration::from_secs(60);
/// How many times as long as a step the pause after it is.
const PAUSE_SHARE: u32 = 10;

/// When to prune.
#[derive(Debug, Default)]
pub(super) struct Pruner {
    /// When to check next, after a commit.
    next: Option<Instant>,
    /// When to check the age of tasks, while nothing is committed.
    ages: Option<Instant>,
    /// `PRAGMA data_version` at the last check; `None` before the first.
    version: Option<i64>,
}

impl Pruner {
    /// When to call [`Self::check`], after a commit.
    pub(super) const fn next(&self) -> Option<Instant> {
        self.next
    }

    /// When to call [`Self::check`] at the latest.
    pub(super) fn latest(&self) -> Option<Instant> {
        self.next.into_iter().chain(self.ages).min()
    }

    /// Something was committed, or time has jumped.
    pub(super) fn wake(&mut self, now: Instant) {
        self.next = self.next.or(Some(now + CHECK_INTERVAL));
    }

    /// Whether something was committed since the last check.
    pub(super) fn has_missed_a_commit(&self, connection: &Connection) -> bool {
        version(connection).is_ok_and(|version| self.version != Some(version))
    }

    /// Does nothing until the next commit.
    pub(super) const fn rest(&mut self) {
        self.next = None;
        self.ages = None;
    }

    /// Deletes some of what is beyond retention at this moment.
    pub(super) fn check(&mut self, connection: &Connection, now: Moment) -> Result<()> {
        let version = version(connection)?;
        let others_write = self.version.replace(version) != Some(version);
        let started = Instant::now();
        self.rest();
        if others_write {
            self.next = Some(started + CHECK_INTERVAL);
        }
        if schema::meta(connection)?.0 != schema::VERSION {
            return Ok(());
        }
        let queues: Vec<i64> = connection
            .prepare_cached(retention::QUEUES)?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_>>()?;
        if !queues.is_empty() {
            self.ages = Some(started + AGE_INTERVAL);
        }
        for queue in queues {
            let excess = retention::excess(connection, queue, now)?;
            if excess.is_empty() {
                continue;
            }
            match delete(connection, &excess, now) {
                Err(error) if error::is_busy(&error) => {}
                deleted => deleted?,
            }
            // There may be more.
            if excess.len() >= STEP_TASKS_MAX / 2 {
                self.next = Some(Instant::now() + started.elapsed() * PAUSE_SHARE);
            }
        }
        Ok(())
    }
}

fn delete(connection: &Connection, excess: &[Target], now: Moment) -> Result<()> {
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let mut ledger = Ledger::of_caller(now);
    (_, ledger.features) = schema::meta(&transaction)?;
    delete::delete(&transaction, &mut ledger, excess)?;
    ledger.flush(&transaction)?;
    transaction.commit()
}

/// A number that changes whenever another connection commits.
fn version(connection: &Connection) -> Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}
