//! Where a claim begins to look in its lanes, of which a limit or a key counts some, for tasks and for the turns of lines.
//! Each lane has marks of its own: see [`Marks`]. The tasks of a line are looked for from the first.

use std::collections::HashMap;
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use super::limited::Place;
use super::take::{has_given_clock, may_begin_later};
use crate::engine::postgres::batch::looks::marks::Marks;
use crate::engine::postgres::batch::queues::Settings;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::batch::shared::Shared;

/// Where the looks of a claim begin.
#[derive(Debug)]
pub(super) struct Looks {
    /// The first key of the queue's order.
    pub(super) first_key: i64,
    /// Those of tasks, or of turns.
    marks: fn(&Shared) -> MutexGuard<'_, Marks>,
    /// Whether marks are kept.
    is_marked: bool,
    /// Whether looks begin at the first place although there is a mark.
    from_first: bool,
    /// The lanes in which they began at a mark.
    spared: Vec<i32>,
}

/// After which places looks begin, in the order of the lanes.
pub(super) struct Begins {
    pub(super) keys: Vec<i64>,
    pub(super) ids: Vec<i64>,
}

impl Looks {
    /// Those of a claim from this queue for tasks.
    pub(super) fn for_tasks(run: &Run<'_, '_>, settings: Settings) -> Self {
        let (first_key, is_marked) = (settings.first_key(), may_begin_later(run.shared, settings));
        Self { first_key, marks: Shared::marks, is_marked, from_first: false, spared: Vec::new() }
    }

    /// Those for the turns of lines, in place of the keys of tasks.
    pub(super) fn for_turns(run: &Run<'_, '_>) -> Self {
        let is_marked = !has_given_clock(run.shared);
        let marks = Shared::turns;
        Self { first_key: i64::MIN, marks, is_marked, from_first: false, spared: Vec::new() }
    }

    /// Whether one began at a mark, so that there may be tasks before.
    pub(super) const fn spared_some(&self) -> bool {
        !self.spared.is_empty()
    }

    /// From now on they begin at the first place.
    pub(super) fn begin_at_first(&mut self) {
        self.from_first = true;
        self.spared.clear();
    }

    /// Where to begin in these lanes.
    pub(super) fn begin(&mut self, run: &Run<'_, '_>, lanes: &[i32]) -> Begins {
        let (marks, now) = ((self.marks)(run.shared), Instant::now());
        let uses_marks = self.is_marked && !self.from_first;
        let mut begins = Begins { keys: Vec::new(), ids: Vec::new() };
        for lane in lanes {
            let mark = if uses_marks { marks.after(&[*lane], now) } else { None };
            self.spared.extend(mark.map(|_| *lane));
            let (key, id) = mark.unwrap_or((self.first_key, i64::MIN));
            begins.keys.push(key);
            begins.ids.push(id);
        }
        begins
    }

    /// A look in these lanes took this long, and found so many tasks.
    pub(super) fn looked(
        &self,
        run: &Run<'_, '_>,
        lanes: &[i32],
        (took, found): (Option<Duration>, usize),
    ) {
        let Some(took) = took.filter(|_| self.is_marked) else { return };
        let (mut marks, now) = ((self.marks)(run.shared), Instant::now());
        for lane in lanes.iter().filter(|lane| !self.spared.contains(lane)) {
            marks.looked(&[*lane], (took, found), now);
        }
    }

    /// The claim took the tasks at these places; of these lanes all that it found, where that is said.
    pub(super) fn took(
        &self,
        run: &Run<'_, '_>,
        taken: impl Iterator<Item = Place>,
        seen: &[(i32, bool)],
    ) {
        if !self.is_marked {
            return;
        }
        let of_one = |place: Place| (place.owner, (place.order_key, place.id));
        let in_order = taken.filter(|place| !place.suspect);
        let lasts: HashMap<i32, (i64, i64)> = in_order.map(of_one).collect();
        let (mut marks, now) = ((self.marks)(run.shared), Instant::now());
        for (lane, took_all) in seen {
            match lasts.get(lane).copied() {
                last if *took_all => marks.took_all(&[*lane], last, now),
                Some(last) => marks.took_some(&[*lane], last, now),
                None => {}
            }
        }
    }

    /// The first turn that is left in a lane, as far as it was read.
    pub(super) fn left_turn(&self, run: &Run<'_, '_>, lane: i32, first: Option<i64>) {
        if !self.is_marked {
            return;
        }
        let (mut marks, now) = ((self.marks)(run.shared), Instant::now());
        match first {
            Some(first) => marks.took_some(&[lane], (first, i64::MIN), now),
            None => marks.took_all(&[lane], None, now),
        }
    }

    /// When looks begin at the first place again, of those that began at a mark.
    pub(super) fn ends_in(&self, run: &Run<'_, '_>) -> Option<Duration> {
        let marks = (self.marks)(run.shared);
        // Forgotten meanwhile by a transaction of the application's: at once.
        let end = |lane: &i32| marks.ends_in(&[*lane], run.began).unwrap_or_default();
        self.spared.iter().map(end).min()
    }
}
