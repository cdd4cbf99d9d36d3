//! The lines of keys: found, added when the first task of a key comes, and deleted once a key has had no task for a
//! while. A line costs three rows, so that a key that comes and goes keeps them.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::engine::sqlite::batch::lanes::{Keyed, Lane};
use crate::engine::sqlite::batch::ledger::Ledger;
use crate::model::NewTask;

/// How long a key without tasks is kept at least.
const KEPT: Duration = Duration::from_secs(60);
/// How many such keys are looked at for each that was added: more than one, so that they become fewer.
const SWEPT: u32 = 4;
/// Most keys that are deleted at a time to make room for names.
const KEYS_FREED_MAX: u32 = 1024;
/// For how many added keys a transaction looks at most.
const ADDED_MAX: u32 = 64;

/// The line of a key in a lane.
pub(crate) const LINE_OF: &str = "SELECT prismq_line.lane FROM prismq_key
     JOIN prismq_line ON prismq_line.key = prismq_key.id AND prismq_line.base = ?5
     WHERE prismq_key.limits = ?1 AND prismq_key.queue = ?2 AND prismq_key.ordered = ?3
       AND prismq_key.name = ?4";
const ADD_KEY: &str =
    "INSERT INTO prismq_key (limits, queue, ordered, name) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT DO NOTHING";
const KEY_ID: &str =
    "SELECT id FROM prismq_key WHERE limits = ?1 AND queue = ?2 AND ordered = ?3 AND name = ?4";
/// Adds the lane of a key's tasks, with the next lower number.
const ADD_LANE: &str = "INSERT INTO prismq_lane (id, queue, type, requirements, limits, keyed, key)
     SELECT min((SELECT id FROM prismq_lane ORDER BY id LIMIT 1), 0) - 1,
            queue, type, requirements, limits, keyed, ?2
     FROM prismq_lane WHERE id = ?1 RETURNING id";
const ADD_LINE: &str = "INSERT INTO prismq_line (lane, base, key) VALUES (?1, ?2, ?3)";

/// Keys that had no task when they were last looked at.
pub(crate) const IDLE_KEYS: &str =
    "SELECT id FROM prismq_key WHERE idle_at <= ?1 ORDER BY idle_at LIMIT ?2";
/// Whether a key has a task, or its rate does not let one start yet. A line may be open although its tasks are gone, as
/// only a claim closes it.
pub(crate) const IN_USE: &str = "SELECT 1 FROM prismq_key WHERE id = ?1
       AND (running > 0 OR holder IS NOT NULL OR arrival > ?2)
     UNION ALL
     SELECT 1 FROM prismq_line WHERE key = ?1
       AND (scheduled > 0
            OR EXISTS (SELECT 1 FROM prismq_task WHERE state = 0 AND prismq_task.lane = prismq_line.lane)
            OR EXISTS (SELECT 1 FROM prismq_task WHERE state = 5 AND prismq_task.lane = prismq_line.lane)
            OR EXISTS (SELECT 1 FROM prismq_task WHERE state = 3 AND prismq_task.lane = prismq_line.lane))";
/// Looks at a key again later.
const LOOK_LATER: &str = "UPDATE prismq_key SET idle_at = max(?2, arrival) WHERE id = ?1";
const DELETE_LINES: &str = "DELETE FROM prismq_line WHERE key = ?1 RETURNING lane";
const DELETE_LANE: &str = "DELETE FROM prismq_lane WHERE id = ?1";
const DELETE_KEY: &str = "DELETE FROM prismq_key WHERE id = ?1";

impl Ledger {
    /// The lane in which a task stands that belongs to the lane `base`: that of its key, added if it is new.
    pub(crate) fn line_of(
        &mut self,
        connection: &Connection,
        base: Lane,
        task: &NewTask,
    ) -> Result<Lane> {
        let Some(key) = &task.limit.key else { return Ok(base) };
        let found = (base.id, key.clone());
        if let Some(id) = self.limits.lines.get(&found) {
            return Ok(Lane { id: *id, ..base });
        }
        // The keys of a limit are those of all queues, but for ordered tasks, which have one in each: its row says which
        // task keeps the key in the order of that queue. To count them with the others, a second row would have to be
        // read and written for each of them, by the claim and when it ends.
        let ordered = base.keyed == Keyed::Ordered;
        let queue = if ordered || base.limit == 0 { base.queue } else { 0 };
        let existing = connection
            .prepare_cached(LINE_OF)?
            .query_row(params![base.limit, queue, ordered, &**key, base.id], |row| row.get(0))
            .optional()?;
        let id = match existing {
            Some(id) => id,
            None => self.add_line(connection, base, (queue, ordered, key))?,
        };
        self.limits.lines.insert(found, id);
        Ok(Lane { id, ..base })
    }

    fn add_line(
        &mut self,
        connection: &Connection,
        base: Lane,
        (queue, ordered, name): (i64, bool, &Arc<str>),
    ) -> Result<i64> {
        let key = params![base.limit, queue, ordered, &**name];
        if connection.prepare_cached(ADD_KEY)?.execute(key)? > 0 {
            self.keys_added = self.keys_added.saturating_add(1);
        }
        let key: i64 = connection.prepare_cached(KEY_ID)?.query_row(key, |row| row.get(0))?;
        let lane =
            connection.prepare_cached(ADD_LANE)?.query_row([base.id, key], |row| row.get(0))?;
        connection.prepare_cached(ADD_LINE)?.execute([lane, base.id, key])?;
        Ok(lane)
    }

    /// Deletes some keys that have had no task for a while, more than were added. Only at the start of a transaction:
    /// later, tasks may have been found a lane whose rows are not written yet.
    pub(crate) fn sweep_keys(&mut self, connection: &Connection) -> Result<()> {
        let most = self.keys_added.min(ADDED_MAX);
        self.keys_added -= most;
        let kept = i64::try_from(KEPT.as_micros()).unwrap_or(i64::MAX);
        let idle_since = self.now.monotonic.as_micros().saturating_sub(kept);
        match most {
            0 => Ok(()),
            most => self.sweep(connection, idle_since, most * SWEPT).map(drop),
        }
    }

    /// Deletes some keys without tasks, however short they have been so, to make room for names: `false` if there are
    /// none. Only where no task is about to be inserted into a lane that was found for it, as above.
    pub(super) fn free_keys(&self, connection: &Connection) -> Result<bool> {
        // Those that are found in use are looked at again from now on.
        let idle_since = self.now.monotonic.as_micros().saturating_sub(1);
        loop {
            match self.sweep(connection, idle_since, KEYS_FREED_MAX)? {
                (0, _) => return Ok(false),
                (_, 0) => {}
                _ => return Ok(true),
            }
        }
    }

    /// Looks at some of the keys that have been without tasks since then, and deletes those that are. How many were
    /// looked at, and how many deleted.
    fn sweep(&self, connection: &Connection, idle_since: i64, most: u32) -> Result<(usize, usize)> {
        let now = self.now.monotonic.as_micros();
        let idle: Vec<i64> = connection
            .prepare_cached(IDLE_KEYS)?
            .query_map([idle_since, i64::from(most)], |row| row.get(0))?
            .collect::<Result<_>>()?;
        let (looked, mut deleted) = (idle.len(), 0);
        for key in idle {
            if connection.prepare_cached(IN_USE)?.exists([key, now])? {
                connection.prepare_cached(LOOK_LATER)?.execute([key, now])?;
                continue;
            }
            let lanes: Vec<i64> = connection
                .prepare_cached(DELETE_LINES)?
                .query_map([key], |row| row.get(0))?
                .collect::<Result<_>>()?;
            for lane in lanes {
                connection.prepare_cached(DELETE_LANE)?.execute([lane])?;
            }
            connection.prepare_cached(DELETE_KEY)?.execute([key])?;
            deleted += 1;
        }
        Ok((looked, deleted))
    }
}
