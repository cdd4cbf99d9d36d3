//! Lanes: one small integer for a type of task in a queue, remembered so that an operation finds it
//! without a read.
//!
//! Lanes are only ever added, by any process, so that what is remembered stays true until a
//! transaction that added some is rolled back.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::OptionalExtension;

use super::SqliteStore;
use crate::error::{Error, Result};
use crate::lease::Claim;

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

    fn find(&self, queue: &str, task_type: &str) -> Option<Lane> {
        self.by_name.get(queue)?.get(task_type).copied()
    }

    fn remember(&mut self, queue: &Arc<str>, task_type: &Arc<str>, lane: Lane) {
        self.by_name.entry(queue.clone()).or_default().insert(task_type.clone(), lane);
        self.queue_of.insert(lane.id, lane.queue);
    }
}

impl SqliteStore {
    /// The lane of a type in a queue; `None` where nothing of that type was ever enqueued.
    pub(super) fn lane(&mut self, queue: &Arc<str>, task_type: &Arc<str>) -> Result<Option<Lane>> {
        if let Some(lane) = self.lanes.find(queue, task_type) {
            return Ok(Some(lane));
        }
        let found = self
            .prepare(
                "SELECT lane.id, queue.id FROM queue JOIN lane ON lane.queue = queue.id
                 WHERE queue.name = ?1 AND lane.type = ?2",
            )?
            .query_row([&**queue, &**task_type], |row| {
                Ok(Lane { id: row.get(0)?, queue: row.get(1)? })
            })
            .optional()
            .map_err(|error| self.failure(error))?;
        if let Some(lane) = found {
            self.lanes.remember(queue, task_type, lane);
        }
        Ok(found)
    }

    /// The lane of a type in a queue, added if it is new. Only inside a transaction.
    pub(super) fn lane_or_new(&mut self, queue: &Arc<str>, task_type: &Arc<str>) -> Result<Lane> {
        if let Some(lane) = self.lane(queue, task_type)? {
            return Ok(lane);
        }
        self.execute("INSERT INTO queue (name) VALUES (?1) ON CONFLICT DO NOTHING", [&**queue])?;
        self.execute(
            "INSERT INTO lane (queue, type) SELECT id, ?2 FROM queue WHERE name = ?1",
            [&**queue, &**task_type],
        )?;
        self.lane(queue, task_type)?.ok_or_else(|| Error::Corrupt {
            path: self.path.clone(),
            reason: "a lane just added cannot be found".to_owned(),
        })
    }

    /// The lanes a claim may take from, those that exist.
    pub(super) fn lanes_of(&mut self, claim: &Claim) -> Result<Vec<(Lane, Arc<str>)>> {
        let mut lanes: Vec<(Lane, Arc<str>)> = Vec::with_capacity(claim.types.len());
        for task_type in claim.types.iter() {
            if let Some(lane) = self.lane(&claim.queue, task_type)?
                && lanes.iter().all(|(known, _)| known.id != lane.id)
            {
                lanes.push((lane, task_type.clone()));
            }
        }
        Ok(lanes)
    }

    /// The queue a lane belongs to.
    pub(super) fn queue_of(&mut self, lane: i64) -> Result<i64> {
        if let Some(queue) = self.lanes.queue_of.get(&lane) {
            return Ok(*queue);
        }
        let queue = self
            .prepare("SELECT queue FROM lane WHERE id = ?1")?
            .query_row([lane], |row| row.get(0))
            .map_err(|error| self.failure(error))?;
        self.lanes.queue_of.insert(lane, queue);
        Ok(queue)
    }
}
