//! The lanes of the database, known to this process. A server does not use their ids again; where some were deleted, a number
//! in the database is higher than before, and all are read again. They also are if the server has been restarted or replaced,
//! or may have been restored: it may have lost the last lanes, and gives their ids to others.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::Row;

use super::queues::unknown;
use crate::engine::postgres::client::{Columns, NewWork};
use crate::model::{Claim, LimitUse, Names, NewTask, Result};

/// Lanes after this one, how often lanes were deleted, and when the server was started; a row without a lane if there are
/// none.
pub(crate) const AFTER: &str =
    "SELECT l.id, l.queue, q.name, l.type, l.requirements, m.names_freed, l.limits, l.keyed, b.name,
         m.number, (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint
     FROM prismq.meta m LEFT JOIN prismq.lane l ON l.id > $1 LEFT JOIN prismq.queue q ON q.id = l.queue
         LEFT JOIN prismq.limits b ON b.id = l.limits
     ORDER BY l.id";

/// Whether the tasks of a lane have keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyed {
    No,
    /// Keys take turns.
    Turns,
    /// The tasks of a key run one at a time, in order, too.
    Ordered,
}

impl Keyed {
    pub(crate) const fn of(limit: &LimitUse) -> Self {
        match limit {
            LimitUse { key: None, .. } => Self::No,
            LimitUse { ordered: false, .. } => Self::Turns,
            LimitUse { ordered: true, .. } => Self::Ordered,
        }
    }

    pub(crate) const fn stored(self) -> i16 {
        match self {
            Self::No => 0,
            Self::Turns => 1,
            Self::Ordered => 2,
        }
    }

    fn loaded(stored: i16) -> Result<Self> {
        match stored {
            0 => Ok(Self::No),
            1 => Ok(Self::Turns),
            2 => Ok(Self::Ordered),
            other => Err(unknown("a lane has keys of the kind", other.into())),
        }
    }
}

/// A lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) id: i32,
    pub(crate) queue: i32,
    /// The limit that counts its tasks, or 0; that of the queue if they have keys and no limit.
    pub(crate) limit: i32,
    pub(crate) keyed: Keyed,
}

impl Lane {
    /// Whether a limit or a key counts its tasks.
    pub(crate) const fn is_limited(self) -> bool {
        self.limit != 0
    }
}

#[derive(Debug)]
struct Known {
    lane: Lane,
    requirements: Names,
    limit_name: Option<Box<str>>,
}

/// A lane's queue, and what logs call it.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) queue: i32,
    pub(crate) is_limited: bool,
    pub(crate) is_keyed: bool,
    pub(crate) queue_name: Arc<str>,
    pub(crate) task_type: Arc<str>,
    requirements: Names,
}

/// Where lanes were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Source {
    /// The number of the database.
    pub(crate) number: i64,
    /// When its server was started, in microseconds.
    pub(crate) started: i64,
}

/// The result of [`Lanes::take`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresh {
    /// All lanes are known.
    Complete,
    /// The rows do not continue what is known: all lanes have to be read.
    MustReadAll,
}

/// What was known at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    last: i32,
    generation: u64,
}

/// The lanes that are known.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    /// By queue and type.
    by_name: HashMap<Arc<str>, HashMap<Arc<str>, Vec<Known>>>,
    by_id: HashMap<i32, Named>,
    last: i32,
    /// How often lanes had been deleted when these were read.
    freed: i32,
    source: Source,
    /// How often all were read again.
    generation: u64,
    has_keys: bool,
}

impl Lanes {
    /// The last lane that is known; 0 without any.
    pub(crate) const fn last(&self) -> i32 {
        self.last
    }

    /// How often lanes had been deleted when these were read.
    pub(crate) const fn freed(&self) -> i32 {
        self.freed
    }

    /// Where these were read.
    pub(crate) const fn source(&self) -> Source {
        self.source
    }

    /// How often all were read again.
    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether tasks may have keys.
    pub(crate) const fn has_keys(&self) -> bool {
        self.has_keys
    }

    /// Adds the rows of [`AFTER`] this lane, or replaces what is known by those of all lanes where that is out of date.
    pub(crate) fn take(&mut self, after: i32, rows: &[Row]) -> Result<Refresh> {
        let Some(first) = rows.first() else { return Ok(Refresh::Complete) };
        let (freed, source) = read_source(first)?;
        let is_same = source == self.source;
        // An older state than another thread has read meanwhile.
        if is_same && freed < self.freed {
            return Ok(Refresh::Complete);
        }
        let continues = is_same && freed == self.freed && after <= self.last;
        match (continues, after) {
            (true, _) => rows.iter().try_for_each(|row| self.add(row)).map(|()| Refresh::Complete),
            (false, 0) => self.set(rows).map(|()| Refresh::Complete),
            (false, _) => Ok(Refresh::MustReadAll),
        }
    }

    /// What is known, by which [`Lanes::replace`] finds out whether others have read lanes meanwhile.
    pub(crate) const fn state(&self) -> State {
        State { last: self.last, generation: self.generation }
    }

    /// Replaces what is known by the rows of all lanes, which were read when this was known: whether it still is. What others
    /// have read meanwhile may be newer, and all lanes have to be read once more.
    pub(crate) fn replace(&mut self, state: State, rows: &[Row]) -> Result<bool> {
        let is_latest = self.state() == state;
        if is_latest {
            self.set(rows)?;
        }
        Ok(is_latest)
    }

    fn set(&mut self, rows: &[Row]) -> Result<()> {
        let Some(first) = rows.first() else { return Ok(()) };
        let (freed, source) = read_source(first)?;
        *self = Self { freed, source, generation: self.generation + 1, ..Self::default() };
        rows.iter().try_for_each(|row| self.add(row))
    }

    fn add(&mut self, row: &Row) -> Result<()> {
        let Some(id) = row.column(0)? else { return Ok(()) };
        let lane = Lane {
            id,
            queue: row.column(1)?,
            limit: row.column(6)?,
            keyed: Keyed::loaded(row.column(7)?)?,
        };
        // Another transaction may have read it meanwhile.
        if lane.id <= self.last {
            return Ok(());
        }
        let (queue_name, task_type): (&str, &str) = (row.column(2)?, row.column(3)?);
        let named = Named {
            queue: lane.queue,
            is_limited: lane.is_limited(),
            is_keyed: lane.keyed != Keyed::No,
            queue_name: queue_name.into(),
            task_type: task_type.into(),
            requirements: Names::from_text(row.column(4)?),
        };
        let limit_name: Option<&str> = row.column(8)?;
        let limit_name = limit_name.map(Box::from);
        self.has_keys |= lane.keyed != Keyed::No;
        let requirements = named.requirements.clone();
        self.last = lane.id;
        let types = self.by_name.entry(named.queue_name.clone()).or_default();
        types.entry(named.task_type.clone()).or_default().push(Known {
            lane,
            requirements,
            limit_name,
        });
        self.by_id.insert(lane.id, named);
        Ok(())
    }

    /// Whether a lane of this queue is known.
    pub(crate) fn knows_queue(&self, queue: &str) -> bool {
        self.by_name.contains_key(queue)
    }

    /// The lane of a task.
    pub(crate) fn of(&self, task: &NewTask) -> Option<Lane> {
        let known = self.by_name.get(&task.queue)?.get(&task.task_type)?;
        let is_of = |known: &&Known| {
            known.requirements == task.requirements
                && known.limit_name.as_deref() == task.limit.name.as_deref()
                && known.lane.keyed == Keyed::of(&task.limit)
        };
        known.iter().find(is_of).map(|known| known.lane)
    }

    /// Where there is work once a task is added.
    pub(crate) fn work_of(&self, task: &NewTask) -> NewWork {
        self.of(task).map_or(NewWork::Anywhere, |lane| NewWork::lane(lane.id))
    }

    /// The lane with this number.
    pub(crate) fn named(&self, lane: i32) -> Option<&Named> {
        self.by_id.get(&lane)
    }

    /// The lanes with tasks of a queue, or of all, and of one of these types, unless there are none.
    pub(crate) fn matching(&self, queue: Option<&str>, types: &[Arc<str>]) -> Vec<i32> {
        let of_queue = |lane: &Named| queue.is_none_or(|queue| *lane.queue_name == *queue);
        let of_type = |lane: &Named| types.is_empty() || types.contains(&lane.task_type);
        let matching = self.by_id.iter().filter(|(_, lane)| of_queue(lane) && of_type(lane));
        matching.map(|(id, _)| *id).collect()
    }

    /// Whether one of these claims may take from the lane with this number, which may be one that is not known yet.
    pub(crate) fn may_serve(&self, lane: i32, claims: &[Claim]) -> bool {
        let Some(named) = self.by_id.get(&lane) else { return true };
        let serves = |claim: &Claim| {
            claim.queue == named.queue_name
                && claim.types.contains(&named.task_type)
                && named.requirements.all_in(&claim.capabilities)
        };
        claims.iter().any(serves)
    }

    /// The lanes that a claim may take from, each with its type.
    pub(crate) fn serving(&self, claim: &Claim) -> Vec<(Lane, Arc<str>)> {
        let mut serving: Vec<(Lane, Arc<str>)> = Vec::with_capacity(claim.types.len());
        let Some(types) = self.by_name.get(&claim.queue) else { return serving };
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
        serving
    }
}

/// How often lanes had been deleted when a row was read, and where.
fn read_source(row: &Row) -> Result<(i32, Source)> {
    Ok((row.column(5)?, Source { number: row.column(9)?, started: row.column(10)? }))
}
