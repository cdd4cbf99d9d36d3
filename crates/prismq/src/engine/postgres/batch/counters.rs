//! The counters of each queue: summed up over a transaction, and written once at its end as a row that adds to the
//! sums so far. Rows are folded into the sums now and then.

use std::collections::BTreeMap;

use crate::engine::postgres::client::Value;

/// Appends what a transaction changed.
pub(crate) const ADD: &str =
    "INSERT INTO prismq.counter_delta (queue, ready, scheduled, leased, dead, kept,
         cancelled_kept, enqueued, completed, failed, reclaimed, cancelled, deleted, expired, kept_by_type,
         cancelled_kept_by_type)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

/// Adds what was appended to the sums, as much as the largest batches of mixed operations append until it is due again. One
/// transaction at a time: another finds the lock taken and leaves it.
pub(crate) const FOLD: &str = "WITH f AS (DELETE FROM prismq.counter_delta
         WHERE ctid = ANY (ARRAY(SELECT ctid FROM prismq.counter_delta LIMIT 131072 FOR UPDATE SKIP LOCKED))
         RETURNING *),
     s AS (SELECT queue, sum(ready)::bigint AS ready, sum(scheduled)::bigint AS scheduled, sum(leased)::bigint AS leased,
         sum(dead)::bigint AS dead, sum(kept)::bigint AS kept, sum(cancelled_kept)::bigint AS cancelled_kept,
         sum(enqueued)::bigint AS enqueued, sum(completed)::bigint AS completed, sum(failed)::bigint AS failed,
         sum(reclaimed)::bigint AS reclaimed, sum(cancelled)::bigint AS cancelled, sum(deleted)::bigint AS deleted,
         sum(expired)::bigint AS expired, sum(kept_by_type)::bigint AS kept_by_type,
         sum(cancelled_kept_by_type)::bigint AS cancelled_kept_by_type FROM f GROUP BY queue ORDER BY queue)
     INSERT INTO prismq.counter AS c SELECT * FROM s
     ON CONFLICT (queue) DO UPDATE SET
         ready = coalesce(c.ready, 0) + coalesce(excluded.ready, 0),
         scheduled = coalesce(c.scheduled, 0) + coalesce(excluded.scheduled, 0),
         leased = coalesce(c.leased, 0) + coalesce(excluded.leased, 0),
         dead = coalesce(c.dead, 0) + coalesce(excluded.dead, 0),
         kept = coalesce(c.kept, 0) + coalesce(excluded.kept, 0),
         cancelled_kept = coalesce(c.cancelled_kept, 0) + coalesce(excluded.cancelled_kept, 0),
         enqueued = coalesce(c.enqueued, 0) + coalesce(excluded.enqueued, 0),
         completed = coalesce(c.completed, 0) + coalesce(excluded.completed, 0),
         failed = coalesce(c.failed, 0) + coalesce(excluded.failed, 0),
         reclaimed = coalesce(c.reclaimed, 0) + coalesce(excluded.reclaimed, 0),
         cancelled = coalesce(c.cancelled, 0) + coalesce(excluded.cancelled, 0),
         deleted = coalesce(c.deleted, 0) + coalesce(excluded.deleted, 0),
         expired = coalesce(c.expired, 0) + coalesce(excluded.expired, 0),
         kept_by_type = coalesce(c.kept_by_type, 0) + coalesce(excluded.kept_by_type, 0),
         cancelled_kept_by_type =
             coalesce(c.cancelled_kept_by_type, 0) + coalesce(excluded.cancelled_kept_by_type, 0)";

/// The changes of one queue's counters in a transaction.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delta {
    pub(crate) ready: i64,
    pub(crate) scheduled: i64,
    pub(crate) leased: i64,
    pub(crate) dead: i64,
    pub(crate) kept: i64,
    pub(crate) cancelled_kept: i64,
    pub(crate) enqueued: i64,
    pub(crate) completed: i64,
    pub(crate) failed: i64,
    pub(crate) reclaimed: i64,
    pub(crate) cancelled: i64,
    pub(crate) deleted: i64,
    pub(crate) expired: i64,
    pub(crate) kept_by_type: i64,
    pub(crate) cancelled_kept_by_type: i64,
}

impl Delta {
    /// How many tasks there are more of in this state, as stored.
    pub(crate) const fn count(&mut self, state: i16, tasks: i64) {
        match state {
            super::queues::READY => self.ready += tasks,
            super::queues::SCHEDULED => self.scheduled += tasks,
            super::queues::LEASED => self.leased += tasks,
            super::queues::DEAD => self.dead += tasks,
            super::queues::COMPLETED => self.kept += tasks,
            super::queues::CANCELLED => self.cancelled_kept += tasks,
            super::queues::COMPLETED_BY_TYPE => {
                self.kept += tasks;
                self.kept_by_type += tasks;
            }
            super::queues::CANCELLED_BY_TYPE => {
                self.cancelled_kept += tasks;
                self.cancelled_kept_by_type += tasks;
            }
            _ => {}
        }
    }

    /// The parameters of [`ADD`] after the queue.
    fn row(self) -> [Option<i64>; 15] {
        let Self { ready, scheduled, leased, dead, kept, cancelled_kept, .. } = self;
        let Self { enqueued, completed, failed, reclaimed, cancelled, deleted, expired, .. } = self;
        let Self { kept_by_type, cancelled_kept_by_type, .. } = self;
        let all = [
            ready,
            scheduled,
            leased,
            dead,
            kept,
            cancelled_kept,
            enqueued,
            completed,
            failed,
            reclaimed,
            cancelled,
            deleted,
            expired,
            kept_by_type,
            cancelled_kept_by_type,
        ];
        all.map(|change| (change != 0).then_some(change))
    }
}

/// The changes of all queues' counters in the transaction in progress.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    by_queue: BTreeMap<i32, Delta>,
}

impl Counters {
    pub(crate) fn of(&mut self, queue: i32) -> &mut Delta {
        self.by_queue.entry(queue).or_default()
    }

    /// The changes of a queue's counters that were not taken yet.
    pub(crate) fn so_far(&self, queue: i32) -> Delta {
        self.by_queue.get(&queue).copied().unwrap_or_default()
    }

    /// The queues that keep more completed tasks by their own retention than before, and how many more.
    pub(crate) fn with_more_kept(&self) -> Vec<(i32, i64)> {
        let kept = |delta: &Delta| delta.kept - delta.kept_by_type;
        let more = self.by_queue.iter().filter(|(_, delta)| kept(delta) > 0);
        more.map(|(queue, delta)| (*queue, kept(delta))).collect()
    }

    /// Whether no counter was changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_queue.values().all(|delta| *delta == Delta::default())
    }

    /// Takes the changes of all queues.
    pub(crate) fn take(&mut self) -> Vec<(i32, Delta)> {
        let all = std::mem::take(&mut self.by_queue);
        all.into_iter().filter(|(_, delta)| *delta != Delta::default()).collect()
    }
}

/// The parameters of [`ADD`]; 0 is left out, as NULL takes no room.
#[derive(Debug)]
pub(crate) struct Row {
    queue: i32,
    changes: [Option<i64>; 15],
}

impl Row {
    pub(crate) fn new((queue, delta): (i32, Delta)) -> Self {
        Self { queue, changes: delta.row() }
    }

    pub(crate) fn values(&self) -> Vec<&dyn Value> {
        let queue: &dyn Value = &self.queue;
        let changes = self.changes.iter().map(|change| -> &dyn Value { change });
        std::iter::once(queue).chain(changes).collect()
    }
}
