//! Which ended tasks of a queue are beyond its retention: by count, those that ended first; by age, all that ended too
//! long ago.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use crate::engine::Target;
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::schema::state;
use crate::model::limits::HISTORY_MAX;
use crate::model::{Keep, Retention, TaskId};
use crate::time::{Moment, Timestamp};

/// A queue's retention, and how many tasks it keeps.
pub(crate) const SETTING: &str =
    "SELECT q.keep, r.completed_age, r.cancelled, r.cancelled_age, r.dead, r.dead_age, r.queue IS NULL,
            q.kept, coalesce(m.cancelled_kept, 0), q.dead
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
/// The lanes of a queue.
pub(crate) const LANES: &str = "SELECT id FROM prismq_lane WHERE queue = ?1";
/// The dead tasks of a lane that died first.
pub(crate) const OLDEST_DEAD: &str = "SELECT run_at, id, token FROM prismq_task
     WHERE state = 3 AND lane = ?1 ORDER BY run_at, id LIMIT ?2";
/// Fewest dead tasks that are read of each lane at a time.
const LANE_TASKS_MIN: usize = 16;

/// A queue's retention and what it keeps.
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
    connection.prepare_cached(SETTING)?.query_row([queue], kept).optional()
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

/// Some of the tasks beyond a queue's retention, up to [`STEP_TASKS_MAX`]. To be called where the counters of the
/// transaction in progress are written.
pub(crate) fn excess(connection: &Connection, queue: i64, now: Moment) -> Result<Vec<Target>> {
    let Some(kept) = of(connection, queue)? else { return Ok(Vec::new()) };
    let Retention { completed, cancelled, dead } = kept.retention;
    let mut excess = Vec::new();
    let ended = [
        (state::COMPLETED, completed, kept.completed),
        (state::CANCELLED, cancelled, kept.cancelled),
    ];
    for (state, keep, count) in ended {
        let beyond = beyond(count, Some(keep.tasks.unwrap_or(HISTORY_MAX)));
        if count > 0 && (beyond > 0 || keep.age.is_some()) {
            let oldest: Vec<(i64, i64)> = connection
                .prepare_cached(OLDEST_KEPT)?
                .query_map(params![queue, state, STEP_TASKS_MAX], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<Result<_>>()?;
            let ended_by = keep.age.map(|age| before(now.wall, age));
            let is_excess =
                |index: usize, at: i64| index < beyond || ended_by.is_some_and(|by| at <= by);
            let of_state = oldest.into_iter().enumerate();
            let of_state = of_state.take_while(|(index, (at, _))| is_excess(*index, *at));
            excess.extend(of_state.map(|(_, (_, task))| target(task, None)));
        }
    }
    let beyond = beyond(kept.dead, dead.tasks);
    if kept.dead > 0 && (beyond > 0 || dead.age.is_some()) {
        let died_by = dead.age.map(|age| before(now.monotonic, age));
        let is_excess =
            |index: usize, at: i64| index < beyond || died_by.is_some_and(|by| at <= by);
        let oldest = oldest_dead(connection, queue)?.into_iter().enumerate();
        let oldest = oldest.take_while(|(index, (at, ..))| is_excess(*index, *at));
        excess.extend(oldest.map(|(_, (_, task, token))| target(task, Some(token))));
    }
    excess.truncate(STEP_TASKS_MAX);
    Ok(excess)
}

/// Some dead tasks of a queue, those that died first, over all its lanes: time of death, id and token.
fn oldest_dead(connection: &Connection, queue: i64) -> Result<Vec<(i64, i64, i64)>> {
    let lanes: Vec<i64> = connection
        .prepare_cached(LANES)?
        .query_map([queue], |row| row.get(0))?
        .collect::<Result<_>>()?;
    let limit = (STEP_TASKS_MAX / lanes.len().max(1)).max(LANE_TASKS_MIN);
    let mut oldest: Vec<(i64, i64, i64)> = Vec::new();
    let mut select = connection.prepare_cached(OLDEST_DEAD)?;
    // Lanes of which not all were read may hold tasks that died soon after the last one read.
    let mut read_to = i64::MAX;
    for lane in lanes {
        let before = oldest.len();
        let rows = select
            .query_map(params![lane, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        for row in rows {
            oldest.push(row?);
        }
        if oldest.len() - before == limit {
            read_to = read_to.min(oldest.last().map_or(i64::MAX, |(at, ..)| *at));
        }
    }
    oldest.retain(|(at, ..)| *at <= read_to);
    oldest.sort_unstable();
    Ok(oldest)
}

/// How many more there are than are kept.
fn beyond(count: i64, keep: Option<u32>) -> usize {
    let beyond = keep.map_or(0, |keep| count - i64::from(keep));
    usize::try_from(beyond).unwrap_or(0)
}

fn before(time: Timestamp, age: Duration) -> i64 {
    time.as_micros().saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX))
}

const fn target(task: i64, token: Option<i64>) -> Target {
    Target { id: TaskId::from_i64(task), token }
}
