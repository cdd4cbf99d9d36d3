//! Lanes: one small integer for a type of task in a queue, remembered so that an operation finds it
//! without a read.
//!
//! Lanes are only ever added, by any process, so that what is remembered stays true until a
//! transaction that added some is rolled back.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::limits::{LANES_MAX, QUEUES_MAX};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) id: i64,
    pub(super) queue: i64,
}

#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_name: HashMap<Arc<str>, HashMap<Arc<str>, Lane>>,
    queue_of: HashMap<i64, i64>,
}

impl Lanes {
    pub(super) fn clear(&mut self) {
        self.by_name.clear();
        self.queue_of.clear();
    }

    /// The lane of a type in a queue; `None` where nothing of that type was ever enqueued.
    pub(super) fn find(
        &mut self,
        connection: &Connection,
        queue: &Arc<str>,
        task_type: &Arc<str>,
    ) -> Result<Option<Lane>> {
        let known = self.by_name.get(queue).and_then(|lanes| lanes.get(task_type));
        if let Some(lane) = known {
            return Ok(Some(*lane));
        }
        let found = connection
            .prepare_cached(
                "SELECT lane.id, queue.id FROM queue JOIN lane ON lane.queue = queue.id
                 WHERE queue.name = ?1 AND lane.type = ?2",
            )?
            .query_row([&**queue, &**task_type], |row| {
                Ok(Lane { id: row.get(0)?, queue: row.get(1)? })
            })
            .optional()?;
        if let Some(lane) = found {
            self.by_name.entry(queue.clone()).or_default().insert(task_type.clone(), lane);
            self.queue_of.insert(lane.id, lane.queue);
        }
        Ok(found)
    }

    /// The lane of a type in a queue, added if it is new; `None` if the file has no room for another.
    /// Only inside a transaction.
    pub(super) fn find_or_add(
        &mut self,
        connection: &Connection,
        queue: &Arc<str>,
        task_type: &Arc<str>,
    ) -> Result<Option<Lane>> {
        if let Some(lane) = self.find(connection, queue, task_type)? {
            return Ok(Some(lane));
        }
        add_queue(connection, queue)?;
        connection
            .prepare_cached(
                "INSERT INTO lane (queue, type) SELECT id, ?2 FROM queue
                 WHERE name = ?1 AND (SELECT count(*) FROM lane) < ?3",
            )?
            .execute(params![&**queue, &**task_type, LANES_MAX])?;
        self.find(connection, queue, task_type)
    }

    /// The queue a lane belongs to.
    pub(super) fn queue_of(&mut self, connection: &Connection, lane: i64) -> Result<i64> {
        if let Some(queue) = self.queue_of.get(&lane) {
            return Ok(*queue);
        }
        let queue = connection
            .prepare_cached("SELECT queue FROM lane WHERE id = ?1")?
            .query_row([lane], |row| row.get(0))?;
        self.queue_of.insert(lane, queue);
        Ok(queue)
    }
}

/// Adds a queue of this name if there is none, and room for it.
pub(super) fn add_queue(connection: &Connection, name: &str) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO queue (name) SELECT ?1 WHERE (SELECT count(*) FROM queue) < ?2
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![name, QUEUES_MAX])
        .map(drop)
}
