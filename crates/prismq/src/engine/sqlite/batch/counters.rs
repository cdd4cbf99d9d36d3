//! The counters of each queue, summed up over a transaction and written once at its end.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::engine::DeferredLog;
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::batch::kept::history;
use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::schema::state;
use crate::time::Moment;

/// The changes of one queue's counters in a transaction.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Delta {
    /// Suspects among them.
    pub(crate) ready: i64,
    pub(crate) suspects: i64,
    pub(crate) scheduled: i64,
    pub(crate) leased: i64,
    pub(crate) dead: i64,
    pub(crate) kept: i64,
    pub(crate) enqueued: i64,
    pub(crate) completed: i64,
    pub(crate) failed: i64,
    pub(crate) reclaimed: i64,
    // These are in a table of their own.
    pub(crate) cancelled: i64,
    pub(crate) deleted: i64,
    pub(crate) cancelled_kept: i64,
    pub(crate) kept_by_type: i64,
    pub(crate) cancelled_kept_by_type: i64,
}

impl Delta {
    /// A task has left this state.
    pub(crate) const fn left(&mut self, state: i64) {
        match state {
            state::READY => self.ready -= 1,
            state::SUSPECT => {
                self.ready -= 1;
                self.suspects -= 1;
            }
            state::SCHEDULED => self.scheduled -= 1,
            state::LEASED => self.leased -= 1,
            state::DEAD => self.dead -= 1,
            _ => {}
        }
    }

    /// Writes the counters that are in a table of their own.
    fn flush_removed(&self, connection: &Connection, queue: i64) -> rusqlite::Result<()> {
        let counts = [
            self.cancelled,
            self.deleted,
            self.cancelled_kept,
            self.kept_by_type,
            self.cancelled_kept_by_type,
        ];
        if counts == [0; 5] {
            return Ok(());
        }
        let [cancelled, deleted, cancelled_kept, kept_by_type, cancelled_kept_by_type] = counts;
        connection
            .prepare_cached(COUNT_REMOVED)?
            .execute([
                queue,
                cancelled,
                deleted,
                cancelled_kept,
                kept_by_type,
                cancelled_kept_by_type,
            ])
            .map(drop)
    }
}

/// Counts what operators removed.
const COUNT_REMOVED: &str =
    "INSERT INTO prismq_removed
         (queue, cancelled, deleted, cancelled_kept, kept_by_type, cancelled_kept_by_type)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT DO UPDATE SET cancelled = cancelled + excluded.cancelled,
         deleted = deleted + excluded.deleted, cancelled_kept = cancelled_kept + excluded.cancelled_kept,
         kept_by_type = kept_by_type + excluded.kept_by_type,
         cancelled_kept_by_type = cancelled_kept_by_type + excluded.cancelled_kept_by_type";

/// The changes of all queues' counters in the transaction in progress.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    by_queue: HashMap<i64, Delta>,
}

impl Counters {
    pub(crate) fn of(&mut self, queue: i64) -> &mut Delta {
        self.by_queue.entry(queue).or_default()
    }

    /// The changes of a queue's counters so far.
    pub(crate) fn so_far(&self, queue: i64) -> Delta {
        self.by_queue.get(&queue).copied().unwrap_or_default()
    }

    pub(crate) fn clear(&mut self) {
        self.by_queue.clear();
    }

    /// Writes the changes, inside their transaction.
    pub(crate) fn flush(
        &mut self,
        connection: &Connection,
        features: Features,
        log: &DeferredLog,
        now: Moment,
    ) -> rusqlite::Result<()> {
        if self.by_queue.is_empty() {
            return Ok(());
        }
        let mut update = connection.prepare_cached(
            "UPDATE prismq_queue SET
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
            delta.flush_removed(connection, queue)?;
            let kept = delta.kept - delta.kept_by_type;
            if kept > 0 {
                let most = STEP_TASKS_MAX + usize::try_from(kept).unwrap_or(0);
                history::prune(connection, features, log, queue, most)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::STEP_TASKS_MAX;
    use crate::engine::sqlite::tests::{NOW, claim_of, writer};
    use crate::engine::{Answer, Operation};
    use crate::model::NewTask;
    use crate::time::ManualClock;

    #[test]
    fn a_large_transaction_does_not_exceed_the_history_limit() {
        let (_folder, mut writer) = writer();
        let count = STEP_TASKS_MAX + 100;
        let clock = ManualClock::new(NOW);
        let keep = Operation::SetHistory { queue: "default".into(), keep: 1 };
        let enqueue = Operation::Enqueue(vec![NewTask::new("job", []); count]);
        let claim = claim_of(count);
        let Some(Ok(Answer::Claimed(claimed))) =
            writer.apply(&clock, &[keep, enqueue, claim]).unwrap().pop()
        else {
            panic!("nothing was claimed");
        };
        let complete = |lease: &crate::model::Lease| Operation::complete(lease.key);
        let batch: Vec<_> = claimed.leases.iter().map(complete).collect();
        assert_eq!(batch.len(), count);
        writer.apply(&clock, &batch).unwrap();
        let kept = "SELECT kept, (SELECT count(*) FROM prismq_kept) FROM prismq_queue";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let kept: (i64, i64) = writer.connection.query_row(kept, [], read).unwrap();
        assert_eq!(kept, (1, 1));
    }
}
