//! The tasks of keys: a claim takes the first task of the line whose turn it is, then that line's next turn comes after
//! those of the others that have tasks (start-time fair queueing: Goyal, Vin and Cheng, 1996, with tasks of equal
//! cost). A line is looked at only while rows in `turn` ask for it; a claim that finds that its key may start none, or
//! that it has no ready task, deletes those that it has read. It has read them before the tasks, so that a row is never
//! deleted whose task was not seen.
//!
//! Here is what a claim knows of the lines of a lane; [`read`] reads them, [`write`] writes what became of them.

pub(crate) mod read;
pub(crate) mod write;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};

use tokio_postgres::Row;

use self::read::HINTS_MAX;
use super::limited::Place;
use crate::engine::postgres::batch::lanes::Lane;
use crate::engine::postgres::client::Columns;
use crate::model::{Bounds, Result};

/// A key as of this claim.
#[derive(Debug, Clone, Copy)]
struct KeyState {
    bounds: Bounds,
    ordered: bool,
    running: i64,
    arrival: i64,
    /// The task of an ordered key that has begun.
    holder: Option<i64>,
    taken: usize,
    /// Whether it kept a line from going on.
    blocked: bool,
}

impl KeyState {
    /// Whether one more task may start; of an ordered key, the holder or the first.
    fn admits(&self, now: i64) -> bool {
        let has_slot =
            if self.ordered { self.taken == 0 } else { self.bounds.has_slot(self.running) };
        has_slot && self.bounds.next_start(self.arrival, now) <= now
    }

    fn take(&mut self, task: i64, now: i64) {
        self.taken += 1;
        self.running += 1;
        self.arrival = self.bounds.arrival_after(self.arrival, now);
        if self.ordered {
            self.holder = Some(task);
        }
    }

    /// When it may go on, if it waits for its rate.
    fn due_at(&self, now: i64) -> Option<i64> {
        let next = self.bounds.next_start(self.arrival, now);
        (self.blocked && next > now).then_some(next)
    }
}

/// The keys that a claim meets.
#[derive(Debug, Default)]
pub(super) struct Keys {
    states: BTreeMap<i64, KeyState>,
}

/// A line that is asked for.
#[derive(Debug)]
struct Line {
    id: i32,
    key: i64,
    turn: i64,
    /// The rows that ask for it, as far as they are read.
    hints: Vec<String>,
    /// Its first tasks, in order; of an ordered key, the one that may run.
    tasks: VecDeque<Place>,
    /// Whether it may have more.
    has_more: bool,
    taken: bool,
    /// Whether it can start none until it is asked for again.
    closed: bool,
}

/// The lines of a lane that are asked for.
#[derive(Debug)]
pub(super) struct Lines {
    base: Lane,
    /// Lines that are not read yet, in order of their turns.
    unread: VecDeque<(i64, i32, Vec<String>)>,
    /// Whether there may be others.
    has_more: bool,
    /// The last turn that is read.
    last_turn: Option<i64>,
    lines: Vec<Line>,
    /// Turn, number and index of the lines that may have a next task.
    turns: BinaryHeap<Reverse<(i64, i32, usize)>>,
    /// The next task, and the index of its line.
    next: Option<(Place, usize)>,
}

impl Lines {
    /// Those of a lane, from the rows of all that ask for some.
    pub(super) fn new(base: Lane, hints: &[Row]) -> Result<Self> {
        let mut unread: VecDeque<(i64, i32, Vec<String>)> = VecDeque::new();
        let mut places: HashMap<i32, usize> = HashMap::new();
        let (mut read, mut last_turn) = (0, None);
        for row in hints {
            if row.column::<i32>(0)? != base.id {
                continue;
            }
            read += 1;
            let (turn, line, place): (i64, i32, String) =
                (row.column(1)?, row.column(2)?, row.column(3)?);
            last_turn = Some(turn);
            let index = *places.entry(line).or_insert(unread.len());
            match unread.get_mut(index) {
                Some((_, _, of_line)) => of_line.push(place),
                None => unread.push_back((turn, line, vec![place])),
            }
        }
        let (lines, turns) = (Vec::new(), BinaryHeap::new());
        let has_more = read >= HINTS_MAX;
        Ok(Self { base, unread, has_more, last_turn, lines, turns, next: None })
    }

    /// Whether a claim that found too few would find others: it has dealt with all that it has read.
    pub(super) fn has_more(&self) -> bool {
        let all_closed = self.lines.iter().all(|line| line.closed);
        let taken_up = |line: &Line| !line.closed && line.tasks.is_empty();
        self.has_more && self.unread.is_empty() && all_closed || self.lines.iter().any(taken_up)
    }

    /// The lane.
    pub(super) const fn lane(&self) -> i32 {
        self.base.id
    }

    /// The first turn that is left in the lane, once what was taken is written, or else the last that was read; none if
    /// there was none.
    pub(super) fn first_turn(&self) -> Option<i64> {
        let open = self.lines.iter().filter(|line| !line.closed).map(|line| line.turn);
        let unread = self.unread.front().map(|(turn, ..)| *turn);
        open.chain(unread).min().into_iter().chain(self.last_turn).min()
    }

    /// How many lines have a task that may start.
    fn open(&self) -> usize {
        self.lines.iter().filter(|line| !line.closed).count()
    }

    /// Finds the task that comes next, a suspect only if those may be taken.
    pub(super) fn find_next(&mut self, keys: &mut Keys, now: i64, suspects: bool) -> Option<Place> {
        self.next = None;
        while let Some(Reverse((_, _, index))) = self.turns.pop() {
            let Some(line) = self.lines.get_mut(index) else { continue };
            let Some(key) = keys.states.get_mut(&line.key) else { continue };
            if !key.admits(now) {
                key.blocked = true;
                line.closed = true;
                continue;
            }
            line.closed = line.tasks.is_empty() && !line.has_more;
            let allowed = line.tasks.iter().find(|place| suspects || !place.suspect);
            if let Some(place) = allowed.copied() {
                self.next = Some((place, index));
                return Some(place);
            }
        }
        None
    }

    /// Takes the task that came next; of several lines of a key, another may have had its place.
    pub(super) fn take(
        &mut self,
        keys: &mut Keys,
        now: i64,
        suspects: bool,
    ) -> Option<(Place, i64)> {
        let (place, index) = self.next.take()?;
        let line = self.lines.get_mut(index)?;
        let key = keys.states.get_mut(&line.key)?;
        self.turns.push(Reverse((line.turn + 1, line.id, index)));
        if !key.admits(now) || place.suspect && !suspects {
            return None;
        }
        key.take(place.id, now);
        line.tasks.retain(|task| task.id != place.id);
        line.turn += 1;
        line.taken = true;
        Some((place, line.key))
    }
}
