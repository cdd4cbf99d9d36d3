//! Lanes: a number for each combination of queue, task type and requirements. A claim takes from all lanes that it
//! can serve. They are cached, so that an operation finds its lane without a read.
//!
//! Any process adds lanes, with rising numbers, and frees unused ones, which a counter in the file counts: reading the
//! highest number and that counter shows whether the cache is current. A number is never used again.

pub(crate) mod lines;
pub(crate) mod names;

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use crate::engine::DeferredLog;
use crate::engine::sqlite::connection::path_of;
use crate::model::limits::{QUEUES_MAX, TASK_TYPES_MAX};
use crate::model::{Claim, Names, NewTask};

/// The highest number of a lane, and the counter of frees.
const LATEST: &str = "SELECT (SELECT id FROM prismq_lane ORDER BY id DESC LIMIT 1), (SELECT names_freed FROM prismq_meta)";

/// A lane by its number.
pub(crate) const BY_ID: &str = "SELECT id, queue, limits, keyed FROM prismq_lane WHERE id = ?1";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) id: i64,
    pub(crate) queue: i64,
    /// The limit that its tasks are under; 0 if they are under none.
    pub(crate) limit: i64,
    pub(crate) keyed: Keyed,
}

/// Whether the tasks of a lane have keys: they then stand in lanes of their keys, which are not cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyed {
    No,
    /// The keys take turns.
    Fair,
    /// And the tasks of a key run one at a time, in order.
    Ordered,
}

impl Keyed {
    fn of(task: &NewTask) -> Self {
        match (&task.limit.key, task.limit.ordered) {
            (None, _) => Self::No,
            (Some(_), false) => Self::Fair,
            (Some(_), true) => Self::Ordered,
        }
    }

    pub(crate) const fn stored(self) -> i64 {
        match self {
            Self::No => 0,
            Self::Fair => 1,
            Self::Ordered => 2,
        }
    }

    const fn loaded(stored: i64) -> Result<Self> {
        match stored {
            0 => Ok(Self::No),
            1 => Ok(Self::Fair),
            2 => Ok(Self::Ordered),
            other => Err(rusqlite::Error::IntegralValueOutOfRange(6, other)),
        }
    }
}

impl Lane {
    /// Whether a limit or a key counts its tasks.
    pub(crate) fn is_limited(&self) -> bool {
        self.limit != 0 || self.keyed != Keyed::No
    }
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
    by_id: HashMap<i64, Lane>,
    /// Limits that tasks named, by name. They outlast the lanes, as the limit of a task is looked up before its lane.
    limits: HashMap<Arc<str>, i64>,
    /// The counter of frees, which removed limits raise as well, when they were read.
    limits_freed: i64,
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
                "INSERT INTO prismq_lane (queue, type, requirements, limits, keyed)
                 SELECT id, ?2, ?3, ?5, ?6 FROM prismq_queue
                 WHERE name = ?1 AND (SELECT count(*) FROM prismq_lane WHERE id > 0) < ?4",
            )?
            .execute(params![
                &*task.queue,
                &*task.task_type,
                task.requirements.to_text(),
                TASK_TYPES_MAX,
                self.limit_of(task).unwrap_or_default(),
                Keyed::of(task).stored(),
            ])?;
        self.known(connection, task)
    }

    /// Forgets lanes, and limits, if names were freed or limits removed since they were read. To be called before the
    /// limits of tasks are asked for.
    pub(crate) fn keep_if_current(&mut self, freed: i64) {
        if freed != self.limits_freed {
            self.limits.clear();
            self.limits_freed = freed;
        }
        self.keep_lanes_if_current(freed);
    }

    fn keep_lanes_if_current(&mut self, freed: i64) {
        if freed != self.freed {
            self.clear_lanes();
            self.freed = freed;
        }
    }

    /// Forgets the lanes, but not which limits there are.
    pub(crate) fn clear_lanes(&mut self) {
        let cleared = Self::new(self.log.clone());
        let Self { limits, limits_freed, .. } = std::mem::replace(self, cleared);
        (self.limits, self.limits_freed) = (limits, limits_freed);
    }

    /// The lane of this number; `None` if it is missing.
    pub(crate) fn by_id(&mut self, connection: &Connection, lane: i64) -> Result<Option<Lane>> {
        // Those of keys are not cached, as there may be any number of them.
        if lane < 0 {
            let mut select = connection.prepare_cached(BY_ID)?;
            return select.query_row([lane], read).optional();
        }
        if !self.by_id.contains_key(&lane) {
            self.refresh(connection)?;
        }
        Ok(self.by_id.get(&lane).copied())
    }

    /// The queue of a lane; `None` if the lane is missing.
    pub(crate) fn queue_of(&mut self, connection: &Connection, lane: i64) -> Result<Option<i64>> {
        Ok(self.by_id(connection, lane)?.map(|lane| lane.queue))
    }

    /// Whether the limit that a task names exists, if it names one. To be called before its lane is asked for.
    pub(crate) fn knows_limit(&mut self, connection: &Connection, task: &NewTask) -> Result<bool> {
        let Some(name) = &task.limit.name else { return Ok(true) };
        if self.limits.contains_key(name) {
            return Ok(true);
        }
        let id: Option<i64> = connection
            .prepare_cached("SELECT id FROM prismq_limit WHERE name = ?1 AND removed = 0")?
            .query_row([&**name], |row| row.get(0))
            .optional()?;
        self.limits.extend(id.map(|id| (name.clone(), id)));
        Ok(id.is_some())
    }

    fn limit_of(&self, task: &NewTask) -> Option<i64> {
        match &task.limit.name {
            Some(name) => self.limits.get(name).copied(),
            None => Some(0),
        }
    }

    fn find(&self, task: &NewTask) -> Option<Lane> {
        let lanes = self.by_name.get(&task.queue)?.get(&task.task_type)?;
        let (limit, keyed) = (self.limit_of(task)?, Keyed::of(task));
        let known = lanes.iter().find(|known| {
            known.requirements == task.requirements
                && known.lane.limit == limit
                && known.lane.keyed == keyed
        })?;
        Some(known.lane)
    }

    /// Brings the cache up to date.
    fn refresh(&mut self, connection: &Connection) -> Result<()> {
        let (last, freed): (Option<i64>, Option<i64>) = connection
            .prepare_cached(LATEST)?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.keep_lanes_if_current(freed.unwrap_or(self.freed));
        if last.is_none_or(|last| last <= self.last) {
            return Ok(());
        }
        let mut select = connection.prepare_cached(
            "SELECT prismq_lane.id, prismq_queue.id, prismq_queue.name, prismq_lane.type, prismq_lane.requirements,
                    prismq_lane.limits, prismq_lane.keyed
             FROM prismq_lane LEFT JOIN prismq_queue ON prismq_queue.id = prismq_lane.queue WHERE prismq_lane.id > ?1 ORDER BY prismq_lane.id",
        )?;
        let mut rows = select.query([self.last])?;
        while let Some(row) = rows.next()? {
            self.last = row.get(0)?;
            match known(row) {
                Ok((queue, task_type, known)) => {
                    self.by_id.insert(known.lane.id, known.lane);
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
    let keyed = Keyed::loaded(row.get(6)?)?;
    let lane = Lane { id: row.get(0)?, queue: row.get(1)?, limit: row.get(5)?, keyed };
    let requirements = Names::from_text(row.get_ref(4)?.as_str()?);
    Ok((row.get(2)?, row.get(3)?, Known { lane, requirements }))
}

/// A lane as [`BY_ID`] reads it.
fn read(row: &Row<'_>) -> Result<Lane> {
    let keyed = Keyed::loaded(row.get(3)?)?;
    Ok(Lane { id: row.get(0)?, queue: row.get(1)?, limit: row.get(2)?, keyed })
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
