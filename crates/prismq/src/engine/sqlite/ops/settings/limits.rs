//! Setting and removing limits.

use std::time::Duration;

use rusqlite::{Row, params};

use crate::engine::Answer;
use crate::engine::sqlite::writer::Writer;
use crate::model::limits::LIMITS_MAX;
use crate::model::{Bounds, Error, Limit, Rate, Result};
use crate::time::Timestamp;

/// Sets a limit, if it exists or there is room for it.
const SET: &str = "INSERT INTO prismq_limit (name, concurrency, tasks, period, burst,
                           key_concurrency, key_tasks, key_period, key_burst)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
     WHERE (SELECT count(*) FROM prismq_limit WHERE removed = 0) < ?10
        OR EXISTS (SELECT 1 FROM prismq_limit WHERE name = ?1 AND removed = 0)
     ON CONFLICT (name) DO UPDATE SET removed = 0,
         concurrency = excluded.concurrency, tasks = excluded.tasks, period = excluded.period,
         burst = excluded.burst, key_concurrency = excluded.key_concurrency,
         key_tasks = excluded.key_tasks, key_period = excluded.key_period,
         key_burst = excluded.key_burst";
/// Opens the blocked lines of a limit, so that the next claim checks them against its new bounds.
pub(crate) const UNBLOCK_ALL: &str = "UPDATE prismq_line SET state = 1 WHERE state = 2
     AND key IN (SELECT prismq_key.id FROM prismq_key
                 JOIN prismq_limit ON prismq_limit.id = prismq_key.limits WHERE prismq_limit.name = ?1)";

/// Where the rate before led to a later arrival time than the new one can, it counts as that.
const CUT_ARRIVAL: &str = "UPDATE prismq_limit SET arrival = min(arrival, ?2) WHERE name = ?1";
/// The same for the keys of the limit.
const CUT_ARRIVALS: &str = "UPDATE prismq_key SET arrival = ?2, due_at = NULL
     WHERE limits = (SELECT id FROM prismq_limit WHERE name = ?1) AND arrival > ?2";

/// Whether a limit is set.
const IS_SET: &str = "SELECT EXISTS (SELECT 1 FROM prismq_limit WHERE name = ?1 AND removed = 0)";
/// Marks a limit as removed, and lets every process read the names of limits again.
const REMOVE: &str = "UPDATE prismq_limit SET removed = 1 WHERE name = ?1";
const FORGET: &str = "UPDATE prismq_meta SET names_freed = names_freed + 1";
/// Deletes the rows of removed limits that no lane and no key names any more.
const DELETE_REMOVED: &str = "DELETE FROM prismq_limit WHERE removed = 1
     AND id NOT IN (SELECT limits FROM prismq_lane) AND id NOT IN (SELECT limits FROM prismq_key)";

/// Outer error: SQL failed. Inner: there is no room.
type Answered = Result<Result<Answer>>;

impl Writer {
    pub(crate) fn set_limit(&self, now: Timestamp, name: &str, limit: &Limit) -> Answered {
        let columns = |bounds: Bounds| {
            let rate = bounds.rate;
            let period = |rate: Rate| i64::try_from(rate.period.as_micros()).unwrap_or(i64::MAX);
            (
                bounds.concurrency,
                rate.map(|rate| rate.tasks),
                rate.map(period),
                rate.map(|rate| rate.burst),
            )
        };
        let (total, per_key) = (columns(limit.total), columns(limit.per_key));
        let set = self.execute(
            SET,
            params![
                name, total.0, total.1, total.2, total.3, per_key.0, per_key.1, per_key.2,
                per_key.3, LIMITS_MAX
            ],
        )?;
        if set == 0 {
            return Ok(Err(Error::TooManyLimits { limit: name.to_owned() }));
        }
        let now = now.as_micros();
        self.execute(CUT_ARRIVAL, params![name, limit.total.latest_arrival(now)])?;
        self.execute(CUT_ARRIVALS, params![name, limit.per_key.latest_arrival(now)])?;
        self.execute(UNBLOCK_ALL, [name])?;
        Ok(Ok(Answer::LimitSet))
    }

    /// Removes a limit. Tasks that are under it keep its id, so that it counts them if it is set again.
    pub(crate) fn remove_limit(&mut self, now: Timestamp, name: &str) -> Result<Answer> {
        let is_set = self.prepare(IS_SET)?.query_row([name], |row| row.get(0));
        if !is_set.map_err(|error| self.failure(error))? {
            return Ok(Answer::LimitRemoved(false));
        }
        // Tasks that wait for its bounds are let go as by bounds that are lifted.
        self.set_limit(now, name, &Limit::unlimited())??;
        self.execute(REMOVE, [name])?;
        self.execute(FORGET, [])?;
        self.execute(DELETE_REMOVED, [])?;
        self.ledger.lanes.clear();
        Ok(Answer::LimitRemoved(true))
    }

    pub(crate) fn set_concurrency(&mut self, queue: &str, tasks: Option<u32>) -> Answered {
        let id = match self.queue_to_set(queue)? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        self.execute("UPDATE prismq_queue SET concurrency = ?2 WHERE id = ?1", params![id, tasks])?;
        self.ledger.queues.clear();
        Ok(Ok(Answer::LimitSet))
    }
}

/// The bounds of a limit, from eight columns of a row, the first of which has this index.
pub(crate) fn limit_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Limit> {
    Ok(Limit { total: bounds_at(row, first)?, per_key: bounds_at(row, first + 4)? })
}

fn bounds_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Bounds> {
    let rate = match (row.get(first + 1)?, row.get(first + 2)?, row.get(first + 3)?) {
        (Some(tasks), Some(period), Some(burst)) => {
            Some(Rate { tasks, period: Duration::from_micros(period), burst })
        }
        _ => None,
    };
    Ok(Bounds { concurrency: row.get(first)?, rate })
}
