//! Reading the lines that are asked for, with their keys and their first tasks.

use std::cmp::Reverse;
use std::collections::HashMap;

use tokio_postgres::Row;

use super::{KeyState, Keys, Line, Lines};
use crate::engine::postgres::batch::lanes::Keyed;
use crate::engine::postgres::batch::limits::ask;
use crate::engine::postgres::batch::queues::READY;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::{Columns, Value};
use crate::engine::postgres::ops::claim::limited::{Place, first_tasks};
use crate::engine::postgres::ops::claim::take::count;
use crate::model::Result;

/// Most rows of a lane that ask for lines and are read at a time.
pub(in crate::engine::postgres::ops::claim) const HINTS_MAX: i64 = 256;
/// Lines that are read at a time, and tasks of them.
const CHUNK_MIN: usize = 8;
const CHUNK_MAX: usize = 64;
const CHUNK_TASKS: usize = 4096;

/// Asks for the lines of keys whose rate lets them go on. Written so that the server looks at the ready tasks of no others:
/// with EXISTS, it reads all ready tasks first if there were few when it made the plan.
pub(crate) const DUE: &str = concat!(
    "WITH k AS (UPDATE prismq.key SET due_at = NULL WHERE id = ANY (ARRAY(
         SELECT k.id FROM unnest($1::integer[]) w (limits) CROSS JOIN LATERAL (
             SELECT id FROM prismq.key WHERE limits = w.limits AND due_at <= $2
             ORDER BY limits, due_at LIMIT 1024) k))
         RETURNING id),
     l AS MATERIALIZED (SELECT l.lane, l.turn, l.id
         FROM k CROSS JOIN LATERAL (SELECT * FROM prismq.line l WHERE l.key = k.id OFFSET 0) l
         WHERE (SELECT true FROM prismq.ready r WHERE r.lane = l.id LIMIT 1)),
     ",
    ask!("$3", "$4")
);
/// When the first of the keys of limits may go on that wait for their rate.
pub(crate) const FIRST_DUE: &str =
    "SELECT min(due_at) FROM prismq.key WHERE limits = ANY ($1) AND due_at IS NOT NULL";
/// The first rows of lanes that ask for lines.
pub(crate) const HINTS: &str = "SELECT t.lane, t.turn, t.line, t.place
     FROM unnest($1::integer[], $3::bigint[]) l (lane, turn) CROSS JOIN LATERAL (
         SELECT lane, turn, line, ctid::text AS place FROM prismq.turn WHERE lane = l.lane AND turn >= l.turn
         ORDER BY lane, turn, line LIMIT $2) t";
/// The keys of lines of a lane, with the task that keeps an ordered one, how many of its tasks run, counted up to a number,
/// and the first number that a slot of theirs has or can be given.
pub(crate) const KEYS: &str = "SELECT l.id, k.id, k.arrival, t.id, t.state, coalesce(t.line, 0), t.suspect, t.order_key,
         s.tasks, coalesce(s.first, (SELECT last_value + is_called::integer FROM prismq.slot_number_seq))
     FROM unnest($1::integer[], $4::bigint[]) w (line, first)
         CROSS JOIN LATERAL (SELECT * FROM prismq.line WHERE id = w.line OFFSET 0) l
         CROSS JOIN LATERAL (SELECT * FROM prismq.key WHERE id = l.key OFFSET 0) k
         CROSS JOIN LATERAL (SELECT count(*) AS tasks, min(s.number) AS first
             FROM (SELECT s.number FROM prismq.slot s WHERE s.key = k.id AND s.number >= w.first
                   ORDER BY s.key, s.number LIMIT $2) s) s
         LEFT JOIN LATERAL (SELECT * FROM prismq.task WHERE id = k.holder OFFSET 0) t ON t.state IN (0, 1, 2)
     WHERE l.lane = $3";
/// The first tasks of lines, also where it takes long to find them: a line is not looked at again before it is asked for.
pub(crate) const OF_LINES: &str = first_tasks!(
    "",
    "(SELECT lane, $2::bigint AS after_key, -9223372036854775808 AS after_id FROM unnest($1::integer[]) l (lane)) l",
    ""
);
/// The first tasks over all lines of the keys of some lines.
pub(crate) const FIRST_OF_KEYS: &str = first_tasks!(
    ", l.key",
    "(SELECT DISTINCT a.id AS lane, a.key, $2::bigint AS after_key, -9223372036854775808 AS after_id
      FROM prismq.line b CROSS JOIN LATERAL (SELECT id, key FROM prismq.line WHERE key = b.key OFFSET 0) a
      WHERE b.id = ANY ($1)) l",
    ""
);

impl Run<'_, '_> {
    /// Reads lines until as many have a task that may start as are wanted, or there are no others.
    pub(in crate::engine::postgres::ops::claim) fn read_lines(
        &mut self,
        lines: &mut Lines,
        keys: &mut Keys,
        (most, suspects_max): (usize, usize),
        (first_key, now): (i64, i64),
    ) -> Result<()> {
        let bounds = self.limits.state(lines.base).map(|state| state.limit.per_key);
        let (bounds, ordered) = (bounds.unwrap_or_default(), lines.base.keyed == Keyed::Ordered);
        while lines.open() < most && !lines.unread.is_empty() {
            let chunk = most.clamp(CHUNK_MIN, CHUNK_MAX).min(lines.unread.len());
            let asked: Vec<_> = lines.unread.drain(..chunk).collect();
            let ids: Vec<i32> = asked.iter().map(|(_, line, _)| *line).collect();
            let each = if ordered { 1 } else { most.min((CHUNK_TASKS / chunk).max(2)) };
            let (tasks, suspects) = (count(each), count(each.min(suspects_max).max(1)));
            let running_max = match bounds.concurrency {
                Some(tasks) if !ordered => i64::from(tasks),
                _ => 0,
            };
            let firsts = self.shared.first_slots().of_lines(&ids);
            let of_keys: [&dyn Value; 4] = [&ids, &running_max, &lines.base.id, &firsts];
            let of_tasks: [&dyn Value; 4] = [&ids, &first_key, &tasks, &suspects];
            let first = if ordered { FIRST_OF_KEYS } else { OF_LINES };
            let mut answers = self.query_all(&[(KEYS, &of_keys), (first, &of_tasks)])?;
            let (tasks, of_lines) =
                (answers.pop().unwrap_or_default(), answers.pop().unwrap_or_default());
            let mut places: HashMap<i32, Vec<Place>> = HashMap::new();
            // Of an ordered key, the first over all its lines.
            let mut firsts: HashMap<i64, Place> = HashMap::new();
            for row in &tasks {
                let place = Place::read(row)?;
                places.entry(place.owner).or_default().push(place);
                if ordered {
                    let first = firsts.entry(row.column(4)?).or_insert(place);
                    if place.rank(first_key) < first.rank(first_key) {
                        *first = place;
                    }
                }
            }
            let mut found: HashMap<i32, (i64, Option<Place>)> = HashMap::new();
            for row in &of_lines {
                let (line, key): (i32, i64) = (row.column(0)?, row.column(1)?);
                let (holder, place) = holder(row)?;
                if running_max > 0 {
                    self.shared.first_slots().found_of_line(line, row.column(9)?);
                }
                keys.states.entry(key).or_insert(KeyState {
                    bounds,
                    ordered,
                    running: row.column(8)?,
                    arrival: row.column(2)?,
                    holder,
                    taken: 0,
                    blocked: false,
                });
                let first = if holder.is_some() { place } else { firsts.get(&key).copied() };
                found.insert(line, (key, first));
            }
            for (turn, id, hints) in asked {
                let (key, first) = found.get(&id).copied().unwrap_or_default();
                let mut tasks = places.remove(&id).unwrap_or_default();
                let has_more = !ordered && tasks.len() >= each;
                if ordered {
                    tasks = first.into_iter().filter(|place| place.owner == id).collect();
                }
                tasks.sort_unstable_by_key(|place| place.rank(first_key));
                let may_start = keys.states.get_mut(&key).is_some_and(|key| {
                    let admits = key.admits(now);
                    key.blocked |= !admits && !tasks.is_empty();
                    admits
                });
                let closed = tasks.is_empty() || !may_start;
                if !closed {
                    lines.turns.push(Reverse((turn, id, lines.lines.len())));
                }
                let tasks = tasks.into();
                lines.lines.push(Line {
                    id,
                    key,
                    turn,
                    hints,
                    tasks,
                    has_more,
                    taken: false,
                    closed,
                });
            }
        }
        Ok(())
    }
}

/// The task that keeps a key, and where it stands if it is ready.
fn holder(row: &Row) -> Result<(Option<i64>, Option<Place>)> {
    let Some(id) = row.column::<Option<i64>>(3)? else { return Ok((None, None)) };
    let place =
        Place { owner: row.column(5)?, suspect: row.column(6)?, order_key: row.column(7)?, id };
    let is_ready = row.column::<i16>(4)? == READY;
    Ok((Some(id), is_ready.then_some(place)))
}
