//! The tasks of keys: a claim takes the first task of the key whose turn it is, then that key's next turn comes after
//! those of the others that have tasks (start-time fair queueing: Goyal, Vin and Cheng, 1996, with tasks of equal
//! cost). Keys that may start no task are in no index that a claim seeks.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rusqlite::{OptionalExtension, params};

use super::admission::{Admission, KeyState};
use super::pick::Position;
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::batch::lanes::{Keyed, Lane};
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
/// Writes the state of a line.
pub(crate) const SET_LINE: &str = "UPDATE prismq_line SET state = ?2, turn = ?3 WHERE lane = ?1";
/// Opens the blocked lines of keys whose rate lets them go on.
pub(crate) const OPEN_DUE: &str = "UPDATE prismq_line SET state = 1,
         turn = max(turn, coalesce((SELECT min(open.turn) FROM prismq_line AS open
                                    WHERE open.base = prismq_line.base AND open.state = 1), turn))
     WHERE state = 2 AND key IN (SELECT id FROM prismq_key WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2)";
/// These keys wait for their rate no more.
pub(crate) const DUE_NO_MORE: &str = "UPDATE prismq_key SET due_at = NULL
     WHERE id IN (SELECT id FROM prismq_key WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2)";
/// When the first of the keys that wait for their rate may go on.
pub(crate) const FIRST_DUE: &str = "SELECT min(due_at) FROM prismq_key WHERE due_at IS NOT NULL";

/// Lines read at a time, and tasks of a line.
const CHUNK: usize = 32;

/// The states of a line, as stored.
const IDLE: i64 = 0;
const OPEN: i64 = 1;
const BLOCKED: i64 = 2;

/// Tasks of a line in one state, read ahead.
#[derive(Debug)]
struct Tasks {
    suspects: bool,
    read: VecDeque<Position>,
    /// Where to read on; `None` after the last.
    after: Option<Position>,
}

/// A line that was open when it was read.
#[derive(Debug)]
struct Line {
    lane: i64,
    key: i64,
    turn: i64,
    state: i64,
    changed: bool,
    tasks: [Tasks; 2],
}

/// The task that comes next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next {
    pub(super) position: Position,
    pub(super) suspect: bool,
    line: usize,
}

/// What a line has for a claim.
enum First {
    Task(Position, bool),
    /// Suspects that the claim may not take.
    OnlySuspects,
    /// Others of its key go first.
    Blocked,
    Nothing,
}

/// The open lines of a lane, as far as they are read.
#[derive(Debug)]
pub(super) struct Lines {
    base: Lane,
    first_key: i64,
    /// Whether the queue has suspects.
    has_suspects: bool,
    /// Lines to read at a time.
    chunk: usize,
    lines: Vec<Line>,
    /// Turn, lane and index of the lines that may have a next task.
    turns: BinaryHeap<Reverse<(i64, i64, usize)>>,
    /// Where to read on; `None` after the last.
    after: Option<(i64, i64)>,
    pub(super) next: Option<Next>,
}

impl Lines {
    /// Those of a lane, for a claim of up to `max` tasks.
    pub(super) fn new(base: Lane, first_key: i64, has_suspects: bool, max: usize) -> Self {
        Self {
            base,
            first_key,
            has_suspects,
            chunk: max.clamp(1, CHUNK),
            lines: Vec::new(),
            turns: BinaryHeap::new(),
            after: Some((i64::MIN, i64::MIN)),
            next: None,
        }
    }

    /// Takes the next task, unless another line took what its key may start. Returns its lane.
    pub(super) fn take(&mut self, admission: &mut Admission) -> Option<(i64, Next)> {
        let next = self.next.take()?;
        let line = self.lines.get_mut(next.line)?;
        let key = admission.keys.get_mut(&line.key)?;
        let (_, id) = next.position;
        if !key.admits(admission.now) || key.holder.is_some_and(|holder| holder != id) {
            line.set(BLOCKED);
            key.blocked = true;
            return None;
        }
        key.take(id, admission.now);
        line.turn += 1;
        line.changed = true;
        if let Some(tasks) = line.tasks.iter_mut().find(|tasks| tasks.suspects == next.suspect) {
            tasks.read.pop_front();
        }
        if !key.ordered && line.tasks.iter().all(Tasks::is_empty) {
            line.set(IDLE);
        } else if !key.admits(admission.now) {
            line.set(BLOCKED);
            key.blocked = true;
        } else {
            self.turns.push(Reverse((line.turn, line.lane, next.line)));
        }
        Some((line.lane, next))
    }

    /// The next task is not taken, say as it is a suspect: its line may have another.
    pub(super) fn skip(&mut self) {
        if let Some(next) = self.next.take()
            && let Some(line) = self.lines.get(next.line)
        {
            self.turns.push(Reverse((line.turn, line.lane, next.line)));
        }
    }

    /// Whether lines that are not read may come before those that are.
    fn must_read(&self) -> bool {
        let Some(after) = self.after else { return false };
        self.turns.peek().is_none_or(|Reverse((turn, lane, _))| (*turn, *lane) > after)
    }
}

impl Line {
    const fn set(&mut self, state: i64) {
        self.state = state;
        self.changed = true;
    }
}

impl Tasks {
    const fn new(suspects: bool, first_key: i64, any: bool) -> Self {
        let after = if any { Some((first_key, i64::MIN)) } else { None };
        Self { suspects, read: VecDeque::new(), after }
    }

    /// Whether it has no task, read or not.
    fn is_empty(&self) -> bool {
        self.read.is_empty() && self.after.is_none()
    }
}

impl Writer {
    /// Finds the next task of these lines, a suspect only if those may be taken.
    pub(super) fn find_next(
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

    /// Writes the states of lines.
    pub(super) fn save_lines(&self, lines: &Lines) -> Result<()> {
        for line in lines.lines.iter().filter(|line| line.changed) {
            self.execute(SET_LINE, [line.lane, line.state, line.turn])?;
        }
        Ok(())
    }

    /// Opens the lines of keys whose rate lets them go on.
    pub(super) fn open_due(&self, now: i64) -> Result<()> {
        if self.first_due()?.is_some_and(|due| due <= now) {
            self.execute(OPEN_DUE, params![now, STEP_TASKS_MAX])?;
            self.execute(DUE_NO_MORE, params![now, STEP_TASKS_MAX])?;
        }
        Ok(())
    }

    /// When the first of the keys that wait for their rate may go on.
    pub(super) fn first_due(&self) -> Result<Option<i64>> {
        let first = self.prepare(FIRST_DUE)?.query_row([], |row| row.get(0));
        first.map_err(|error| self.failure(error))
    }
}
