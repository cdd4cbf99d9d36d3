//! Adding queues and lanes, before the transaction that needs them: it would keep others from adding any until it ends.
//! A lane without tasks costs nothing.
//!
//! When the highest number of queues or types is reached, those without tasks are deleted. Every transaction that adds
//! tasks has read `prismq.meta` and so holds a lock on it; the deletion waits for these locks. Transactions that begin
//! later see that some were deleted.

use std::collections::BTreeSet;
use std::slice;
use std::time::Instant;

use crate::engine::Operation;
use crate::engine::postgres::PostgresEngine;
use crate::engine::postgres::batch::cached::next_version;
use crate::engine::postgres::batch::lanes::{Keyed, Lanes};
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::batch::shared::Shared;
use crate::engine::postgres::client::{Columns, Role, Row, Statement, Transaction, Value};
use crate::engine::postgres::schema;
use crate::model::limits::{QUEUES_MAX, TASK_TYPES_MAX};
use crate::model::{Error, NewTask, Result};

/// If more tasks than this are stored, a lane is freed only if its whole queue holds none: reading more would delay
/// others.
const TASKS_LOOK_MAX: i64 = 1 << 18;

/// Keeps others from adding lanes, so that ids are committed in their order. `prismq.meta` is locked first, as in every
/// transaction. What processes know of lanes must outlive a crash of the server, which does not change its start time.
const LOCK: &str = "SET LOCAL synchronous_commit = on; LOCK TABLE prismq.meta IN ROW EXCLUSIVE MODE; \
     LOCK TABLE prismq.lane IN SHARE ROW EXCLUSIVE MODE";
/// Waits for all transactions that use lanes, for a short time, as others wait behind it.
const LOCK_TO_FREE: &str = "SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = 200; \
     LOCK TABLE prismq.meta, prismq.lane IN ACCESS EXCLUSIVE MODE";
/// Adds a queue, if there is room.
const ADD_QUEUE: &str = "INSERT INTO prismq.queue (name) SELECT $1
     WHERE (SELECT count(*) FROM prismq.queue) < $2 ON CONFLICT DO NOTHING";
/// Adds the limit of a queue, which tasks with a key and no other limit are under.
pub(super) const ADD_LIMIT: &str = "INSERT INTO prismq.limits (queue)
     SELECT id FROM prismq.queue WHERE name = $1 ON CONFLICT DO NOTHING";
/// Adds a lane, if there is room and its limit is set.
const ADD_LANE: &str =
    "INSERT INTO prismq.lane (queue, type, requirements, limits, keyed)
     SELECT q.id, $2, $3, coalesce(m.id, 0), $5 FROM prismq.queue q LEFT JOIN prismq.limits m
         ON m.name = $6 AND NOT m.removed OR $6 IS NULL AND $5 > 0 AND m.queue = q.id
     WHERE q.name = $1 AND (m.id IS NOT NULL OR $6 IS NULL) AND (SELECT count(*) FROM prismq.lane) < $4
     ON CONFLICT DO NOTHING";
/// The id of a queue.
const QUEUE: &str = "SELECT id FROM prismq.queue WHERE name = $1";
/// Whether all of these queues exist.
const ALL_THERE: &str = "SELECT NOT EXISTS (SELECT FROM unnest($1::text[]) k (name)
     WHERE NOT EXISTS (SELECT FROM prismq.queue q WHERE q.name = k.name))";

/// Whether there is no room for another queue, or for another lane.
const IS_FULL: &str =
    "SELECT (SELECT count(*) FROM prismq.queue) >= $1 OR (SELECT count(*) FROM prismq.lane) >= $2";

/// How many tasks each queue holds.
macro_rules! holding {
    () => {
        "h AS MATERIALIZED (SELECT queue, sum(coalesce(ready, 0) + coalesce(scheduled, 0) + coalesce(leased, 0)
             + coalesce(dead, 0) + coalesce(kept, 0) + coalesce(cancelled_kept, 0)) AS tasks
         FROM (SELECT queue, ready, scheduled, leased, dead, kept, cancelled_kept FROM prismq.counter
               UNION ALL SELECT queue, ready, scheduled, leased, dead, kept, cancelled_kept FROM prismq.counter_delta) c
         GROUP BY queue)"
    };
}
/// Deletes lanes that hold no task, with their lines, but those that a schedule needs. All tasks are looked at if they are
/// not more than this.
pub(crate) const FREE_LANES: &str = concat!(
    "WITH ",
    holding!(),
    ", u AS MATERIALIZED (SELECT DISTINCT lane FROM prismq.task WHERE (SELECT coalesce(sum(tasks), 0) FROM h) <= $1)
     , d AS (DELETE FROM prismq.lane l
         WHERE (l.queue NOT IN (SELECT queue FROM h WHERE tasks <> 0)
             OR (SELECT coalesce(sum(tasks), 0) FROM h) <= $1 AND l.id NOT IN (SELECT lane FROM u))
           AND NOT EXISTS (SELECT FROM prismq.schedule s JOIN prismq.queue q ON q.name = s.queue
                           WHERE q.id = l.queue AND s.type = l.type)
         RETURNING l.id),
     n AS (DELETE FROM prismq.line WHERE lane = ANY (ARRAY(SELECT id FROM d))),
     t AS (DELETE FROM prismq.turn WHERE lane = ANY (ARRAY(SELECT id FROM d)))
     SELECT id FROM d"
);
/// Deletes queues that have no lane, hold no task and are not set, with their counters and limits.
pub(crate) const FREE_QUEUES: &str = concat!(
    "WITH ",
    holding!(),
    ", q AS (DELETE FROM prismq.queue q
         WHERE q.ordering = 0 AND NOT q.paused AND q.depth IS NULL AND q.concurrency IS NULL AND q.keep = 0
           AND q.completed_age IS NULL
           AND q.cancelled_keep = 0 AND q.cancelled_age IS NULL AND q.dead_keep IS NULL AND q.dead_age IS NULL
           AND q.id NOT IN (SELECT queue FROM h WHERE tasks <> 0)
           AND q.id NOT IN (SELECT queue FROM prismq.lane)
         RETURNING q.id),
     c AS (DELETE FROM prismq.counter c USING q WHERE c.queue = q.id),
     d AS (DELETE FROM prismq.counter_delta d USING q WHERE d.queue = q.id),
     v AS (DELETE FROM prismq.virtual_time v USING q WHERE v.queue = q.id),
     m AS (DELETE FROM prismq.limits m USING q WHERE m.queue = q.id)
     SELECT id FROM q"
);
/// Has all processes read the lanes anew.
const RAISE_FREED: &str =
    concat!("UPDATE prismq.meta SET names_freed = names_freed + 1, ", next_version!());
/// Notes which lane is the last.
pub(crate) const NOTE_LAST_LANE: &str =
    "UPDATE prismq.meta m SET last_lane = l.id FROM (SELECT coalesce(max(id), 0) AS id FROM prismq.lane) l
     WHERE m.last_lane <> l.id";

/// What operations name that may not exist yet.
#[derive(Debug, Default)]
pub(crate) struct Unknown<'a> {
    /// Tasks whose lanes are not known.
    lanes: Vec<&'a NewTask>,
    /// Queues that are to be set.
    queues: BTreeSet<&'a str>,
}

impl<'a> Unknown<'a> {
    /// What these operations name.
    pub(crate) fn of(shared: &Shared, batch: &'a [Operation]) -> Self {
        let lanes = shared.lanes();
        let mut unknown = Self::default();
        for operation in batch {
            match operation {
                Operation::Enqueue(tasks) => unknown.add_tasks(&lanes, tasks),
                Operation::SetSchedule(schedule) => {
                    unknown.add_tasks(&lanes, slice::from_ref(&schedule.task));
                }
                Operation::SetOrder { queue, .. }
                | Operation::SetPaused { queue, .. }
                | Operation::SetHistory { queue, .. }
                | Operation::SetRetention { queue, .. }
                | Operation::SetDepth { queue, .. }
                | Operation::SetConcurrency { queue, .. }
                    if !lanes.knows_queue(queue) =>
                {
                    unknown.queues.insert(queue);
                }
                _ => {}
            }
        }
        unknown
    }

    /// Those of these tasks whose lanes are not known, one of each lane.
    fn add_tasks(&mut self, lanes: &Lanes, tasks: &'a [NewTask]) {
        for task in tasks {
            let same = |other: &&NewTask| {
                other.queue == task.queue
                    && other.task_type == task.task_type
                    && other.requirements == task.requirements
                    && other.limit.name == task.limit.name
                    && Keyed::of(&other.limit) == Keyed::of(&task.limit)
            };
            if lanes.of(task).is_none() && !self.lanes.iter().any(same) {
                self.lanes.push(task);
            }
        }
    }

    /// Whether there is nothing of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.is_empty() && self.queues.is_empty()
    }

    /// Adds it, as far as there is room: whether all queues that are to be set are there, and whether there is no room for
    /// another.
    fn add(&self, transaction: &mut Transaction<'_>, shared: &Shared) -> Result<(bool, bool)> {
        let texts = [ADD_QUEUE, ADD_LIMIT, ADD_LANE, ALL_THERE, IS_FULL, NOTE_LAST_LANE]
            .map(|sql| shared.statements.text(sql));
        let [add_queue, add_limit, add_lane, all_there, is_full, note_last_lane] = &texts;
        transaction.run_script(&shared.statements.qualified(LOCK))?;
        schema::refuse_moving(transaction, &shared.statements)?;
        let (queues_max, types_max) = (i64::from(QUEUES_MAX), i64::from(TASK_TYPES_MAX));
        for task in &self.lanes {
            let (queue, task_type) = (&*task.queue, &*task.task_type);
            let requirements = task.requirements.to_text();
            let keyed = Keyed::of(&task.limit).stored();
            let limit = task.limit.name.as_deref();
            let of_lane: [&dyn Value; 6] =
                [&queue, &task_type, &requirements, &types_max, &keyed, &limit];
            let (of_queue, of_limit): ([&dyn Value; 2], [&dyn Value; 1]) =
                ([&queue, &queues_max], [&queue]);
            let mut statements: Vec<Statement<'_>> = Vec::with_capacity(3);
            statements.push((add_queue, &of_queue));
            if limit.is_none() && keyed > 0 {
                statements.push((add_limit, &of_limit));
            }
            statements.push((add_lane, &of_lane));
            transaction.pipeline(&statements)?;
        }
        for queue in &self.queues {
            transaction.query(add_queue, &[queue, &queues_max])?;
        }
        let queues: Vec<&str> = self.queues.iter().copied().collect();
        let there = transaction.query(all_there, &[&queues])?;
        let full = transaction.query(is_full, &[&queues_max, &types_max])?;
        transaction.query(note_last_lane, &[])?;
        let is_true = |rows: &[Row]| rows.first().map_or(Ok(false), |row| row.column(0));
        Ok((is_true(&there)?, is_true(&full)?))
    }
}

impl PostgresEngine {
    /// Adds the queues and lanes that the batch needs, and frees unused ones if need be, which is tried until then, and
    /// once at least. What there is no room for is refused by the operation.
    pub(crate) fn add_names(&self, batch: &[Operation], frees: Option<Instant>) -> Result<()> {
        if Unknown::of(&self.shared, batch).is_empty() {
            return Ok(());
        }
        self.reading().refresh_lanes()?;
        let mut frees = frees;
        loop {
            let unknown = Unknown::of(&self.shared, batch);
            if unknown.is_empty() {
                return Ok(());
            }
            let (queues_are_there, is_full) = self
                .client
                .transaction(Role::Durable, |transaction| unknown.add(transaction, &self.shared))?;
            self.reading().refresh_lanes()?;
            let lanes_are_there = Unknown::of(&self.shared, batch).lanes.is_empty();
            // A lane whose limit is not set is not added either.
            let lacks_room = is_full && (!queues_are_there || !lanes_are_there);
            let Some(until) = frees.filter(|_| lacks_room) else {
                return Ok(());
            };
            match self.free_names() {
                Ok(true) => frees = None,
                Ok(false) => return Ok(()),
                // Others may be making room.
                Err(Error::Busy { .. }) if Instant::now() < until => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Deletes lanes that hold no task, and queues that in addition are not set; whether there were any.
    fn free_names(&self) -> Result<bool> {
        let texts = [FREE_LANES, FREE_QUEUES, RAISE_FREED, NOTE_LAST_LANE]
            .map(|sql| self.shared.statements.text(sql));
        let lock = self.shared.statements.qualified(LOCK_TO_FREE);
        let (lanes, queues) = self.client.transaction(Role::Durable, |transaction| {
            let [free_lanes, free_queues, raise_freed, note_last_lane] = &texts;
            transaction.run_script(&lock)?;
            let lanes = transaction.query(free_lanes, &[&TASKS_LOOK_MAX])?.len();
            let queues = transaction.query(free_queues, &[])?.len();
            if lanes + queues > 0 {
                transaction.pipeline(&[(raise_freed, &[]), (note_last_lane, &[])])?;
            }
            Ok((lanes, queues))
        })?;
        self.reading().refresh_lanes()?;
        if lanes + queues == 0 {
            return Ok(false);
        }
        self.shared.log.add(move || {
            tracing::info!(
                lanes,
                queues,
                "unused queues and task types were freed to make room for new ones"
            );
        });
        Ok(true)
    }
}

impl Run<'_, '_> {
    /// The number of the queue of this name, added if it is new.
    pub(super) fn queue_to_set(&mut self, name: &str) -> Result<Result<i32>> {
        self.execute(ADD_QUEUE, &[&name, &i64::from(QUEUES_MAX)])?;
        let row = self.query(QUEUE, &[&name])?.pop();
        Ok(match row {
            Some(row) => Ok(row.column(0)?),
            None => Err(Error::TooManyNames { queue: name.to_owned() }),
        })
    }
}
