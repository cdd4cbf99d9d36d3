//! Lanes: a number for each combination of queue, task type and requirements. A claim takes from all lanes that it
//! can serve. They are cached, so that an operation finds its lane without a read.
//!
//! Any process adds lanes, with rising numbers, and frees unused ones, which a counter in the file counts: reading the
//! highest number and that counter shows whether the cache is current. A number is never used again.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, Result, Row, params};

use crate::engine::DeferredLog;
use crate::engine::sqlite::connection::path_of;
use crate::model::limits::{QUEUES_MAX, TASK_TYPES_MAX};
use crate::model::{Claim, Names, NewTask};

/// The highest number of a lane, and the counter of frees.
const LATEST: &str = "SELECT (SELECT id FROM prismq_lane ORDER BY id DESC LIMIT 1), (SELECT names_freed FROM prismq_meta)";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) id: i64,
    pub(crate) queue: i64,
}

/// A lane and its requirements.
#[derive(Debug)]
struct Known {
    lane: Lane,
    requirements: Names,
}

#[derive(Debug, Default)]
pub(crate) struct Lanes {
    by_name: HashMap<Arc<str>, HashMap<Arc<str>, Vec<Known>>>,
    queue_of: HashMap<i64, i64>,
    /// The highest number among them.
    last: i64,
    /// The counter of frees when they were read.
    freed: i64,
    log: Arc<DeferredLog>,
}

impl Lanes {
    pub(crate) fn new(log: Arc<DeferredLog>) -> Self {
        Self { log, ..Self::default() }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.log.clone());
    }

    /// The lanes that a claim can take from, each with its type.
    pub(crate) fn serving(
        &mut self,
        connection: &Connection,
        claim: &Claim,
    ) -> Result<Vec<(Lane, Arc<str>)>> {
        self.refresh(connection)?;
        let mut serving: Vec<(Lane, Arc<str>)> = Vec::with_capacity(claim.types.len());
        let Some(types) = self.by_name.get(&claim.queue) else {
            return Ok(serving);
        };
        for task_type in claim.types.iter() {
            for known in types.get(task_type).into_iter().flatten() {
                // A claim may name a type twice.
                if known.requirements.all_in(&claim.capabilities)
                    && serving.iter().all(|(lane, _)| *lane != known.lane)
                {
                    serving.push((known.lane, task_type.clone()));
                }
            }
        }
        Ok(serving)
    }

    /// The lane of a task, if it exists.
    pub(crate) fn known(
        &mut self,
        connection: &Connection,
        task: &NewTask,
    ) -> Result<Option<Lane>> {
        if let Some(lane) = self.find(task) {
            return Ok(Some(lane));
        }
        self.refresh(connection)?;
        Ok(self.find(task))
    }

    /// The lane of a task, added if it is new; `None` if the file has no room for another. Only inside a write
    /// transaction.
    pub(crate) fn known_or_added(
        &mut self,
        connection: &Connection,
        task: &NewTask,
    ) -> Result<Option<Lane>> {
        if let Some(lane) = self.known(connection, task)? {
            return Ok(Some(lane));
        }
        add_queue(connection, &task.queue)?;
        connection
            .prepare_cached(
                "INSERT INTO prismq_lane (queue, type, requirements) SELECT id, ?2, ?3 FROM prismq_queue
                 WHERE name = ?1 AND (SELECT count(*) FROM prismq_lane) < ?4",
            )?
            .execute(params![
                &*task.queue,
                &*task.task_type,
                task.requirements.to_text(),
                TASK_TYPES_MAX
            ])?;
        self.known(connection, task)
    }

    /// Clears the cache if names were freed since it was read.
    pub(crate) fn keep_if_current(&mut self, freed: i64) {
        if freed != self.freed {
            self.clear();
            self.freed = freed;
        }
    }

    /// The queue of a lane; `None` if the lane is missing.
    pub(crate) fn queue_of(&mut self, connection: &Connection, lane: i64) -> Result<Option<i64>> {
        if !self.queue_of.contains_key(&lane) {
            self.refresh(connection)?;
        }
        Ok(self.queue_of.get(&lane).copied())
    }

    fn find(&self, task: &NewTask) -> Option<Lane> {
        let lanes = self.by_name.get(&task.queue)?.get(&task.task_type)?;
        let known = lanes.iter().find(|known| known.requirements == task.requirements)?;
        Some(known.lane)
    }

    /// Brings the cache up to date.
    fn refresh(&mut self, connection: &Connection) -> Result<()> {
        let (last, freed): (Option<i64>, Option<i64>) = connection
            .prepare_cached(LATEST)?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.keep_if_current(freed.unwrap_or(self.freed));
        if last.is_none_or(|last| last <= self.last) {
            return Ok(());
        }
        let mut select = connection.prepare_cached(
            "SELECT prismq_lane.id, prismq_queue.id, prismq_queue.name, prismq_lane.type, prismq_lane.requirements
             FROM prismq_lane LEFT JOIN prismq_queue ON prismq_queue.id = prismq_lane.queue WHERE prismq_lane.id > ?1 ORDER BY prismq_lane.id",
        )?;
        let mut rows = select.query([self.last])?;
        while let Some(row) = rows.next()? {
            self.last = row.get(0)?;
            match known(row) {
                Ok((queue, task_type, known)) => {
                    self.queue_of.insert(known.lane.id, known.lane.queue);
                    let types = self.by_name.entry(queue).or_default();
                    types.entry(task_type).or_default().push(known);
                }
                // Its tasks cannot be claimed; those of all others can.
                Err(error) => {
                    let (path, lane) = (path_of(connection), self.last);
                    self.log.add(move || tracing::error!(path, lane, %error, "damaged lane: its tasks cannot be claimed"));
                }
            }
        }
        Ok(())
    }
}

/// A lane with the names of its queue and type.
fn known(row: &Row<'_>) -> Result<(Arc<str>, Arc<str>, Known)> {
    let lane = Lane { id: row.get(0)?, queue: row.get(1)? };
    let requirements = Names::from_text(row.get_ref(4)?.as_str()?);
    Ok((row.get(2)?, row.get(3)?, Known { lane, requirements }))
}

/// Adds a queue of this name, if it is new and there is room for it.
pub(crate) fn add_queue(connection: &Connection, name: &str) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO prismq_queue (name) SELECT ?1 WHERE (SELECT count(*) FROM prismq_queue) < ?2
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![name, QUEUES_MAX])
        .map(drop)
}
