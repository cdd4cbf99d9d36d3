//! Retention of task types: their ended tasks are kept for a time, independent of what their queue keeps.
//!
//! Completed and cancelled tasks are kept with the time until when, so that another setting applies to those that end
//! after it. Dead ones are kept for the time that is set now.

use std::collections::HashMap;
use std::time::Duration;

use crate::engine::Answer;
use crate::engine::postgres::batch::STEP_TASKS_MAX;
use crate::engine::postgres::batch::queues::DEAD;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::batch::send::Ticket;
use crate::engine::postgres::client::{Columns, Row};
use crate::engine::postgres::ops::records;
use crate::model::Result;

/// Sets how long the ended tasks of a type are kept; an operator's setting is replaced only by another of an operator.
pub(crate) const SET: &str =
    "INSERT INTO prismq.type_retention AS r (type, by_operator, age) VALUES ($1, $2, $3)
     ON CONFLICT (type) DO UPDATE SET by_operator = excluded.by_operator, age = excluded.age
     WHERE (excluded.by_operator OR NOT r.by_operator)
         AND (excluded.by_operator, excluded.age) IS DISTINCT FROM (r.by_operator, r.age)
     RETURNING type";
/// Removes it.
const CLEAR: &str = "DELETE FROM prismq.type_retention WHERE type = $1 RETURNING type";
/// Of these tasks, those whose types have a retention, with its time.
pub(crate) const AGES: &str = "SELECT t.id, r.age FROM unnest($1::bigint[]) k (id)
     JOIN prismq.task t ON t.id = ANY (ARRAY[k.id]) JOIN prismq.lane l ON l.id = t.lane
     JOIN prismq.type_retention r ON r.type = l.type";
/// The lanes of a queue whose types have a retention.
pub(crate) const LANES: &str =
    "SELECT l.id FROM prismq.lane l JOIN prismq.type_retention r ON r.type = l.type
     WHERE l.queue = $1";
/// The dead tasks of a queue that are of no such lane, counted up to a number.
pub(crate) const OTHER_DEAD: &str = "SELECT count(*) FROM (
     SELECT FROM prismq.ended WHERE queue = $1 AND state = 3 AND (lane IS NULL OR lane <> ALL ($2))
     ORDER BY queue, state, ending, id LIMIT $3) e";
/// Deletes completed and cancelled tasks that were kept for the time of their type; of each queue and state, how many.
pub(crate) const OVER: &str = concat!(
    "WITH e AS (DELETE FROM prismq.ended WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM prismq.ended WHERE state IN (7, 8) AND at <= $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))
         RETURNING id, queue, state),
     d AS (DELETE FROM prismq.task t USING e WHERE t.id = ANY (ARRAY[e.id]) RETURNING t.id, t.failures > 0 OR t.noted AS recorded), ",
    records!(),
    " SELECT queue, state, count(*) FROM e GROUP BY queue, state"
);
/// The same for dead ones.
pub(crate) const DEAD_OVER: &str = concat!(
    "WITH e AS (DELETE FROM prismq.ended WHERE ctid = ANY (ARRAY(
         SELECT x.place FROM prismq.type_retention r JOIN prismq.lane l ON l.type = r.type CROSS JOIN LATERAL (
             SELECT ctid AS place FROM prismq.ended WHERE state = 3 AND lane = l.id AND at <= $1 - r.age
             ORDER BY lane, at LIMIT $2 FOR UPDATE SKIP LOCKED) x))
         RETURNING id, queue, state),
     d AS (DELETE FROM prismq.task t USING e WHERE t.id = ANY (ARRAY[e.id]) RETURNING t.id, t.failures > 0 OR t.noted AS recorded), ",
    records!(),
    " SELECT queue, state, count(*) FROM e GROUP BY queue, state"
);

impl Run<'_, '_> {
    /// Sets or removes the time of a type.
    pub(crate) fn set_type_retention(
        &mut self,
        task_type: &str,
        age: Option<Duration>,
        by_operator: bool,
    ) -> Result<Answer> {
        let changed = match age {
            None => self.query(CLEAR, &[&task_type])?,
            Some(age) => {
                let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
                self.has_type_retention = true;
                self.query(SET, &[&task_type, &by_operator, &age])?
            }
        };
        if !changed.is_empty() {
            self.forget_settings();
        }
        Ok(Answer::TypeRetentionSet)
    }

    /// Until when those of the tasks are kept that end now and whose types have a retention.
    pub(crate) fn kept_by_type_until(&mut self, ids: &[i64]) -> Result<HashMap<i64, i64>> {
        if !self.has_type_retention || ids.is_empty() {
            return Ok(HashMap::new());
        }
        let wall = self.now.wall.as_micros();
        let rows = self.query(AGES, &[&ids.to_vec()])?;
        let until = |age: i64| wall.saturating_add(age);
        rows.iter().map(|row| Ok((row.column(0)?, until(row.column(1)?)))).collect()
    }

    /// The dead tasks of a queue that are of none of these lanes, counted up to a number.
    pub(in crate::engine::postgres::ops) fn count_other_dead(
        &mut self,
        queue: i32,
        lanes: &[i32],
        most: i64,
    ) -> Result<i64> {
        self.row(OTHER_DEAD, &[&queue, &lanes.to_vec(), &most])?.column(0)
    }

    /// Deletes some of the tasks that were kept for the time of their type, with the next statement that is sent.
    pub(in crate::engine::postgres::ops) fn prune_by_type(&mut self) -> Vec<Ticket> {
        let (wall, now) = (self.now.wall.as_micros(), self.now.monotonic.as_micros());
        let over = self.put_off(OVER, &[&wall, &STEP_TASKS_MAX]);
        let dead =
            self.has_type_retention.then(|| self.put_off(DEAD_OVER, &[&now, &STEP_TASKS_MAX]));
        std::iter::once(over).chain(dead).collect()
    }

    /// Counts those that were deleted.
    pub(in crate::engine::postgres::ops) fn count_pruned_by_type(
        &mut self,
        deletions: Vec<Ticket>,
    ) -> Result<()> {
        let over: Vec<Row> =
            deletions.into_iter().flat_map(|ticket| self.take_answer(ticket)).collect();
        for row in over {
            let (queue, state, tasks): (i32, i16, i64) =
                (row.column(0)?, row.column(1)?, row.column(2)?);
            let counters = self.counters.of(queue);
            counters.count(state, -tasks);
            counters.deleted += if state == DEAD { tasks } else { 0 };
        }
        Ok(())
    }
}
