//! Ending, extending and giving back a lease, each fenced: the change applies only where this very
//! claim still holds the task and has not expired.

use rusqlite::params;

use super::{SqliteStore, history};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::lease::LeaseKey;
use crate::limits::ERROR_BYTES_MAX;
use crate::store::{AfterFailure, Answer};
use crate::task::State;

/// Ends a task well.
pub(super) const COMPLETE: &str = "DELETE FROM task
     WHERE id = ?1 AND token = ?2 AND state = 2 AND lease_expires_at > ?3";
/// Ends an attempt badly.
pub(super) const FAIL: &str =
    "UPDATE task SET state = ?4, run_at = ?5, error = ?6, lease_expires_at = NULL
     WHERE id = ?1 AND token = ?2 AND state = 2 AND lease_expires_at > ?3";
/// Moves the end of a lease.
pub(super) const EXTEND: &str = "UPDATE task SET lease_expires_at = ?4
     WHERE id = ?1 AND token = ?2 AND state = 2 AND lease_expires_at > ?3";
/// Gives a task back.
pub(super) const RELEASE: &str =
    "UPDATE task SET state = 0, attempt = attempt - 1, lease_expires_at = NULL
     WHERE id = ?1 AND token = ?2 AND state = 2 AND lease_expires_at > ?3";

/// Outer error: SQL failed. Inner: the lease no longer holds.
type Settled = Result<Result<Answer>>;

impl SqliteStore {
    pub(super) fn complete(&mut self, now: Timestamp, key: &LeaseKey) -> Settled {
        let keeps = self.settings_of(key.queue)?.keep > 0;
        if keeps {
            self.execute(history::KEEP, [key.id.as_i64(), key.token, now.as_micros(), key.queue])?;
        }
        let deleted = self.execute(COMPLETE, [key.id.as_i64(), key.token, now.as_micros()])?;
        if deleted == 0 {
            return Ok(Err(lost(key)));
        }
        if key.payload_apart && !keeps {
            self.execute("DELETE FROM payload WHERE task = ?1", [key.id.as_i64()])?;
        }
        let counters = self.ledger.counters.of(key.queue);
        counters.kept += i64::from(keeps);
        counters.leased -= 1;
        counters.completed += 1;
        Ok(Ok(Answer::Completed))
    }

    pub(super) fn fail(
        &mut self,
        now: Timestamp,
        key: &LeaseKey,
        error: &str,
        next: AfterFailure,
    ) -> Settled {
        let (state, run_at) = match next {
            AfterFailure::Dead => (State::Dead, now),
            AfterFailure::Retry(delay) if delay.is_zero() => (State::Ready, now),
            AfterFailure::Retry(delay) => (State::Scheduled, now.after(delay)),
        };
        let error = error.get(..error.floor_char_boundary(ERROR_BYTES_MAX)).unwrap_or(error);
        let updated = self.execute(
            FAIL,
            params![
                key.id.as_i64(),
                key.token,
                now.as_micros(),
                super::stored(state),
                run_at.as_micros(),
                error
            ],
        )?;
        if updated == 0 {
            return Ok(Err(lost(key)));
        }
        let counters = self.ledger.counters.of(key.queue);
        counters.leased -= 1;
        counters.failed += 1;
        match state {
            State::Ready => counters.ready += 1,
            State::Scheduled => counters.scheduled += 1,
            State::Leased | State::Dead | State::Completed => counters.dead += 1,
        }
        Ok(Ok(Answer::Failed(state)))
    }

    pub(super) fn extend(
        &self,
        now: Timestamp,
        key: &LeaseKey,
        lease: std::time::Duration,
    ) -> Settled {
        let expires_at = now.after(lease);
        let updated = self.execute(
            EXTEND,
            [key.id.as_i64(), key.token, now.as_micros(), expires_at.as_micros()],
        )?;
        Ok(if updated == 0 { Err(lost(key)) } else { Ok(Answer::Extended(expires_at)) })
    }

    pub(super) fn release(&mut self, now: Timestamp, key: &LeaseKey) -> Settled {
        let updated = self.execute(RELEASE, [key.id.as_i64(), key.token, now.as_micros()])?;
        if updated == 0 {
            return Ok(Err(lost(key)));
        }
        let counters = self.ledger.counters.of(key.queue);
        counters.leased -= 1;
        counters.ready += 1;
        Ok(Ok(Answer::Released))
    }
}

fn lost(key: &LeaseKey) -> Error {
    Error::LeaseLost { id: key.id, token: key.token }
}
