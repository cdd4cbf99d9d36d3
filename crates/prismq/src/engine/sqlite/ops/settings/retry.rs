//! Retry policies of task types, which all processes share.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::writer::Writer;
use crate::engine::{AfterFailure, Answer};
use crate::model::{LeaseKey, Result, RetryPolicy};

/// The policy of a task's type, or only an operator's, and the task's attempts.
pub(crate) const POLICY: &str =
    "SELECT initial, longest, multiplier, jitter, attempt FROM prismq_task
     JOIN prismq_lane ON prismq_lane.id = prismq_task.lane
     JOIN prismq_retry ON prismq_retry.type = prismq_lane.type
     WHERE prismq_task.id = ?1 AND prismq_retry.by_operator >= ?2";
/// Sets a type's policy; an operator's is replaced only by another of an operator.
pub(crate) const SET: &str =
    "INSERT INTO prismq_retry (type, by_operator, initial, longest, multiplier, jitter)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT (type) DO UPDATE SET by_operator = excluded.by_operator, initial = excluded.initial,
         longest = excluded.longest, multiplier = excluded.multiplier, jitter = excluded.jitter
     WHERE excluded.by_operator OR NOT prismq_retry.by_operator";
/// Removes a type's policy.
pub(crate) const CLEAR: &str = "DELETE FROM prismq_retry WHERE type = ?1";

impl Writer {
    /// Sets or removes the policy of a type.
    pub(crate) fn set_retry(
        &mut self,
        task_type: &str,
        policy: Option<RetryPolicy>,
        by_operator: bool,
    ) -> Result<Answer> {
        let Some(RetryPolicy { initial, max, multiplier, jitter }) = policy else {
            self.execute(CLEAR, [task_type])?;
            return Ok(Answer::RetrySet);
        };
        let Self { ledger, connection, .. } = self;
        let used = ledger.features.begin_using(connection, Features::RETRY);
        used.map_err(|error| self.failure(error))?;
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let times = (micros(initial), micros(max));
        self.execute(SET, params![task_type, by_operator, times.0, times.1, multiplier, jitter])?;
        Ok(Answer::RetrySet)
    }

    /// What follows a failure, by the policy of the task's type if that is asked for and there is one.
    pub(crate) fn by_policy(&self, key: &LeaseKey, next: AfterFailure) -> Result<AfterFailure> {
        let (by_operator, otherwise) = match next {
            AfterFailure::ByPolicy { otherwise } => (false, AfterFailure::Retry(otherwise)),
            AfterFailure::UnlessByOperator(Some(delay)) => (true, AfterFailure::Retry(delay)),
            AfterFailure::UnlessByOperator(None) => (true, AfterFailure::Dead),
            _ => return Ok(next),
        };
        if !self.ledger.features.has(Features::RETRY) {
            return Ok(otherwise);
        }
        let found = self
            .prepare(POLICY)?
            .query_row(params![key.id.as_i64(), by_operator], |row| Ok((policy(row)?, row.get(4)?)))
            .optional()
            .map_err(|error| self.failure(error))?;
        Ok(found.map_or(otherwise, |(policy, attempt)| {
            AfterFailure::Retry(policy.delay(attempt, fastrand::f64()))
        }))
    }
}

/// A policy from the first columns of a row.
pub(crate) fn policy(row: &Row<'_>) -> rusqlite::Result<RetryPolicy> {
    let duration = |column| -> rusqlite::Result<Duration> {
        let micros: i64 = row.get(column)?;
        Ok(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
    };
    Ok(RetryPolicy {
        initial: duration(0)?,
        max: duration(1)?,
        multiplier: row.get(2)?,
        jitter: row.get(3)?,
    })
}
