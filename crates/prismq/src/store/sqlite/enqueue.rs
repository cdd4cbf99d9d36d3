//! Adding tasks.

use rusqlite::params;

use super::{SqliteStore, state};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::limits::PAYLOAD_BYTES_INLINE_MAX;
use crate::task::{NewTask, TaskId};

/// Bits of an order key below the priority: room for 2^47 tasks over the life of a file.
const SEQUENCE_BITS: u32 = 47;

/// Smaller keys run first: by priority, then by id, which is first in, first out.
const fn order_key(priority: i32, id: i64) -> i64 {
    ((priority as i64) << SEQUENCE_BITS) + id
}

impl SqliteStore {
    pub(super) fn enqueue(&mut self, now: Timestamp, tasks: &[NewTask]) -> Result<Vec<TaskId>> {
        let mut lanes = Vec::with_capacity(tasks.len());
        for task in tasks {
            lanes.push(self.lane_or_new(&task.queue, &task.task_type)?);
        }
        let first = self.take_ids(tasks.len())?;
        // Not through `self.prepare`: the counters change while these statements are held.
        let connection = &self.connection;
        let failure = |error| super::failure::classify(&self.path, error);
        let mut insert = connection
            .prepare_cached(
                "INSERT INTO task (id, lane, state, order_key, priority, max_attempts,
                                   enqueued_at, run_at, payload)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )
            .map_err(failure)?;
        let mut ids = Vec::with_capacity(tasks.len());
        for ((task, lane), id) in tasks.iter().zip(lanes).zip(first..) {
            let run_at = now.after(task.delay);
            let counters = self.counters.of(lane.queue);
            counters.enqueued += 1;
            let state = if run_at > now {
                counters.scheduled += 1;
                state::SCHEDULED
            } else {
                counters.ready += 1;
                state::READY
            };
            let inline = (task.payload.len() <= PAYLOAD_BYTES_INLINE_MAX).then_some(&*task.payload);
            insert
                .execute(params![
                    id,
                    lane.id,
                    state,
                    order_key(task.priority, id),
                    task.priority,
                    task.max_attempts,
                    now.as_micros(),
                    run_at.as_micros(),
                    inline,
                ])
                .map_err(failure)?;
            if inline.is_none() {
                connection
                    .prepare_cached("INSERT INTO payload (task, data) VALUES (?1, ?2)")
                    .and_then(|mut insert| insert.execute(params![id, &*task.payload]))
                    .map_err(failure)?;
            }
            ids.push(TaskId::from_i64(id));
        }
        Ok(ids)
    }

    /// Reserves ids in the transaction in progress and returns the first of them.
    fn take_ids(&mut self, count: usize) -> Result<i64> {
        let next = match self.next_id {
            Some(next) => next,
            None => self
                .prepare("SELECT next_id FROM sequence")?
                .query_row([], |row| row.get(0))
                .map_err(|error| self.failure(error))?,
        };
        self.next_id = Some(next + i64::try_from(count).unwrap_or(i64::MAX));
        Ok(next)
    }

    /// Writes back where the ids stand, at the end of the transaction that took some.
    pub(super) fn flush_ids(&mut self) -> Result<()> {
        if let Some(next) = self.next_id.take() {
            self.execute("UPDATE sequence SET next_id = ?1", [next])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::order_key;
    use crate::limits::{PRIORITY_MAX, PRIORITY_MIN};

    #[test]
    fn priority_comes_before_id_over_the_whole_range() {
        let last_id = (1 << super::SEQUENCE_BITS) - 1;
        assert!(order_key(PRIORITY_MIN, last_id) < order_key(PRIORITY_MIN + 1, 1));
        assert!(order_key(-1, last_id) < order_key(0, 1));
        assert!(order_key(PRIORITY_MAX, last_id) > order_key(PRIORITY_MAX - 1, last_id));
    }
}
