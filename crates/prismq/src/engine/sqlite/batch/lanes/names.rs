//! Adding queues and lanes, and freeing unused ones when the file has no room for another.
//!
//! The lane and the queue with the highest numbers are never freed, so that no number is used twice and an old lease
//! never fits another queue. A queue is kept, with its counters, while it has a setting, a task or a history. Keys
//! without tasks are deleted first.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Result};

use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::batch::lanes::{Lane, add_queue};
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::connection::path_of;
use crate::model::{Error, NewTask};

/// If more tasks than this are scheduled, leased or kept, a lane is freed only if its whole queue has none of these:
/// reading more would delay other writers.
const NAMES_LOOK_MAX: usize = 4096;

/// Drops the counters of freed queues.
const FREE_COUNTERS: &str =
    "DELETE FROM prismq_removed WHERE queue NOT IN (SELECT id FROM prismq_queue)";
/// How many tasks of each queue are in no index by lane.
const IN_NO_LANE_INDEX: &str = "SELECT id, scheduled + leased + kept + coalesce(cancelled_kept, 0)
     FROM prismq_queue LEFT JOIN prismq_removed ON queue = id";
/// Lanes of tasks that are in no index by lane.
const LANES_OF: [&str; 3] = [
    "SELECT lane FROM prismq_task WHERE state = 1 LIMIT ?1",
    "SELECT lane FROM prismq_task WHERE state = 2 LIMIT ?1",
    "SELECT lane FROM prismq_kept LIMIT ?1",
];
/// Whether a lane has a task that is ready, a suspect or dead, or a key.
const HAS_TASK: &str = "SELECT EXISTS (SELECT 1 FROM prismq_task WHERE state = 0 AND lane = ?1)
                            OR EXISTS (SELECT 1 FROM prismq_task WHERE state = 5 AND lane = ?1)
                            OR EXISTS (SELECT 1 FROM prismq_task WHERE state = 3 AND lane = ?1)
                            OR EXISTS (SELECT 1 FROM prismq_lane AS base JOIN prismq_lane AS own
                                       USING (queue, type, requirements, limits, keyed)
                                       WHERE base.id = ?1 AND own.key > 0)";
/// Frees queues that have no lane, no task, no history and no setting.
const FREE_QUEUES: &str = "DELETE FROM prismq_queue WHERE id IN
         (SELECT id FROM prismq_queue
          WHERE ready = 0 AND scheduled = 0 AND leased = 0 AND dead = 0 AND kept = 0
            AND ordering = 0 AND paused = 0 AND keep = 0 AND concurrency IS NULL
            AND NOT EXISTS (SELECT 1 FROM prismq_retention AS r WHERE r.queue = prismq_queue.id)
            AND NOT EXISTS (SELECT 1 FROM prismq_removed AS r
                            WHERE r.queue = prismq_queue.id AND cancelled_kept != 0)
            AND id NOT IN (SELECT queue FROM prismq_depth)
            AND NOT EXISTS (SELECT 1 FROM prismq_lane WHERE prismq_lane.queue = prismq_queue.id)
            AND id < (SELECT max(id) FROM prismq_queue)
          LIMIT ?1)";

/// Deletes the counters of freed queues that stand in another table.
const FORGET_EXPIRED: &str = "DELETE FROM prismq_expired WHERE NOT EXISTS
         (SELECT 1 FROM prismq_queue WHERE prismq_queue.id = prismq_expired.queue)";

/// Outer error: SQL failed. Inner: the file has no room for the name, and nothing was added.
type Named<T> = Result<crate::model::Result<T>>;

impl Ledger {
    /// The lane of each task, added where it is new: all or none.
    pub(crate) fn lanes_of(
        &mut self,
        connection: &Connection,
        tasks: &[NewTask],
    ) -> Named<Vec<Lane>> {
        for task in tasks {
            if !self.lanes.knows_limit(connection, task)? {
                let limit = task.limit.name.as_deref().unwrap_or_default().to_owned();
                return Ok(Err(Error::UnknownLimit { limit }));
            }
        }
        let mut lanes = Vec::with_capacity(tasks.len());
        for task in tasks {
            let Some(lane) = self.lanes.known(connection, task)? else {
                return self
                    .or_nothing(connection, |ledger| ledger.add_lanes(connection, tasks, lanes));
            };
            lanes.push(lane);
        }
        Ok(Ok(lanes))
    }

    /// The number of the queue of this name, added if it is new. The counters of the batch so far are written first.
    pub(crate) fn queue_named(&mut self, connection: &Connection, name: &str) -> Named<i64> {
        let find = || {
            connection
                .prepare_cached("SELECT id FROM prismq_queue WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()
        };
        self.flush(connection)?;
        if let Some(id) = find()? {
            return Ok(Ok(id));
        }
        self.or_nothing(connection, |ledger| {
            loop {
                add_queue(connection, name)?;
                if let Some(id) = find()? {
                    return Ok(Ok(id));
                }
                if !ledger.free(connection, &[])? {
                    return Ok(Err(no_room(name)));
                }
            }
        })
    }

    /// Adds the lanes of those tasks that come after the ones whose `lanes` are known.
    fn add_lanes(
        &mut self,
        connection: &Connection,
        tasks: &[NewTask],
        mut lanes: Vec<Lane>,
    ) -> Named<Vec<Lane>> {
        while let Some(task) = tasks.get(lanes.len()) {
            if let Some(lane) = self.lanes.known_or_added(connection, task)? {
                lanes.push(lane);
            } else if !self.free(connection, &lanes)? {
                return Ok(Err(no_room(&task.queue)));
            }
        }
        Ok(Ok(lanes))
    }

    /// Rolls back what was added if there is no room for all of it.
    fn or_nothing<T>(
        &mut self,
        connection: &Connection,
        add: impl FnOnce(&mut Self) -> Named<T>,
    ) -> Named<T> {
        if self.of_caller {
            return add(self);
        }
        // Earlier changes must not be rolled back with it.
        self.flush(connection)?;
        connection.execute_batch("SAVEPOINT prismq_names")?;
        let lines = self.log.pending();
        let added = add(self)?;
        if added.is_err() {
            self.log.truncate_pending(lines);
            connection.execute_batch("ROLLBACK TO prismq_names")?;
            self.lanes.clear_lanes();
        }
        connection.execute_batch("RELEASE prismq_names")?;
        Ok(added)
    }

    /// Frees some unused queues and lanes, except these lanes. Whether there were any.
    fn free(&mut self, connection: &Connection, held: &[Lane]) -> Result<bool> {
        if self.of_caller {
            return Ok(false);
        }
        // First: without this counter, other connections would not notice.
        let counted =
            connection.execute("UPDATE prismq_meta SET names_freed = names_freed + 1", [])?;
        if counted == 0 {
            return Ok(false);
        }
        // The lane of a type is in use as long as one of its keys has a lane.
        let keys = self.free_keys(connection)?;
        let lanes = unused(connection, held)?;
        for lane in &lanes {
            connection.prepare_cached("DELETE FROM prismq_lane WHERE id = ?1")?.execute([lane])?;
        }
        let queues = connection.prepare_cached(FREE_QUEUES)?.execute([STEP_TASKS_MAX])?;
        connection.prepare_cached(FREE_COUNTERS)?.execute([])?;
        connection.prepare_cached(FORGET_EXPIRED)?.execute([])?;
        self.lanes.clear_lanes();
        let any = queues > 0 || keys || !lanes.is_empty();
        let path = path_of(connection);
        self.log.add_on_commit(move || {
            tracing::info!(
                path,
                lanes = lanes.len(),
                queues,
                "unused queues and task types were freed to make room for new ones"
            );
        });
        Ok(any)
    }
}

fn no_room(queue: &str) -> Error {
    Error::TooManyNames { queue: queue.to_owned() }
}

/// Some lanes without a task, oldest first.
fn unused(connection: &Connection, held: &[Lane]) -> Result<Vec<i64>> {
    let mut used: HashSet<i64> = held.iter().map(|lane| lane.id).collect();
    let mut seen_all = true;
    for select in LANES_OF {
        let found: Vec<i64> = connection
            .prepare_cached(select)?
            .query_map([NAMES_LOOK_MAX + 1], |row| row.get(0))?
            .collect::<Result<_>>()?;
        seen_all &= found.len() <= NAMES_LOOK_MAX;
        used.extend(found);
    }
    let elsewhere: HashMap<i64, i64> = connection
        .prepare_cached(IN_NO_LANE_INDEX)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    let mut lanes: Vec<(i64, i64)> = connection
        .prepare_cached("SELECT id, queue FROM prismq_lane WHERE id > 0 ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    // The last one's number must stay the highest.
    lanes.pop();
    let mut has_task = connection.prepare_cached(HAS_TASK)?;
    let mut unused = Vec::new();
    for (lane, queue) in lanes {
        if unused.len() == STEP_TASKS_MAX {
            break;
        }
        let known = seen_all || elsewhere.get(&queue).is_none_or(|count| *count == 0);
        if known && !used.contains(&lane) && !has_task.query_row([lane], |row| row.get(0))? {
            unused.push(lane);
        }
    }
    Ok(unused)
}
