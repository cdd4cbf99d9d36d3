//! Going through tasks by a filter, without the write lock and in bounded steps.
//!
//! A filter is a list of ranges ([`range`]), one for each lane or queue and state, each of which is read from an index,
//! from a position on. What else the filter asks for is checked row by row. A step reads up to
//! [`SEARCH_STEP_TASKS`] tasks and reports where it stopped, so that no snapshot is held for long.

pub(crate) mod range;

use std::collections::HashMap;

use rusqlite::{Connection, Result, Row};

use self::range::Range;
use crate::engine::sqlite::schema::state;
use crate::engine::{Detail, Found, Hit, SEARCH_STEP_TASKS, Search, Seen};
use crate::model::{Position, TaskId};
use crate::time::Timestamp;

/// The lanes of a queue, or of all, with their queues and types.
pub(crate) const LANES: &str = "SELECT l.id, l.queue, l.type FROM prismq_lane AS l
     JOIN prismq_queue AS q ON q.id = l.queue WHERE q.name = ?1";
/// The lanes of a key.
pub(crate) const LANES_OF_KEY: &str = "SELECT l.id, l.queue, l.type, q.name FROM prismq_key AS k
     JOIN prismq_line AS n ON n.key = k.id JOIN prismq_lane AS l ON l.id = n.lane
     JOIN prismq_queue AS q ON q.id = l.queue WHERE k.name = ?1";
pub(crate) const ALL_LANES: &str = "SELECT l.id, l.queue, l.type FROM prismq_lane AS l
     JOIN prismq_queue AS q ON q.id = l.queue";

/// The queue of each lane that a filter means.
type Lanes = HashMap<i64, i64>;

/// What a range returns of a task, whether of its row or of its index alone.
#[derive(Debug)]
struct Candidate {
    key: i64,
    id: i64,
    lane: i64,
    token: i64,
    /// When it was enqueued, completed or cancelled, by the wall clock.
    time: i64,
    error: Option<String>,
    bytes: u64,
}

impl Candidate {
    /// With its error only if that is asked for.
    fn read(row: &Row<'_>, with_error: bool) -> Result<Self> {
        let error = row.get_ref(5)?.as_bytes_or_null()?.filter(|_| with_error);
        Ok(Self {
            key: row.get(0)?,
            id: row.get(1)?,
            lane: row.get(2)?,
            token: row.get(3)?,
            time: row.get(4)?,
            // Text that is not valid as such must not hide the task.
            error: error.map(|text| String::from_utf8_lossy(text).into()),
            bytes: row.get(6)?,
        })
    }
}

/// One step through the tasks that a search means, from the position after `after` on.
pub(crate) fn step(
    connection: &Connection,
    search: &Search,
    after: Option<Position>,
) -> Result<Found> {
    let lanes = lanes_of(connection, search)?;
    let mut found = Found::default();
    let mut bytes = 0_u64;
    let mut left = SEARCH_STEP_TASKS;
    for range in ranges(search, &lanes) {
        let from = match after {
            Some(after) if after.range > range.number() => continue,
            Some(after) if after.range == range.number() => after,
            _ => Position { range: range.number(), key: lowest_key(search, range), id: i64::MIN },
        };
        let candidates = candidates(connection, search, range, from, left)?;
        let mut all_read = candidates.len() < left;
        // A range without tasks costs a seek.
        left = left.saturating_sub(candidates.len().max(1));
        let mut position = from;
        for candidate in candidates {
            position = Position { key: candidate.key, id: candidate.id, ..position };
            if is_past(search, range, &candidate) {
                all_read = true;
                break;
            }
            if !suits(search, range, &lanes, &candidate) {
                continue;
            }
            bytes = bytes.saturating_add(candidate.bytes);
            found.hits.push(hit(candidate, range, position));
            if found.hits.len() >= search.tasks_max || bytes >= search.bytes_max {
                found.next = Some(position);
                return Ok(found);
            }
        }
        if left == 0 {
            let end = Position { key: i64::MAX, id: i64::MAX, ..position };
            found.next = Some(if all_read { end } else { position });
            return Ok(found);
        }
    }
    Ok(found)
}

/// The lanes that a search means.
fn lanes_of(connection: &Connection, search: &Search) -> Result<Lanes> {
    let filter = &search.filter;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let lanes: Vec<(i64, i64, String)> = match (&filter.key, &filter.queue) {
        (Some(key), queue) => {
            let mut select = connection.prepare_cached(LANES_OF_KEY)?;
            let mut rows = select.query([&**key])?;
            let mut lanes = Vec::new();
            while let Some(row) = rows.next()? {
                let name: String = row.get(3)?;
                if queue.as_ref().is_none_or(|queue| **queue == *name) {
                    lanes.push(read(row)?);
                }
            }
            lanes
        }
        (None, Some(queue)) => {
            connection.prepare_cached(LANES)?.query_map([&**queue], read)?.collect::<Result<_>>()?
        }
        (None, None) => {
            connection.prepare_cached(ALL_LANES)?.query_map([], read)?.collect::<Result<_>>()?
        }
    };
    let is_meant = |task_type: &str| {
        filter.types.is_empty() || filter.types.iter().any(|meant| **meant == *task_type)
    };
    let lanes = lanes.into_iter().filter(|(_, _, task_type)| is_meant(task_type));
    Ok(lanes.map(|(lane, queue, _)| (lane, queue)).collect())
}

/// The ranges of a search, in order.
fn ranges(search: &Search, lanes: &Lanes) -> Vec<Range> {
    let mut ranges = Vec::new();
    if lanes.is_empty() {
        return ranges;
    }
    for state in range::STATES {
        if !state::loaded(state).is_ok_and(|state| search.filter.has_state(state)) {
            continue;
        }
        let first = ranges.len();
        match state {
            state::SCHEDULED | state::LEASED => ranges.push(Range { state, owner: 0 }),
            // Keys are not kept.
            kept if state::is_kept(kept) && search.filter.key.is_some() => {}
            kept if state::is_kept(kept) => {
                ranges.extend(lanes.values().map(|queue| Range { state, owner: *queue }));
            }
            _ => ranges.extend(lanes.keys().map(|lane| Range { state, owner: *lane })),
        }
        if let Some(added) = ranges.get_mut(first..) {
            added.sort_unstable_by_key(|range| range.owner);
        }
    }
    ranges.dedup();
    ranges
}

/// Up to `limit` tasks of a range after a position.
fn candidates(
    connection: &Connection,
    search: &Search,
    range: Range,
    from: Position,
    limit: usize,
) -> Result<Vec<Candidate>> {
    let with_error = search.detail == Detail::Error || search.filter.reads_errors();
    let read = |row: &Row<'_>| Candidate::read(row, with_error);
    if range.state == state::LEASED {
        return range::leased_after(connection, from.id, limit)?
            .iter()
            .filter_map(|id| range::leased(connection, *id, read).transpose())
            .collect();
    }
    // The index has what is asked for: the type is the lane's, except where one index is for all lanes of a queue.
    let whole = !range.is_of_queue() || search.filter.types.is_empty();
    let index_only = search.detail == Detail::Id && !search.filter.reads_rows() && whole;
    connection
        .prepare_cached(range.select(index_only))?
        .query_map(rusqlite::params![range.owner, from.key, from.id, limit], read)?
        .collect()
}

/// Below the first key of a range that can be meant: dead tasks are in order of their death.
fn lowest_key(search: &Search, range: Range) -> i64 {
    match search.filter.age.less_than {
        Some(age) if range.state == state::DEAD => before(search.now.monotonic, age).as_micros(),
        _ => i64::MIN,
    }
}

/// Whether no task from this one on can be meant: dead tasks are in order of their death.
fn is_past(search: &Search, range: Range, task: &Candidate) -> bool {
    let now = search.died_by_now.then_some(search.now.monotonic);
    let died_by = search.filter.age.at_least.map(|age| before(search.now.monotonic, age)).or(now);
    range.state == state::DEAD && died_by.is_some_and(|time| task.key > time.as_micros())
}

/// Whether a task is meant.
fn suits(search: &Search, range: Range, lanes: &Lanes, task: &Candidate) -> bool {
    let age = search.filter.age;
    let (now, time) = match range.state {
        state::DEAD => (search.now.monotonic, task.key),
        _ => (search.now.wall, task.time),
    };
    let old_enough = age.at_least.is_none_or(|age| time <= before(now, age).as_micros());
    let young_enough = age.less_than.is_none_or(|age| time > before(now, age).as_micros());
    let of_lane = task.lane == 0 || lanes.contains_key(&task.lane);
    task.id <= search.last_id.as_i64()
        && of_lane
        && old_enough
        && young_enough
        && (!search.filter.reads_errors() || search.filter.suits_error(task.error.as_deref()))
}

/// The time this long before another.
fn before(time: Timestamp, age: std::time::Duration) -> Timestamp {
    let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(time.as_micros().saturating_sub(age))
}

fn hit(task: Candidate, range: Range, position: Position) -> Hit {
    let died_at = (range.state == state::DEAD).then_some(Timestamp::from_micros(task.key));
    let seen = if range.is_of_queue() { Seen::Kept } else { Seen::Stored { token: task.token } };
    Hit {
        id: TaskId::from_i64(task.id),
        position,
        seen,
        bytes: task.bytes,
        died_at,
        error: task.error,
    }
}
