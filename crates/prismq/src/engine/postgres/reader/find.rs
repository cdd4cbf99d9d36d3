//! Going through tasks by a filter, in bounded steps.
//!
//! A filter is a list of ranges, one for each lane or queue and state, each of which is read in its order from where its
//! tasks wait or are kept. What else the filter asks for is checked row by row. A step reads up to
//! [`SEARCH_STEP_TASKS`] tasks and reports where it stopped, so that no snapshot is held for long.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use super::Reading;
use crate::engine::postgres::batch::queues::{
    CANCELLED, COMPLETED, DEAD, LEASED, READY, SCHEDULED, state,
};
use crate::engine::postgres::client::{Columns, Row};
use crate::engine::{Detail, Found, Hit, SEARCH_STEP_TASKS, Search, Seen};
use crate::model::{Position, Result, TaskId};
use crate::time::Timestamp;

/// The states in the order in which their tasks are found.
const STATES: [i16; 6] = [DEAD, READY, SCHEDULED, LEASED, COMPLETED, CANCELLED];

/// The tasks of a range, from where they wait or are kept: key in its order, id, lane, token, the times when it was
/// enqueued and ended, error, bytes of its payload, line. Each task is looked up by its id: a plan that is made while the
/// table is empty would read it as a whole once it is not.
macro_rules! of_range {
    ($range:literal) => {
        concat!(
            "SELECT m.key, m.id, t.lane, t.token, t.enqueued_at, t.ended_at, CASE WHEN $5 THEN t.error END,
                    octet_length(t.payload), t.line
             FROM (",
            $range,
            ") m CROSS JOIN LATERAL (SELECT * FROM prismq.task WHERE id = m.id OFFSET 0) t ORDER BY m.key, m.id"
        )
    };
}
/// The lines of a key.
pub(crate) const LINES_OF_KEY: &str = "SELECT l.id, l.lane FROM prismq.key k JOIN prismq.line l ON l.key = ANY (ARRAY[k.id]) WHERE k.name = $1";
/// The lines of lanes.
pub(crate) const LINES: &str = "SELECT id FROM prismq.line WHERE lane = ANY ($1)";
/// Ready tasks of a lane or a line.
pub(crate) const OF_READY: &str = of_range!(
    "SELECT key, id FROM (
         (SELECT order_key AS key, id FROM prismq.ready WHERE lane = $1 AND NOT suspect AND (order_key, id) > ($2, $3)
          ORDER BY lane, suspect, order_key, id LIMIT $4)
         UNION ALL
         (SELECT order_key AS key, id FROM prismq.ready WHERE lane = $1 AND suspect AND (order_key, id) > ($2, $3)
          ORDER BY lane, suspect, order_key, id LIMIT $4)) r ORDER BY key, id LIMIT $4"
);
/// Scheduled tasks.
pub(crate) const OF_SCHEDULED: &str = of_range!(
    "SELECT run_at AS key, id FROM prismq.scheduled WHERE $1 = 0 AND (run_at, id) > ($2, $3)
     ORDER BY run_at, id LIMIT $4"
);
/// Leased tasks, which what looks for expired leases knows.
pub(crate) const OF_LEASED: &str = of_range!(
    "SELECT DISTINCT 0::bigint AS key, e.id FROM (SELECT unnest(ids) AS id FROM prismq.expiry) e
         JOIN prismq.task l ON l.id = ANY (ARRAY[e.id])
     WHERE $1 = 0 AND l.state = 2 AND $2 <= 0 AND e.id > $3 ORDER BY e.id LIMIT $4"
);
/// Dead tasks of a queue.
pub(crate) const OF_DEAD: &str = of_range!(
    "SELECT ending AS key, id FROM prismq.ended WHERE queue = $1 AND state = 3 AND (ending, id) > ($2, $3)
     ORDER BY queue, state, ending, id LIMIT $4"
);
/// Completed tasks of a queue.
pub(crate) const OF_COMPLETED: &str = of_range!(
    "SELECT key, id FROM (
         (SELECT ending AS key, id FROM prismq.ended WHERE queue = $1 AND state = 4 AND (ending, id) > ($2, $3)
          ORDER BY queue, state, ending, id LIMIT $4)
         UNION ALL
         (SELECT ending AS key, id FROM prismq.ended WHERE queue = $1 AND state = 7 AND (ending, id) > ($2, $3)
          ORDER BY queue, state, ending, id LIMIT $4)) e ORDER BY key, id LIMIT $4"
);
/// Cancelled tasks of a queue.
pub(crate) const OF_CANCELLED: &str = of_range!(
    "SELECT key, id FROM (
         (SELECT ending AS key, id FROM prismq.ended WHERE queue = $1 AND state = 6 AND (ending, id) > ($2, $3)
          ORDER BY queue, state, ending, id LIMIT $4)
         UNION ALL
         (SELECT ending AS key, id FROM prismq.ended WHERE queue = $1 AND state = 8 AND (ending, id) > ($2, $3)
          ORDER BY queue, state, ending, id LIMIT $4)) e ORDER BY key, id LIMIT $4"
);

/// A part of what a search means, whose tasks are in one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    state: i16,
    /// The lane or the queue; 0 for a range of all.
    owner: i32,
}

impl Range {
    /// Its place among all ranges.
    fn number(self) -> (u8, i64) {
        let place = STATES.iter().position(|state| *state == self.state).unwrap_or(STATES.len());
        (u8::try_from(place).unwrap_or(u8::MAX), self.owner.into())
    }

    /// What reads it.
    const fn select(self) -> &'static str {
        match self.state {
            DEAD => OF_DEAD,
            READY => OF_READY,
            SCHEDULED => OF_SCHEDULED,
            COMPLETED => OF_COMPLETED,
            CANCELLED => OF_CANCELLED,
            _ => OF_LEASED,
        }
    }
}

/// The lanes that a search means, and their queues.
#[derive(Debug, Default)]
struct Meant {
    lanes: HashSet<i32>,
    queues: BTreeSet<i32>,
    /// The lines of the key that it means, if it means one.
    of_key: Option<HashSet<i32>>,
    /// The lanes and lines that ready tasks stand in.
    ready: BTreeSet<i32>,
}

/// What a range returns of a task.
#[derive(Debug)]
struct Candidate {
    key: i64,
    id: i64,
    lane: i32,
    token: i64,
    enqueued_at: Timestamp,
    ended_at: Option<Timestamp>,
    error: Option<String>,
    bytes: u64,
    line: Option<i32>,
}

impl Candidate {
    fn read(row: &Row) -> Result<Self> {
        let bytes: i32 = row.column(7)?;
        Ok(Self {
            key: row.column(0)?,
            id: row.column(1)?,
            lane: row.column(2)?,
            token: row.column(3)?,
            enqueued_at: row.time(4)?,
            ended_at: row.time_if_any(5)?,
            error: row.column(6)?,
            bytes: u64::try_from(bytes).unwrap_or(0),
            line: row.column(8)?,
        })
    }

    /// Whether it is meant.
    fn suits(&self, search: &Search, range: Range, meant: &Meant) -> bool {
        let age = search.filter.age;
        let now = if range.state == DEAD { search.now.monotonic } else { search.now.wall };
        let time = self.ended_at.unwrap_or(self.enqueued_at);
        let too_late = search.died_by_now && range.state == DEAD && time > search.now.monotonic;
        let before = |age: Duration| now.before(age);
        self.id <= search.last_id.as_i64()
            && meant.lanes.contains(&self.lane)
            && meant
                .of_key
                .as_ref()
                .is_none_or(|lines| self.line.is_some_and(|line| lines.contains(&line)))
            && !too_late
            && age.at_least.is_none_or(|age| time <= before(age))
            && age.less_than.is_none_or(|age| time > before(age))
            && (!search.filter.reads_errors() || search.filter.suits_error(self.error.as_deref()))
    }

    fn into_hit(self, range: Range, position: Position) -> Hit {
        Hit {
            id: TaskId::from_i64(self.id),
            position,
            seen: match range.state {
                COMPLETED | CANCELLED => Seen::Kept,
                _ => Seen::Stored { token: self.token },
            },
            bytes: self.bytes,
            died_at: self.ended_at.filter(|_| range.state == DEAD),
            error: self.error,
        }
    }
}

impl Reading<'_> {
    /// One step through the tasks that a search means, from the position after `after` on.
    pub(crate) fn find(self, search: &Search, after: Option<Position>) -> Result<Found> {
        let meant = self.meant(search)?;
        let mut found = Found::default();
        let mut bytes = 0_u64;
        let mut left = SEARCH_STEP_TASKS;
        for range in ranges(search, &meant) {
            let start = Position { range: range.number(), key: i64::MIN, id: i64::MIN };
            let from = match after {
                Some(after) if after.range > range.number() => continue,
                Some(after) if after.range == range.number() => after,
                _ => start,
            };
            let candidates = self.candidates(search, range, from, left)?;
            let all_read = candidates.len() < left;
            // A range without tasks costs a seek.
            left = left.saturating_sub(candidates.len().max(1));
            let mut position = from;
            for candidate in candidates {
                position = Position { key: candidate.key, id: candidate.id, ..position };
                if !candidate.suits(search, range, &meant) {
                    continue;
                }
                bytes = bytes.saturating_add(candidate.bytes);
                found.hits.push(candidate.into_hit(range, position));
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
    fn meant(self, search: &Search) -> Result<Meant> {
        self.refresh_lanes()?;
        let filter = &search.filter;
        let lanes = self.shared.lanes().matching(filter.queue.as_deref(), &filter.types);
        let mut meant = Meant { lanes: lanes.into_iter().collect(), ..Meant::default() };
        if let Some(key) = &filter.key {
            let (mut lines, mut lanes) = (HashSet::new(), HashSet::new());
            for row in self.rows(LINES_OF_KEY, &[&&**key])? {
                let (line, lane): (i32, i32) = (row.column(0)?, row.column(1)?);
                if meant.lanes.contains(&lane) {
                    lines.insert(line);
                    lanes.insert(lane);
                }
            }
            meant.lanes = lanes;
            meant.ready = lines.iter().copied().collect();
            meant.of_key = Some(lines);
        }
        let mut keyed = Vec::new();
        for lane in &meant.lanes {
            let Some(named) = self.shared.lanes().named(*lane).cloned() else { continue };
            meant.queues.insert(named.queue);
            if named.is_keyed {
                keyed.push(*lane);
            } else {
                meant.ready.insert(*lane);
            }
        }
        if meant.of_key.is_none() && !keyed.is_empty() {
            for row in self.rows(LINES, &[&keyed])? {
                meant.ready.insert(row.column(0)?);
            }
        }
        Ok(meant)
    }

    /// Up to `limit` tasks of a range after a position.
    fn candidates(
        self,
        search: &Search,
        range: Range,
        from: Position,
        limit: usize,
    ) -> Result<Vec<Candidate>> {
        let with_error = search.detail == Detail::Error || search.filter.reads_errors();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows =
            self.rows(range.select(), &[&range.owner, &from.key, &from.id, &limit, &with_error])?;
        rows.iter().map(Candidate::read).collect()
    }
}

/// The ranges of a search, in order.
fn ranges(search: &Search, meant: &Meant) -> Vec<Range> {
    let mut ranges = Vec::new();
    if meant.lanes.is_empty() {
        return ranges;
    }
    for stored in STATES {
        if !state(stored).is_ok_and(|state| search.filter.has_state(state)) {
            continue;
        }
        let owners: BTreeSet<i32> = match stored {
            SCHEDULED | LEASED => BTreeSet::from([0]),
            READY => meant.ready.clone(),
            _ => meant.queues.clone(),
        };
        ranges.extend(owners.into_iter().map(|owner| Range { state: stored, owner }));
    }
    ranges
}
