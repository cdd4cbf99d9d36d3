//! Finding the next task of the lines of a lane: open lines are read in order of their turns, then their first tasks.

use std::cmp::Reverse;

use rusqlite::{OptionalExtension, params};

use super::{BLOCKED, CHUNK, First, IDLE, Line, Lines, Next, OPEN, Tasks};
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::batch::lanes::Keyed;
use crate::engine::sqlite::ops::claim::admission::{Admission, KeyState};
use crate::engine::sqlite::schema::state;
use crate::engine::sqlite::writer::Writer;
use crate::model::Result;

/// Open lines of a lane, with their keys, in order of their turns.
pub(crate) const OPEN_AFTER: &str = "SELECT prismq_line.lane, prismq_line.turn, prismq_key.id,
            prismq_key.running, prismq_key.arrival, prismq_key.holder
     FROM prismq_line CROSS JOIN prismq_key ON prismq_key.id = prismq_line.key
     WHERE prismq_line.state = 1 AND prismq_line.base = ?1
       AND (prismq_line.turn, prismq_line.lane) > (?2, ?3)
     ORDER BY prismq_line.turn, prismq_line.lane LIMIT ?4";
/// The lines of a key.
pub(crate) const LINES_OF_KEY: &str = "SELECT lane FROM prismq_line WHERE key = ?1";
/// A task that keeps its key, if it may be claimed.
pub(crate) const HOLDER: &str = "SELECT order_key, state FROM prismq_task
     WHERE id = ?1 AND lane = ?2 AND state IN (0, 5)";
impl Writer {
    /// Finds the next task of these lines, a suspect only if those may be taken.
    pub(in crate::engine::sqlite::ops::claim) fn find_next(
        &self,
        lines: &mut Lines,
        admission: &mut Admission,
        suspects: bool,
    ) -> Result<()> {
        lines.next = None;
        loop {
            while lines.must_read() {
                if lines.lines.len() >= STEP_TASKS_MAX {
                    // Lines that keep their state would be found again.
                    admission.more = lines.lines.iter().any(|line| line.changed);
                    return Ok(());
                }
                self.read_lines(lines, admission)?;
            }
            let Some(Reverse((_, _, index))) = lines.turns.pop() else { return Ok(()) };
            let (base, first_key) = (lines.base, lines.first_key);
            let Some(line) = lines.lines.get_mut(index) else { return Ok(()) };
            let Some(key) = admission.keys.get_mut(&line.key) else { return Ok(()) };
            let first = match (key.admits(admission.now), base.keyed) {
                (false, _) => First::Blocked,
                (true, Keyed::Ordered) => self.first_of_key(line, key, first_key)?,
                (true, _) => self.first_of_line(line, first_key, suspects)?,
            };
            match first {
                First::Task(_, true) | First::OnlySuspects if !suspects => {}
                First::OnlySuspects => {}
                First::Task(position, suspect) => {
                    lines.next = Some(Next { position, suspect, line: index });
                    return Ok(());
                }
                First::Blocked => {
                    line.set(BLOCKED);
                    key.blocked = true;
                }
                First::Nothing => line.set(IDLE),
            }
        }
    }

    /// Reads some more open lines.
    fn read_lines(&self, lines: &mut Lines, admission: &mut Admission) -> Result<()> {
        let Some((turn, lane)) = lines.after else { return Ok(()) };
        let (base, first_key) = (lines.base, lines.first_key);
        let (bounds, ordered) = (admission.per_key(base), base.keyed == Keyed::Ordered);
        let read: Vec<(Line, KeyState)> = self
            .prepare(OPEN_AFTER)?
            .query_map(params![base.id, turn, lane, lines.chunk], |row| {
                let line = Line {
                    lane: row.get(0)?,
                    turn: row.get(1)?,
                    key: row.get(2)?,
                    state: OPEN,
                    changed: false,
                    tasks: [
                        Tasks::new(false, first_key, true),
                        Tasks::new(true, first_key, lines.has_suspects),
                    ],
                };
                let key = KeyState {
                    bounds,
                    ordered,
                    running: row.get(3)?,
                    arrival: row.get(4)?,
                    holder: row.get(5)?,
                    taken: 0,
                    blocked: false,
                };
                Ok((line, key))
            })
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))?;
        let last = read.last().map(|(line, _)| (line.turn, line.lane));
        lines.after = last.filter(|_| read.len() == lines.chunk);
        for (line, key) in read {
            admission.keys.entry(line.key).or_insert(key);
            lines.turns.push(Reverse((line.turn, line.lane, lines.lines.len())));
            lines.lines.push(line);
        }
        Ok(())
    }

    /// The first task of a line.
    fn first_of_line(&self, line: &mut Line, first_key: i64, suspects: bool) -> Result<First> {
        // Two show whether there is one more; a line that has had its turn may have many.
        let chunk = if line.changed { CHUNK } else { 2 };
        for tasks in &mut line.tasks {
            if tasks.read.is_empty()
                && let Some(after) = tasks.after
            {
                let read =
                    self.positions_after(tasks.suspects, line.lane, first_key, after, chunk)?;
                tasks.after = read.back().copied().filter(|_| read.len() == chunk);
                tasks.read = read;
            }
        }
        let rank = |tasks: &Tasks| {
            let (key, id) = *tasks.read.front()?;
            Some((key.wrapping_sub(first_key).cast_unsigned(), id, tasks.suspects))
        };
        let allowed = line.tasks.iter().filter(|tasks| suspects || !tasks.suspects);
        Ok(match allowed.filter_map(rank).min() {
            Some((rank, id, suspect)) => {
                First::Task((first_key.wrapping_add_unsigned(rank), id), suspect)
            }
            None if line.tasks.iter().all(Tasks::is_empty) => First::Nothing,
            None => First::OnlySuspects,
        })
    }

    /// The task of an ordered key that may run: the one that has begun, else the first over all its lines.
    fn first_of_key(&self, line: &Line, key: &KeyState, first_key: i64) -> Result<First> {
        if let Some(holder) = key.holder {
            let found: Option<(i64, i64)> = self
                .prepare(HOLDER)?
                .query_row([holder, line.lane], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
                .map_err(|error| self.failure(error))?;
            return Ok(match found {
                Some((order_key, stored)) => {
                    First::Task((order_key, holder), stored == state::SUSPECT)
                }
                None => First::Blocked,
            });
        }
        let lanes: Vec<i64> = self
            .prepare(LINES_OF_KEY)?
            .query_map([line.key], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))?;
        let mut firsts = Vec::with_capacity(2 * lanes.len());
        for lane in lanes {
            for suspects in [false, true] {
                let start = (first_key, i64::MIN);
                let first = self.positions_after(suspects, lane, first_key, start, 1)?;
                firsts.extend(first.front().map(|(key, id)| {
                    (key.wrapping_sub(first_key).cast_unsigned(), *id, lane, suspects)
                }));
            }
        }
        let nothing = firsts.iter().all(|(_, _, lane, _)| *lane != line.lane);
        Ok(match firsts.into_iter().min() {
            _ if nothing => First::Nothing,
            Some((rank, id, lane, suspect)) if lane == line.lane => {
                First::Task((first_key.wrapping_add_unsigned(rank), id), suspect)
            }
            _ => First::Blocked,
        })
    }
}
