//! Completing, failing, extending and releasing, each fenced: a change applies only if the task is still held with
//! the lease's token. An expired lease holds its task until a claim reclaims it.

pub(crate) mod complete;
pub(crate) mod note;

use std::time::Duration;

use rusqlite::params;

use self::complete::{Completion, complete};
use crate::engine::sqlite::batch::kept::records;
use crate::engine::sqlite::batch::lease_note::LeaseNote;
use crate::engine::sqlite::error;
use crate::engine::sqlite::ops::dead_letters::expiry;
use crate::engine::sqlite::ops::manage::cancel;
use crate::engine::sqlite::schema::state;
use crate::engine::sqlite::writer::Writer;
use crate::engine::{AfterFailure, Answer, Cancelled};
use crate::model::limits::ERROR_BYTES_MAX;
use crate::model::{Error, Failure, LeaseKey, Result, State};
use crate::time::{Moment, Timestamp};

/// Records a failed attempt. Its handler returned, so that the task is no suspect.
pub(crate) const FAIL: &str =
    "UPDATE prismq_task SET state = ?3, run_at = ?4, error = ?5, lease_expires_at = NULL, suspect = 0
     WHERE id = ?1 AND token = ?2 AND state = 2";
/// Puts a task off without counting the attempt. Its handler returned, so that the task is no suspect.
pub(crate) const SNOOZE: &str =
    "UPDATE prismq_task SET state = ?3, run_at = ?4, attempt = attempt - 1, lease_expires_at = NULL, suspect = 0
     WHERE id = ?1 AND token = ?2 AND state = 2";
/// Extends a lease.
pub(crate) const EXTEND: &str = "UPDATE prismq_task SET lease_expires_at = ?3
     WHERE id = ?1 AND token = ?2 AND state = 2";
/// Records that an attempt has begun.
pub(crate) const BEGIN: &str = "UPDATE prismq_task SET begun = 1
     WHERE id = ?1 AND token = ?2 AND state = 2";
/// Releases a task that is no suspect.
pub(crate) const RELEASE: &str =
    "UPDATE prismq_task SET state = 0, attempt = attempt - 1, lease_expires_at = NULL
     WHERE id = ?1 AND token = ?2 AND state = 2 AND NOT suspect";
/// Releases a suspect, which stays one.
pub(crate) const RELEASE_SUSPECT: &str =
    "UPDATE prismq_task SET state = 5, attempt = attempt - 1, lease_expires_at = NULL
     WHERE id = ?1 AND token = ?2 AND state = 2 AND suspect";

/// Releases a task to be ready at a later time; a suspect stays one.
pub(crate) const DEFER: &str =
    "UPDATE prismq_task SET state = 1, run_at = ?3, attempt = attempt - 1, lease_expires_at = NULL
     WHERE id = ?1 AND token = ?2 AND state = 2";

/// Outer error: SQL failed. Inner: the lease was lost.
type Settled = Result<Result<Answer>>;

impl Writer {
    /// Completes tasks; an answer for each.
    pub(crate) fn complete(
        &mut self,
        completions: &[Completion<'_>],
    ) -> Result<Vec<Result<Answer>>> {
        let file = self.file_number();
        complete(&self.connection, &mut self.ledger, file, completions)
            .map_err(|error| self.failure(error))
    }

    pub(crate) fn fail(
        &mut self,
        now: Moment,
        key: &LeaseKey,
        failure: &Failure,
        next: AfterFailure,
    ) -> Settled {
        let next = self.by_policy(key, next)?;
        let (state, run_at) = match next {
            AfterFailure::Dead | AfterFailure::Cancelled | AfterFailure::UnlessByOperator(None) => {
                (State::Dead, now.monotonic)
            }
            AfterFailure::Retry(delay)
            | AfterFailure::ByPolicy { otherwise: delay }
            | AfterFailure::UnlessByOperator(Some(delay))
            | AfterFailure::Snooze(delay) => {
                let state = if delay.is_zero() { State::Ready } else { State::Scheduled };
                (state, now.monotonic.after(delay))
            }
        };
        let (id, token, at) = (key.id.as_i64(), key.token, run_at.as_micros());
        let error = failure.error.as_str();
        let error = error.get(..error.floor_char_boundary(ERROR_BYTES_MAX)).unwrap_or(error);
        let is_snoozed = matches!(next, AfterFailure::Snooze(_));
        let updated = if is_snoozed {
            self.execute(SNOOZE, params![id, token, state::stored(state), at])?
        } else {
            self.execute(FAIL, params![id, token, state::stored(state), at, error])?
        };
        if updated == 0 {
            return Ok(Err(lost(key)));
        }
        if is_snoozed {
            // It has started, although the attempt does not count.
            expiry::clear(&self.connection, self.ledger.features, id)
                .map_err(|error| self.failure(error))?;
        }
        if next.is_failure() {
            records::add_attempt(&self.connection, now.wall, key, failure)
                .map_err(|error| self.failure(error))?;
        }
        let note = LeaseNote::from(key.note);
        self.ledger.limits.left_lease(note.limited_lane, state);
        let counters = self.ledger.counters.of(note.queue);
        counters.leased -= 1;
        counters.failed += i64::from(next.is_failure());
        match state {
            State::Ready => counters.ready += 1,
            State::Scheduled => counters.scheduled += 1,
            State::Leased | State::Dead | State::Completed | State::Cancelled => counters.dead += 1,
        }
        let is_cancelled = match next {
            AfterFailure::Cancelled => self.end_stopped(key).map(|()| true)?,
            _ => self.end_if_requested(key)?,
        };
        let state = if is_cancelled { State::Cancelled } else { state };
        if state == State::Dead {
            self.log_dead(id, error)?;
        }
        Ok(Ok(Answer::Failed(state)))
    }

    /// Ends a task that is held no more as cancelled.
    fn end_stopped(&mut self, key: &LeaseKey) -> Result<()> {
        let Self { ledger, connection, path, .. } = self;
        cancel::end_stopped(connection, ledger, key.id)
            .map_err(|error| error::classify(path, error))
    }

    /// Ends a task that is held no more as cancelled, if that was requested.
    fn end_if_requested(&mut self, key: &LeaseKey) -> Result<bool> {
        let Self { ledger, connection, path, .. } = self;
        cancel::end_if_requested(connection, ledger, key.id.as_i64())
            .map_err(|error| error::classify(path, error))
    }

    /// A task went back to its queue without having run: it may be late, or is to be cancelled.
    fn released(&mut self, key: &LeaseKey) -> Settled {
        expiry::returned(&self.connection, self.ledger.features, key.id.as_i64())
            .map_err(|error| self.failure(error))?;
        Ok(Ok(match self.end_if_requested(key)? {
            true => Answer::Cancelled(Cancelled { ended: 1, requested: Vec::new() }),
            false => Answer::Released,
        }))
    }

    pub(crate) fn extend(&self, now: Moment, key: &LeaseKey, lease: Duration) -> Settled {
        let expires_at = now.after(lease);
        let end = expires_at.monotonic.as_micros();
        let updated = self.execute(EXTEND, [key.id.as_i64(), key.token, end])?;
        Ok(if updated == 0 { Err(lost(key)) } else { Ok(Answer::Extended(expires_at)) })
    }

    pub(crate) fn begin_attempt(&self, key: &LeaseKey) -> Settled {
        let updated = self.execute(BEGIN, [key.id.as_i64(), key.token])?;
        Ok(if updated == 0 { Err(lost(key)) } else { Ok(Answer::Begun) })
    }

    pub(crate) fn release(&mut self, key: &LeaseKey) -> Settled {
        let held = [key.id.as_i64(), key.token];
        // Two statements: one that returns which case applied costs half as much again.
        let suspect = self.execute(RELEASE, held)? == 0;
        if suspect && self.execute(RELEASE_SUSPECT, held)? == 0 {
            return Ok(Err(lost(key)));
        }
        let note = LeaseNote::from(key.note);
        self.ledger.limits.left_lease(note.limited_lane, State::Ready);
        let counters = self.ledger.counters.of(note.queue);
        counters.leased -= 1;
        counters.ready += 1;
        counters.suspects += i64::from(suspect);
        self.released(key)
    }

    pub(crate) fn defer(&mut self, now: Timestamp, key: &LeaseKey, pause: Duration) -> Settled {
        let until = now.after(pause).as_micros();
        if self.execute(DEFER, [key.id.as_i64(), key.token, until])? == 0 {
            return Ok(Err(lost(key)));
        }
        let note = LeaseNote::from(key.note);
        self.ledger.limits.left_lease(note.limited_lane, State::Scheduled);
        let counters = self.ledger.counters.of(note.queue);
        counters.leased -= 1;
        counters.scheduled += 1;
        self.released(key)
    }
}

/// The answer to a lease that was claimed from another file.
pub(crate) const fn foreign(key: &LeaseKey) -> Error {
    Error::ForeignLease { id: key.id, token: key.token }
}

/// The answer to a lease that no longer holds its task.
pub(crate) const fn lost(key: &LeaseKey) -> Error {
    Error::LeaseLost { id: key.id, token: key.token }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::engine::sqlite::tests::{NOW, claim_of, claimed_by, writer};
    use crate::engine::sqlite::writer::Writer;
    use crate::engine::{Answer, Operation};
    use crate::model::{Error, Lease, LeaseKey, NewTask, Result};
    use crate::time::ManualClock;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn an_expired_lease_completes_its_task_before_the_claim_of_the_same_transaction() {
        let (_folder, mut writer) = writer();
        let clock = ManualClock::new(NOW);
        let tasks = vec![NewTask::new("job", []); 2];
        writer.apply(&clock, &[Operation::Enqueue(tasks)]).unwrap();
        let late = claimed_by(&mut writer, &clock).unwrap();
        let later = claimed_by(&mut writer, &clock).unwrap();
        clock.advance(HOUR);
        let batch = [Operation::complete(late.key), claim_of(9), Operation::complete(later.key)];
        let answers = writer.apply(&clock, &batch).unwrap();
        let [Ok(Answer::Completed), Ok(Answer::Claimed(claimed)), Err(lost)] = &answers[..] else {
            panic!("{answers:?}")
        };
        assert_eq!(claimed.leases.len(), 1);
        assert_eq!(claimed.leases[0].id(), later.id());
        assert!(lost.is_lease_lost());
    }

    fn apply(writer: &mut Writer, batch: &[Operation]) -> Vec<Result<Answer>> {
        writer.apply(&ManualClock::new(NOW), batch).unwrap()
    }

    fn one_leased(writer: &mut Writer) -> Lease {
        apply(writer, &[Operation::Enqueue(vec![NewTask::new("job", [])])]);
        match apply(writer, &[claim_of(1)]).pop() {
            Some(Ok(Answer::Claimed(mut claimed))) => claimed.leases.pop().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn of_two_completions_in_one_batch_the_second_finds_its_lease_lost() {
        let (_folder, mut writer) = writer();
        let key = one_leased(&mut writer).key;
        let answers = apply(&mut writer, &[Operation::complete(key), Operation::complete(key)]);
        let [Ok(Answer::Completed), Err(Error::LeaseLost { .. })] = answers.as_slice() else {
            panic!("{answers:?}");
        };
        let counted = "SELECT leased, completed FROM prismq_queue";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let counted: (i64, i64) = writer.connection.query_row(counted, [], read).unwrap();
        assert_eq!(counted, (0, 1));
    }

    #[test]
    fn an_outdated_token_begins_no_attempt() {
        let (_folder, mut writer) = writer();
        let key = one_leased(&mut writer).key;
        let stale = LeaseKey { token: key.token - 1, ..key };
        let answers = apply(&mut writer, &[Operation::Begin(stale), Operation::Begin(key)]);
        let [Err(Error::LeaseLost { .. }), Ok(Answer::Begun)] = answers.as_slice() else {
            panic!("{answers:?}");
        };
    }
}
