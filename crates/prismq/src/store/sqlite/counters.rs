//! The counters of each queue, gathered over a transaction and written once at its end.

use std::collections::HashMap;

use rusqlite::Connection;

use super::history;
use crate::clock::Moment;
use crate::limits::ADVANCE_BATCH_MAX;

/// By how much a transaction moves a queue's counters.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Delta {
    /// Suspects among them.
    pub(super) ready: i64,
    pub(super) suspects: i64,
    pub(super) scheduled: i64,
    pub(super) leased: i64,
    pub(super) dead: i64,
    pub(super) kept: i64,
    pub(super) enqueued: i64,
    pub(super) completed: i64,
    pub(super) failed: i64,
    pub(super) reclaimed: i64,
}

/// What the transaction in progress has counted so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    by_queue: HashMap<i64, Delta>,
}

impl Counters {
    pub(super) fn of(&mut self, queue: i64) -> &mut Delta {
        self.by_queue.entry(queue).or_default()
    }

    /// What was counted for a queue so far.
    pub(super) fn so_far(&self, queue: i64) -> Delta {
        self.by_queue.get(&queue).copied().unwrap_or_default()
    }

    pub(super) fn clear(&mut self) {
        self.by_queue.clear();
    }

    /// Writes what was counted, inside the transaction it counted.
    pub(super) fn flush(&mut self, connection: &Connection, now: Moment) -> rusqlite::Result<()> {
        if self.by_queue.is_empty() {
            return Ok(());
        }
        let mut update = connection.prepare_cached(
            "UPDATE queue SET
                 ready = ready + ?2, scheduled = scheduled + ?3, leased = leased + ?4,
                 dead = dead + ?5, enqueued = enqueued + ?6, completed = completed + ?7,
                 failed = failed + ?8, reclaimed = reclaimed + ?9, kept = kept + ?10,
                 suspects = suspects + ?11, changed_at = ?12, changed_wall = ?13
             WHERE id = ?1",
        )?;
        for (queue, delta) in self.by_queue.drain() {
            update.execute([
                queue,
                delta.ready,
                delta.scheduled,
                delta.leased,
                delta.dead,
                delta.enqueued,
                delta.completed,
                delta.failed,
                delta.reclaimed,
                delta.kept,
                delta.suspects,
                now.monotonic.as_micros(),
                now.wall.as_micros(),
            ])?;
            if delta.kept > 0 {
                let most = ADVANCE_BATCH_MAX + usize::try_from(delta.kept).unwrap_or(0);
                history::prune(connection, queue, most)?;
            }
        }
        Ok(())
    }
}
