//! Setting and removing limits, and how many tasks of a queue run at once.

use std::time::Duration;

use tokio_postgres::Row;

use super::Answered;
use crate::engine::Answer;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::{Columns, Value};
use crate::engine::postgres::ops::names::ADD_LIMIT;
use crate::model::limits::LIMITS_MAX;
use crate::model::{Bounds, Error, Limit, Rate, Result};

/// Keeps others from adding limits, so that there are no more than may be.
const LOCK: &str = "LOCK TABLE prismq.limits IN SHARE ROW EXCLUSIVE MODE";
/// Whether a limit is set.
const IS_SET: &str = "SELECT id FROM prismq.limits WHERE name = $1 AND NOT removed";
/// Adds a limit without bounds, if there is room for it.
const ADD: &str = "INSERT INTO prismq.limits (name) SELECT $1
     WHERE (SELECT count(*) FROM prismq.limits WHERE name IS NOT NULL AND NOT removed) < $2
     ON CONFLICT (name) DO UPDATE SET removed = false RETURNING id";
/// Sets the bounds of a limit, and locks it.
pub(crate) const SET: &str =
    "UPDATE prismq.limits SET concurrency = $2, tasks = $3, period = $4, burst = $5,
         key_concurrency = $6, key_tasks = $7, key_period = $8, key_burst = $9
     WHERE id = $1";
/// Where the rate before led to a later arrival time than the new one can, it counts as that.
pub(crate) const CUT_ARRIVAL: &str =
    "UPDATE prismq.arrival SET time = $2 WHERE limits = $1 AND time > $2";
/// The same for the keys of the limit that wait for its rate.
pub(crate) const CUT_ARRIVALS: &str =
    "UPDATE prismq.key SET arrival = least(arrival, $2), due_at = NULL
     WHERE limits = $1 AND (arrival > $2 OR due_at IS NOT NULL)";
/// Lets claims look at the lines of a limit, against its new bounds.
pub(crate) const ASK: &str = "INSERT INTO prismq.turn (lane, turn, line)
     SELECT l.lane, l.turn, l.id
     FROM prismq.key k CROSS JOIN LATERAL (SELECT * FROM prismq.line WHERE key = k.id OFFSET 0) l
     WHERE k.limits = $1 AND (SELECT true FROM prismq.ready r WHERE r.lane = l.id LIMIT 1)";
/// Marks a limit as removed. Its number stays that of the tasks that are under it, which it counts if it is set again.
const REMOVE: &str = "UPDATE prismq.limits SET removed = true WHERE id = $1";
const SET_CONCURRENCY: &str = "UPDATE prismq.queue SET concurrency = $2 WHERE id = $1";

impl Run<'_, '_> {
    /// Outer error: SQL failed. Inner: there is no room.
    pub(crate) fn set_limit(&mut self, name: &str, limit: &Limit) -> Answered {
        let id = match self.limit_named(name)? {
            Some(id) => id,
            None => {
                self.execute(LOCK, &[])?;
                match self.query(ADD, &[&name, &i64::from(LIMITS_MAX)])?.pop() {
                    Some(row) => row.column(0)?,
                    None => return Ok(Err(Error::TooManyLimits { limit: name.to_owned() })),
                }
            }
        };
        self.set_bounds(id, limit)?;
        Ok(Ok(Answer::LimitSet))
    }

    /// Removes a limit. Tasks that wait for its bounds are let go.
    pub(crate) fn remove_limit(&mut self, name: &str) -> Result<Answer> {
        let Some(id) = self.limit_named(name)? else { return Ok(Answer::LimitRemoved(false)) };
        self.set_bounds(id, &Limit::unlimited())?;
        self.execute(REMOVE, &[&id])?;
        Ok(Answer::LimitRemoved(true))
    }

    /// Outer error: SQL failed. Inner: there is no room for another queue.
    pub(crate) fn set_concurrency(&mut self, queue: &str, tasks: Option<u32>) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        // Claims of the queue lock its limit.
        self.execute(ADD_LIMIT, &[&queue])?;
        let tasks = tasks.map(stored);
        self.set(id, SET_CONCURRENCY, &[&id, &tasks])?;
        self.limits.locked = None;
        Ok(Ok(Answer::LimitSet))
    }

    fn limit_named(&mut self, name: &str) -> Result<Option<i32>> {
        let row = self.query(IS_SET, &[&name])?.pop();
        row.map(|row| row.column(0)).transpose()
    }

    fn set_bounds(&mut self, id: i32, limit: &Limit) -> Result<()> {
        let now = self.now.monotonic.as_micros();
        let (total, per_key) = (StoredBounds::of(limit.total), StoredBounds::of(limit.per_key));
        let arrival = limit.total.latest_arrival(now);
        let set: [&dyn Value; 9] = [
            &id,
            &total.concurrency,
            &total.tasks,
            &total.period,
            &total.burst,
            &per_key.concurrency,
            &per_key.tasks,
            &per_key.period,
            &per_key.burst,
        ];
        let of_limit: [&dyn Value; 2] = [&id, &arrival];
        let of_keys = limit.per_key.latest_arrival(now);
        let cut: [&dyn Value; 2] = [&id, &of_keys];
        let ask: [&dyn Value; 1] = [&id];
        self.query_all(&[
            (SET, &set),
            (CUT_ARRIVAL, &of_limit),
            (CUT_ARRIVALS, &cut),
            (ASK, &ask),
        ])?;
        self.limits.locked = None;
        Ok(())
    }
}

/// Bounds as they are stored.
struct StoredBounds {
    concurrency: Option<i32>,
    tasks: Option<i32>,
    period: Option<i64>,
    burst: Option<i32>,
}

impl StoredBounds {
    fn of(bounds: Bounds) -> Self {
        let rate = bounds.rate;
        let period = |rate: Rate| i64::try_from(rate.period.as_micros()).unwrap_or(i64::MAX);
        Self {
            concurrency: bounds.concurrency.map(stored),
            tasks: rate.map(|rate| stored(rate.tasks)),
            period: rate.map(period),
            burst: rate.map(|rate| stored(rate.burst)),
        }
    }
}

fn stored(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The bounds of a limit, from eight columns of a row, the first of which has this index.
pub(crate) fn limit_at(row: &Row, first: usize) -> Result<Limit> {
    Ok(Limit { total: bounds_at(row, first)?, per_key: bounds_at(row, first + 4)? })
}

fn bounds_at(row: &Row, first: usize) -> Result<Bounds> {
    let number = |column: usize| -> Result<Option<u32>> {
        let number: Option<i32> = row.column(column)?;
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    };
    let period: Option<i64> = row.column(first + 2)?;
    let period = period.and_then(|micros| u64::try_from(micros).ok()).map(Duration::from_micros);
    let rate = match (number(first + 1)?, period, number(first + 3)?) {
        (Some(tasks), Some(period), Some(burst)) => Some(Rate { tasks, period, burst }),
        _ => None,
    };
    Ok(Bounds { concurrency: number(first)?, rate })
}
