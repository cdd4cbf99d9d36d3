//! Retry policies of task types, which all processes share.

use std::collections::HashMap;
use std::time::Duration;

use crate::engine::postgres::client::{Columns, Value};
use tokio_postgres::Row;

use crate::engine::Answer;
use crate::engine::postgres::batch::run::Run;
use crate::model::{Result, RetryPolicy};

/// The policies of the types of these tasks, each with the task's attempts.
pub(crate) const POLICIES: &str =
    "SELECT t.id, t.attempt, r.initial, r.longest, r.multiplier, r.jitter
     FROM unnest($1::bigint[], $2::boolean[]) k (id, by_operator) JOIN prismq.task t ON t.id = ANY (ARRAY[k.id])
          JOIN prismq.lane l ON l.id = t.lane JOIN prismq.retry r ON r.type = l.type
     WHERE r.by_operator >= k.by_operator";
/// Sets a type's policy; an operator's is replaced only by another of an operator.
pub(crate) const SET: &str = "INSERT INTO prismq.retry AS r (type, by_operator, initial, longest, multiplier, jitter)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (type) DO UPDATE SET by_operator = excluded.by_operator, initial = excluded.initial,
         longest = excluded.longest, multiplier = excluded.multiplier, jitter = excluded.jitter
     WHERE excluded.by_operator OR NOT r.by_operator";
/// Removes a type's policy.
const CLEAR: &str = "DELETE FROM prismq.retry WHERE type = $1";

impl Run<'_, '_> {
    /// Sets or removes the policy of a type.
    pub(crate) fn set_retry(
        &mut self,
        task_type: &str,
        policy: Option<RetryPolicy>,
        by_operator: bool,
    ) -> Result<Answer> {
        let Some(RetryPolicy { initial, max, multiplier, jitter }) = policy else {
            self.execute(CLEAR, &[&task_type])?;
            return Ok(Answer::RetrySet);
        };
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let (initial, longest) = (micros(initial), micros(max));
        let params: [&dyn Value; 6] =
            [&task_type, &by_operator, &initial, &longest, &multiplier, &jitter];
        self.execute(SET, &params)?;
        Ok(Answer::RetrySet)
    }

    /// How long these tasks wait for their next attempt, by the policies of their types, or only by those of operators;
    /// those without one are left out.
    pub(in crate::engine::postgres::ops) fn policy_delays(
        &mut self,
        tasks: &[(i64, bool)],
    ) -> Result<HashMap<i64, Duration>> {
        if tasks.is_empty() {
            return Ok(HashMap::new());
        }
        let (ids, by_operator): (Vec<i64>, Vec<bool>) = tasks.iter().copied().unzip();
        let rows = self.query(POLICIES, &[&ids, &by_operator])?;
        let delay = |row: &Row| {
            Ok((row.column(0)?, policy(row, 2)?.delay(row.number(1)?, fastrand::f64())))
        };
        rows.iter().map(delay).collect()
    }
}

/// A policy from the columns from this one on.
pub(crate) fn policy(row: &Row, from: usize) -> Result<RetryPolicy> {
    let duration = |column| -> Result<Duration> { Ok(Duration::from_micros(row.count(column)?)) };
    Ok(RetryPolicy {
        initial: duration(from)?,
        max: duration(from + 1)?,
        multiplier: row.column(from + 2)?,
        jitter: row.column(from + 3)?,
    })
}
