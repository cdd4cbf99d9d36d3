//! Due tasks become ready, and expired leases are reclaimed: in bounded batches before the first claim of a
//! transaction, so that no timer writes.

use rusqlite::Row;

use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::batch::kept::records;
use crate::engine::sqlite::batch::lanes::Lane;
use crate::engine::sqlite::error;
use crate::engine::sqlite::ops::manage::cancel;
use crate::engine::sqlite::schema::state;
use crate::engine::sqlite::writer::Writer;
use crate::model::limits::LEASE_MAX;
use crate::model::{Result, State};
use crate::time::{Moment, Timestamp};

/// Makes due tasks ready; suspects stay suspects.
pub(crate) const PROMOTE: &str = "UPDATE prismq_task SET state = iif(suspect, 5, 0)
     WHERE id IN (SELECT id FROM prismq_task WHERE state = 1 AND run_at <= ?1
                  ORDER BY run_at LIMIT ?2)
     RETURNING lane, state";
/// Reclaims expired leases, and those that expire later than any lease that could be given now: where the wall
/// clock is the file's only time and was set back, they would hold their tasks for as long as it was wrong. An
/// attempt that was not begun does not count, so that a task does not die of another that killed its process. Its
/// tasks may have killed the holder: those that are not dead become suspects.
pub(crate) const RECLAIM: &str = "UPDATE prismq_task SET
         state = iif(begun AND attempt >= max_attempts, 3, 5),
         suspect = NOT (begun AND attempt >= max_attempts),
         error = iif(begun AND attempt >= max_attempts, ?3, error),
         attempt = attempt - (NOT begun AND attempt > 0),
         run_at = iif(begun AND attempt >= max_attempts, ?1, run_at),
         lease_expires_at = NULL
     WHERE id IN (SELECT id FROM prismq_task WHERE state = 2 AND lease_expires_at <= ?1
                  ORDER BY lease_expires_at LIMIT ?2)
        OR id IN (SELECT id FROM prismq_task WHERE state = 2 AND lease_expires_at > ?4
                  ORDER BY lease_expires_at DESC LIMIT ?2)
     RETURNING lane, state, id, iif(begun, token, NULL)";
/// When the next task is due.
pub(crate) const NEXT_RUN_AT: &str = "SELECT min(run_at) FROM prismq_task WHERE state = 1";
/// When the next lease expires.
pub(crate) const NEXT_EXPIRY: &str =
    "SELECT min(lease_expires_at) FROM prismq_task WHERE state = 2";
/// When the last lease expires.
pub(crate) const LAST_EXPIRY: &str =
    "SELECT max(lease_expires_at) FROM prismq_task WHERE state = 2";

const LEASE_EXPIRED: &str = "the lease expired before the attempt was settled";

impl Writer {
    /// Expires tasks that have not started in time, promotes due tasks and reclaims expired leases, each up to
    /// [`STEP_TASKS_MAX`].
    pub(crate) fn advance(&mut self, now: Moment) -> Result<()> {
        let Moment { wall, monotonic: now } = now;
        self.expire_due(now)?;
        let due = rusqlite::params![now.as_micros(), STEP_TASKS_MAX];
        let promoted: Vec<(i64, i64)> =
            self.moved(PROMOTE, due, |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (lane, state) in promoted {
            let Some(Lane { queue, .. }) = self.lane(lane)? else {
                self.dead_letter_lane(lane)?;
                continue;
            };
            self.ledger.limits.promoted(lane);
            let counters = self.ledger.counters.of(queue);
            counters.scheduled -= 1;
            counters.ready += 1;
            counters.suspects += i64::from(state == state::SUSPECT);
        }
        let latest = now.after(LEASE_MAX);
        let reclaimed: Vec<(i64, i64, i64, Option<i64>)> = self.moved(
            RECLAIM,
            rusqlite::params![now.as_micros(), STEP_TASKS_MAX, LEASE_EXPIRED, latest.as_micros()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        for (lane, state, task, begun) in reclaimed {
            // An attempt that was not begun does not count, and is not recorded.
            if let Some(token) = begun {
                records::add_expired(&self.connection, wall, task, token, LEASE_EXPIRED)
                    .map_err(|error| self.failure(error))?;
            }
            if state == state::DEAD {
                self.log_dead(task, LEASE_EXPIRED)?;
            }
            let Some(found) = self.lane(lane)? else {
                self.dead_letter_lane(lane)?;
                continue;
            };
            if found.is_limited() {
                let now = if state == state::SUSPECT { State::Ready } else { State::Dead };
                self.ledger.limits.left_lease(lane, now);
            }
            let queue = found.queue;
            let counters = self.ledger.counters.of(queue);
            counters.leased -= 1;
            counters.reclaimed += 1;
            if state == state::SUSPECT {
                counters.ready += 1;
                counters.suspects += 1;
            } else {
                counters.dead += 1;
            }
        }
        let Self { ledger, connection, path, .. } = self;
        cancel::end_requested(connection, ledger).map_err(|error| error::classify(path, error))
    }

    /// Whether [`Self::advance`] would move a task, or [`Self::fire`] enqueue one.
    pub(crate) fn has_due(&self, now: Moment) -> Result<bool> {
        Ok(self.next_due(now)?.is_some_and(|due| due <= now.monotonic)
            || self
                .first(LAST_EXPIRY, [])?
                .is_some_and(|last| last > now.monotonic.after(LEASE_MAX))
            || self.has_ahead_schedule(now)?)
    }

    /// When the next scheduled task is due, the next lease expires, the next schedule fires, a task may have to expire, or
    /// rows of the inbox are to be looked at again.
    pub(crate) fn next_due(&self, now: Moment) -> Result<Option<Timestamp>> {
        let run_at = self.first(NEXT_RUN_AT, [])?;
        let expires_at = self.first(NEXT_EXPIRY, [])?;
        let slot = self.next_slot(now)?;
        let look_at = self.next_look()?;
        let held = self.next_look_at_held(now)?;
        Ok(run_at.into_iter().chain(expires_at).chain(slot).chain(look_at).chain(held).min())
    }

    /// A lane; `None` if it is missing.
    pub(super) fn lane(&mut self, lane: i64) -> Result<Option<Lane>> {
        let found = self.ledger.lanes.by_id(&self.connection, lane);
        found.map_err(|error| self.failure(error))
    }

    /// The time that a statement returns.
    pub(super) fn first(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
    ) -> Result<Option<Timestamp>> {
        self.prepare(sql)?
            .query_row(params, |row| row.get::<_, Option<i64>>(0))
            .map(|micros| micros.map(Timestamp::from_micros))
            .map_err(|error| self.failure(error))
    }

    /// Runs an update that returns a row for each task it moved.
    fn moved<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut update = self.prepare(sql)?;
        update
            .query_map(params, read)
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::engine::sqlite::tests::{NOW, writer};
    use crate::engine::{Answer, Operation};
    use crate::model::{Claim, NewTask};
    use crate::time::{ManualClock, Timestamp};

    const LEASE: Duration = Duration::from_secs(60);

    /// What a claim reports as due next, after it leased one task and left one that is delayed.
    fn next_due(delay: Duration) -> Option<Timestamp> {
        let (_folder, mut writer) = writer();
        let tasks = [Duration::ZERO, delay].map(|delay| NewTask::new("job", []).delay(delay));
        let claim = Operation::Claim(Claim::new(["job"]).lease(LEASE).max(9));
        let clock = ManualClock::new(NOW);
        let batch = [Operation::Enqueue(tasks.to_vec()), claim];
        match writer.apply(&clock, &batch).unwrap().pop() {
            Some(Ok(Answer::Claimed(claimed))) => claimed.next_due,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn next_due_is_the_earlier_of_a_due_time_and_a_lease_expiry() {
        assert_eq!(next_due(LEASE / 2), Some(NOW.after(LEASE / 2)));
        assert_eq!(next_due(LEASE * 2), Some(NOW.after(LEASE)));
    }
}
