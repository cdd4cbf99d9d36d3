//! Which ended tasks of a queue are beyond its retention: by count, those that ended first; by age, all that ended too
//! long ago.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::batch::kept::type_retention;
use crate::engine::sqlite::schema::state;
use crate::engine::{Seen, Target};
use crate::model::limits::HISTORY_MAX;
use crate::model::{Keep, Retention, State, TaskId};
use crate::time::{Moment, Timestamp};

/// A queue's retention, and how many tasks it keeps.
pub(crate) const SETTING: &str =
    "SELECT q.keep, r.completed_age, r.cancelled, r.cancelled_age, r.dead, r.dead_age, r.queue IS NULL,
            q.kept - coalesce(m.kept_by_type, 0), coalesce(m.cancelled_kept - m.cancelled_kept_by_type, 0), q.dead
     FROM prismq_queue AS q LEFT JOIN prismq_retention AS r ON r.queue = q.id
          LEFT JOIN prismq_removed AS m ON m.queue = q.id WHERE q.id = ?1";
/// Queues with a retention beyond a number of completed tasks.
pub(crate) const QUEUES: &str = "SELECT queue FROM prismq_retention ORDER BY queue";
/// Sets it.
const SET: &str =
    "INSERT INTO prismq_retention (queue, completed_age, cancelled, cancelled_age, dead, dead_age)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT DO UPDATE SET completed_age = excluded.completed_age,
         cancelled = excluded.cancelled, cancelled_age = excluded.cancelled_age,
         dead = excluded.dead, dead_age = excluded.dead_age";
/// Sets it to what it is unless set.
const UNSET: &str = "DELETE FROM prismq_retention WHERE queue = ?1";
/// The kept tasks of a queue that ended first.
pub(crate) const OLDEST_KEPT: &str = "SELECT completed_at, task FROM prismq_kept
     WHERE queue = ?1 AND state = ?2 ORDER BY completion, task LIMIT ?3";
/// The lanes of a queue whose types have no retention of their own.
pub(crate) const LANES: &str = "SELECT id FROM prismq_lane AS l WHERE queue = ?1
     AND NOT EXISTS (SELECT 1 FROM prismq_type_retention AS r WHERE r.type = l.type)";
/// The dead tasks of a lane in the order in which they died, from one on.
pub(crate) const OLDEST_DEAD: &str = "SELECT run_at, id, token FROM prismq_task
     WHERE state = 3 AND lane = ?1 AND (run_at, id) > (?2, ?3) ORDER BY run_at, id LIMIT ?4";
/// How many dead tasks are read at a time of a lane whose turn it is.
const LANE_TASKS: usize = 64;

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Completed,
    Cancelled,
    Dead,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Completed, Self::Cancelled, Self::Dead];

    pub(crate) const fn state(self) -> State {
        match self {
            Self::Completed => State::Completed,
            Self::Cancelled => State::Cancelled,
            Self::Dead => State::Dead,
        }
    }
}

/// A task that ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    /// When: by the monotonic time if it is dead, else by the wall clock.
    pub(crate) at: i64,
    pub(crate) target: Target,
}

/// Tasks beyond a queue's retention.
#[derive(Debug, Default)]
pub(crate) struct Excess {
    /// Of each kind, those that ended first.
    pub(crate) ended: Vec<(Kind, Vec<Ended>)>,
    /// Whether there are more.
    pub(crate) more: bool,
}

impl Excess {
    pub(crate) const fn is_empty(&self) -> bool {
        self.ended.is_empty()
    }
}

/// Which of the ended tasks of one kind are beyond a retention.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// How many more there are than are kept.
    beyond: u64,
    /// Those that ended until then are too old.
    ended_by: Option<i64>,
}

impl Rule {
    /// Whether the task is, before which this many ended, and which ended at this time.
    pub(crate) fn is_excess(self, before: u64, at: i64) -> bool {
        before < self.beyond || self.ended_by.is_some_and(|by| at <= by)
    }
}

/// A queue's retention, and what it keeps of tasks whose types have none of their own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) retention: Retention,
    completed: i64,
    cancelled: i64,
    dead: i64,
}

/// Sets a queue's retention.
pub(crate) fn set(connection: &Connection, queue: i64, retention: Retention) -> Result<()> {
    let Retention { completed, cancelled, dead } = retention;
    let keep = completed.tasks.unwrap_or(HISTORY_MAX);
    connection
        .prepare_cached("UPDATE prismq_queue SET keep = ?2 WHERE id = ?1")?
        .execute(params![queue, keep])?;
    let is_usual = completed.age.is_none()
        && cancelled == Retention::default().cancelled
        && dead == Retention::default().dead;
    if is_usual {
        return connection.prepare_cached(UNSET)?.execute([queue]).map(drop);
    }
    let age = |keep: Keep| keep.age.map(|age| i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
    let set =
        params![queue, age(completed), cancelled.tasks, age(cancelled), dead.tasks, age(dead)];
    connection.prepare_cached(SET)?.execute(set).map(drop)
}

/// A queue's retention and what it keeps; `None` if there is no such queue.
pub(crate) fn of(connection: &Connection, queue: i64) -> Result<Option<Kept>> {
    let found = connection.prepare_cached(SETTING)?.query_row([queue], kept).optional()?;
    let Some(mut kept) = found else { return Ok(None) };
    if let Some(keep) = kept.retention.dead.tasks.map(i64::from)
        && kept.dead > keep
        && type_retention::is_used(connection)?
    {
        let step = i64::try_from(STEP_TASKS_MAX).unwrap_or(i64::MAX);
        let most = keep.saturating_add(step).saturating_add(1);
        kept.dead = type_retention::other_dead(connection, queue, most)?;
    }
    Ok(Some(kept))
}

/// Reads the columns of [`SETTING`].
pub(crate) fn kept(row: &Row<'_>) -> Result<Kept> {
    let keep = |tasks: Option<i64>, age: Option<i64>| Keep {
        tasks: tasks.map(|tasks| u32::try_from(tasks.max(0)).unwrap_or(HISTORY_MAX)),
        age: age.map(|age| Duration::from_micros(u64::try_from(age).unwrap_or(0))),
    };
    let completed = keep(row.get(0)?, row.get(1)?);
    let retention = match row.get(6)? {
        true => Retention { completed, ..Retention::default() },
        false => Retention {
            completed,
            cancelled: keep(row.get(2)?, row.get(3)?),
            dead: keep(row.get(4)?, row.get(5)?),
        },
    };
    Ok(Kept { retention, completed: row.get(7)?, cancelled: row.get(8)?, dead: row.get(9)? })
}

impl Kept {
    /// What is beyond the retention of tasks of one kind at this moment.
    pub(crate) fn rule(&self, kind: Kind, now: Moment) -> Rule {
        let Retention { completed, cancelled, dead } = self.retention;
        let (count, keep, most, now) = match kind {
            Kind::Completed => (self.completed, completed, Some(HISTORY_MAX), now.wall),
            Kind::Cancelled => (self.cancelled, cancelled, Some(HISTORY_MAX), now.wall),
            Kind::Dead => (self.dead, dead, None, now.monotonic),
        };
        let beyond = keep.tasks.or(most).map_or(0, |keep| count - i64::from(keep));
        Rule {
            beyond: u64::try_from(beyond).unwrap_or(0),
            ended_by: keep.age.map(|age| before(now, age)).filter(|_| count > 0),
        }
    }
}

/// Some of the tasks beyond a queue's retention, up to [`STEP_TASKS_MAX`]. In a transaction, to be called where its
/// counters are written.
pub(crate) fn excess(connection: &Connection, queue: i64, now: Moment) -> Result<Excess> {
    let mut excess = Excess::default();
    let Some(kept) = of(connection, queue)? else { return Ok(excess) };
    let mut room = STEP_TASKS_MAX;
    for kind in Kind::ALL {
        let rule = kept.rule(kind, now);
        if rule.beyond == 0 && rule.ended_by.is_none() {
            continue;
        }
        // One more than there is room for, to know whether there are more.
        let mut ended = match kind {
            Kind::Completed => oldest_kept(connection, (queue, state::COMPLETED), rule, room + 1)?,
            Kind::Cancelled => oldest_kept(connection, (queue, state::CANCELLED), rule, room + 1)?,
            Kind::Dead => oldest_dead(connection, queue, rule, room + 1)?,
        };
        excess.more |= ended.len() > room;
        ended.truncate(room);
        room -= ended.len();
        if !ended.is_empty() {
            excess.ended.push((kind, ended));
        }
    }
    Ok(excess)
}

/// The kept tasks of a queue and state that are beyond a rule.
fn oldest_kept(
    connection: &Connection,
    (queue, state): (i64, i64),
    rule: Rule,
    most: usize,
) -> Result<Vec<Ended>> {
    let mut select = connection.prepare_cached(OLDEST_KEPT)?;
    let mut rows = select.query(params![queue, state, most])?;
    let mut oldest = Vec::new();
    while let Some(row) = rows.next()? {
        let at = row.get(0)?;
        if !rule.is_excess(count(&oldest), at) {
            break;
        }
        let target = Target { id: TaskId::from_i64(row.get(1)?), seen: Seen::Kept };
        oldest.push(Ended { at, target });
    }
    Ok(oldest)
}

/// A dead task, in the order of death.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Dead {
    at: i64,
    id: i64,
    token: i64,
    lane: i64,
    /// Whether the next of its lane have not been read.
    is_last_read: bool,
}

/// The dead tasks of a queue that are beyond a rule: those that died first, over all its lanes.
fn oldest_dead(connection: &Connection, queue: i64, rule: Rule, most: usize) -> Result<Vec<Ended>> {
    let mut next = BinaryHeap::new();
    let mut lanes = connection.prepare_cached(LANES)?;
    let mut rows = lanes.query([queue])?;
    while let Some(row) = rows.next()? {
        read_dead(connection, &mut next, row.get(0)?, (i64::MIN, i64::MIN), 1)?;
    }
    let mut oldest = Vec::new();
    while oldest.len() < most
        && let Some(Reverse(Dead { at, id, token, lane, is_last_read })) = next.pop()
        && rule.is_excess(count(&oldest), at)
    {
        let target = Target { id: TaskId::from_i64(id), seen: Seen::Stored { token } };
        oldest.push(Ended { at, target });
        if is_last_read {
            read_dead(connection, &mut next, lane, (at, id), LANE_TASKS)?;
        }
    }
    Ok(oldest)
}

/// Reads the next dead tasks of a lane after this time and id, up to a limit.
fn read_dead(
    connection: &Connection,
    next: &mut BinaryHeap<Reverse<Dead>>,
    lane: i64,
    (at, id): (i64, i64),
    limit: usize,
) -> Result<()> {
    let dead = |row: &Row<'_>| {
        let (at, id, token) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Dead { at, id, token, lane, is_last_read: false })
    };
    let mut found: Vec<Dead> = connection
        .prepare_cached(OLDEST_DEAD)?
        .query_map(params![lane, at, id, limit], dead)?
        .collect::<Result<_>>()?;
    if found.len() == limit
        && let Some(last) = found.last_mut()
    {
        last.is_last_read = true;
    }
    next.extend(found.into_iter().map(Reverse));
    Ok(())
}

fn count(tasks: &[Ended]) -> u64 {
    u64::try_from(tasks.len()).unwrap_or(u64::MAX)
}

fn before(time: Timestamp, age: Duration) -> i64 {
    time.as_micros().saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX))
}
