//! The lines of keys: found, and added when the first task of a key comes. Those without tasks are deleted now and then,
//! so that a key may come and go.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;

use super::tasks;
use crate::engine::Operation;
use crate::engine::postgres::batch::lanes::{Keyed, Lane};
use crate::engine::postgres::batch::queues::missing;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::{Columns, Value};
use crate::model::{NewTask, Result};

/// The lines of keys in lanes. Their keys are locked against being deleted.
pub(crate) const FIND: &str = "SELECT l.lane, k.name, l.id
     FROM unnest($1::integer[], $2::integer[], $3::integer[], $4::boolean[], $5::text[])
         w (lane, limits, queue, ordered, name)
         JOIN prismq.key k ON k.name = ANY (ARRAY[w.name]) AND k.limits = w.limits AND k.queue = w.queue AND k.ordered = w.ordered
         CROSS JOIN LATERAL (SELECT id, lane FROM prismq.line WHERE key = k.id AND lane = w.lane OFFSET 0) l
     ORDER BY k.id + 0 FOR KEY SHARE OF k";
/// Adds keys, unless there are.
pub(crate) const ADD_KEYS: &str = "INSERT INTO prismq.key (limits, queue, ordered, name)
     SELECT DISTINCT limits, queue, ordered, name
     FROM unnest($1::integer[], $2::integer[], $3::integer[], $4::boolean[], $5::text[])
         w (lane, limits, queue, ordered, name)
     ORDER BY limits, queue, ordered, name ON CONFLICT DO NOTHING";
/// Adds the lines of keys, unless there are.
pub(crate) const ADD_LINES: &str = "INSERT INTO prismq.line (key, lane)
     SELECT k.id, k.lane FROM (SELECT k.id, w.lane
         FROM unnest($1::integer[], $2::integer[], $3::integer[], $4::boolean[], $5::text[])
             w (lane, limits, queue, ordered, name)
             JOIN prismq.key k ON k.name = ANY (ARRAY[w.name]) AND k.limits = w.limits AND k.queue = w.queue AND k.ordered = w.ordered
         ORDER BY k.id + 0, w.lane FOR KEY SHARE OF k) k
     ON CONFLICT DO NOTHING";
/// Keys after this one that have no task, among the next few; locked, so that no task is added meanwhile. Those whose
/// rate lets no task start yet are left.
pub(crate) const LOCK_IDLE: &str = "SELECT id, arrival <= $3 FROM prismq.key WHERE id > $1
     ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED";
/// Deletes those of these keys that have no task.
pub(crate) const DELETE_IDLE: &str = "WITH u AS MATERIALIZED (SELECT k.id,
             coalesce((SELECT true FROM prismq.line l WHERE l.key = k.id
                       AND (SELECT true FROM prismq.task t WHERE t.line = l.id LIMIT 1) LIMIT 1), false) AS used
         FROM unnest($1::bigint[]) k (id)),
     d AS (DELETE FROM prismq.line WHERE key = ANY (ARRAY(SELECT id FROM u WHERE NOT used)))
     DELETE FROM prismq.key WHERE id = ANY (ARRAY(SELECT id FROM u WHERE NOT used))";

/// How often adding is tried: others may delete a key meanwhile, and numbers of lines are used again.
const TRIES: usize = 8;

/// The lines that tasks need, a column each.
#[derive(Debug, Default)]
struct Wanted<'a> {
    lanes: Vec<i32>,
    limits: Vec<i32>,
    queues: Vec<i32>,
    ordered: Vec<bool>,
    keys: Vec<&'a str>,
}

/// The line of each key in each lane that tasks need.
#[derive(Debug, Default)]
pub(super) struct Lines {
    ids: HashMap<(i32, String), i32>,
}

impl Lines {
    /// The lines of the tasks of these operations, added where there are none.
    pub(super) fn of(run: &mut Run<'_, '_>, group: &[Operation]) -> Result<Self> {
        let mut lines = Self::default();
        let wanted = Wanted::of(run, group);
        if wanted.keys.is_empty() {
            return Ok(lines);
        }
        let params: [&dyn Value; 5] =
            [&wanted.lanes, &wanted.limits, &wanted.queues, &wanted.ordered, &wanted.keys];
        for _ in 0..TRIES {
            for row in run.query(FIND, &params)? {
                lines.ids.insert((row.column(0)?, row.column(1)?), row.column(2)?);
            }
            if lines.ids.len() == wanted.keys.len() {
                return Ok(lines);
            }
            run.query_all(&[(ADD_KEYS, &params), (ADD_LINES, &params)])?;
            run.shared.keys_added.fetch_add(wanted.keys.len(), Ordering::Relaxed);
        }
        Err(missing("the line of a key"))
    }

    /// The line of a task, if it has a key.
    pub(super) fn of_task(&self, lane: Lane, task: &NewTask) -> Option<i32> {
        let key = task.limit.key.as_deref()?;
        self.ids.get(&(lane.id, key.to_owned())).copied()
    }
}

impl<'a> Wanted<'a> {
    fn of(run: &Run<'_, '_>, group: &'a [Operation]) -> Self {
        let mut found = BTreeMap::new();
        for task in tasks(group) {
            // A task without a lane is refused.
            if let (Some(key), Ok(lane)) = (task.limit.key.as_deref(), run.lane_of(task)) {
                found.insert((lane.id, key), lane);
            }
        }
        let mut wanted = Self::default();
        for ((_, key), lane) in found {
            let is_ordered = lane.keyed == Keyed::Ordered;
            wanted.lanes.push(lane.id);
            wanted.limits.push(lane.limit);
            // The keys of a limit are those of all queues, but for ordered tasks, whose order is that of their queue.
            wanted.queues.push(if is_ordered { lane.queue } else { 0 });
            wanted.ordered.push(is_ordered);
            wanted.keys.push(key);
        }
        wanted
    }
}

impl Run<'_, '_> {
    /// Deletes keys after this one that have no task, among the next ones; the last that was looked at.
    pub(crate) fn sweep_keys(&mut self, after: i64, most: i64) -> Result<Option<i64>> {
        let now = self.now.monotonic.as_micros();
        let rows = self.query(LOCK_IDLE, &[&after, &most, &now])?;
        let mut idle = Vec::new();
        for row in &rows {
            if row.column(1)? {
                idle.push(row.column::<i64>(0)?);
            }
        }
        if !idle.is_empty() {
            self.put_off(DELETE_IDLE, &[&idle]);
        }
        rows.last().map(|row| row.column(0)).transpose()
    }
}
