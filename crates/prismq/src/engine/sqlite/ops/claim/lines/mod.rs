//! The tasks of keys: a claim takes the first task of the key whose turn it is, then that key's next turn comes after
//! those of the others that have tasks (start-time fair queueing: Goyal, Vin and Cheng, 1996, with tasks of equal
//! cost). Keys that may start no task are in no index that a claim seeks.
//!
//! Here is what a claim knows of the lines of a lane; [`find`] reads them, [`save`] writes what became of them.

pub(crate) mod find;
pub(crate) mod save;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::admission::Admission;
use super::pick::Position;
use crate::engine::sqlite::batch::lanes::Lane;

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
