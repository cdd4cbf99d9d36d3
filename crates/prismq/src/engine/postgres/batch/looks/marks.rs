//! Where claims begin to look for ready tasks: at the first, or after what this process has taken.
//!
//! Rows that were deleted stay in the index as long as any transaction of the server may still see them, and a look from
//! the first row passes over all of them. Only where that takes long, claims begin after what they had taken a moment
//! before, for twenty times as long as a look from the first row took, five seconds at most. So much later at most, a task
//! is found whose place is before that and that this process has not added and committed itself: one of another process
//! that is more urgent, or one whose transaction was open for longer than that moment. A pool's claim that finds fewer
//! tasks than it wants, or nothing, says when looks begin at the first row again; any other that finds nothing looks
//! there. A process that has taken nothing yet looks from the first row each time, and once more a moment after the first
//! task that it has taken.
//!
//! Tasks are added while a look is made, in parallel. It may have missed those, and the next one begins before them.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// A look that takes longer than this is avoided.
pub(in crate::engine::postgres::batch) const SLOW: Duration = Duration::from_millis(2);
/// What a look may take longer for each task that it found and leased.
const SLOW_PER_TASK: Duration = Duration::from_micros(20);
/// For how many times as long.
pub(in crate::engine::postgres::batch) const SPARED: u32 = 20;
/// And no longer than this: a look may have taken long for another reason.
pub(in crate::engine::postgres::batch) const SPARED_MAX: Duration = Duration::from_secs(5);

/// How long ago what claims begin after was taken at least: transactions that had ids before may be committed after it.
const LATE: Duration = Duration::from_millis(100);

/// The key of a task in its queue's order, and its id.
pub(crate) type Place = (i64, i64);

/// The marks of this process, by the lanes that are claimed from together, where looks from the first are avoided.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    by_lanes: HashMap<Vec<i32>, Mark>,
    /// The looks that are being made, by their numbers.
    looks: BTreeMap<u64, InProgress>,
    last_look: u64,
}

/// A look that is being made.
#[derive(Debug)]
struct InProgress {
    lanes: Vec<i32>,
    /// Before the first task that was added meanwhile.
    before_added: Option<Place>,
}

/// The number of a look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look(u64);

#[derive(Debug)]
struct Mark {
    /// After which task looks begin, but for what was added; `None` until another was taken a moment after the first. Of the
    /// tasks before, none was left that could be taken.
    settled: Option<Place>,
    /// After which they begin once this is a moment ago, or at once if it is the first, but then for no longer than a moment.
    taken: Option<(Place, Instant)>,
    /// Before the first task that was added since and is before where looks begin.
    before_added: Option<Place>,
    /// When to look from the first again.
    spared_until: Instant,
}

impl Mark {
    const fn new(spared_until: Instant) -> Self {
        Self { settled: None, taken: None, before_added: None, spared_until }
    }

    fn took(&mut self, last: Place, now: Instant) {
        match self.taken {
            Some((_, at)) if now < at + LATE => {}
            taken => {
                self.settled = self.settled.max(taken.map(|(place, _)| place));
                self.taken = Some((last, now));
                self.spare(self.spared_until, now);
            }
        }
    }

    /// Looks from the first row are avoided until then; after the first task that was taken, for no longer than a moment.
    fn spare(&mut self, until: Instant, now: Instant) {
        let moment = self.taken.map(|(_, at)| at + LATE).filter(|end| now < *end);
        let first = moment.filter(|_| self.settled.is_none());
        self.spared_until = first.map_or(until, |end| until.min(end));
    }

    /// After which task to look but for what was added.
    fn start(&self) -> Option<Place> {
        self.settled.or(self.taken.map(|(place, _)| place))
    }

    /// A task was added after this place.
    fn added(&mut self, before: Place) {
        if self.start().is_some_and(|start| before < start) {
            self.before_added = lower(self.before_added, before);
        }
    }

    /// Tasks after this may be left.
    fn lower(&mut self, last: Place) {
        self.settled = self.settled.map(|settled| settled.min(last));
        self.taken = self.taken.map(|(place, at)| (place.min(last), at));
    }
}

impl Marks {
    /// After which task to look, if not from the first.
    pub(crate) fn after(&self, lanes: &[i32], now: Instant) -> Option<Place> {
        let mark = self.by_lanes.get(lanes).filter(|mark| now < mark.spared_until)?;
        mark.before_added.or(mark.start())
    }

    /// The same for each lane that is claimed from alone and has a mark: the lanes, and the keys of the tasks.
    pub(crate) fn of_single_lanes(&self, now: Instant) -> (Vec<i32>, Vec<i64>) {
        let lanes = self.by_lanes.keys().filter_map(|lanes| match lanes[..] {
            [lane] => Some((lane, self.after(lanes, now)?.0)),
            _ => None,
        });
        lanes.unzip()
    }

    /// A look for tasks of these lanes begins, before it is known where. [`Self::end_look`] follows once its end was noted;
    /// after a failure, [`Self::forget`].
    pub(crate) fn begin_look(&mut self, lanes: &[i32]) -> Look {
        self.last_look += 1;
        let look = InProgress { lanes: lanes.to_vec(), before_added: None };
        self.looks.insert(self.last_look, look);
        Look(self.last_look)
    }

    /// Its end was noted: the next one begins before what was added meanwhile, or at the first if that may be anything.
    pub(crate) fn end_look(&mut self, lanes: &[i32], look: Look) {
        match self.looks.remove(&look.0) {
            Some(InProgress { before_added, .. }) => {
                if let (Some(before), Some(mark)) = (before_added, self.by_lanes.get_mut(lanes)) {
                    mark.added(before);
                }
            }
            None => _ = self.by_lanes.remove(lanes),
        }
    }

    /// A look from the first took this long and found so many tasks. Where that is long, a mark stays: if the look found
    /// nothing, there is nothing before it.
    pub(crate) fn looked(&mut self, lanes: &[i32], (took, found): (Duration, usize), now: Instant) {
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        let took = took.saturating_sub(SLOW_PER_TASK.saturating_mul(found));
        if took <= SLOW {
            self.by_lanes.remove(lanes);
            return;
        }
        let spared_until = now + (took * SPARED).min(SPARED_MAX);
        match self.by_lanes.get_mut(lanes) {
            Some(mark) => mark.spare(spared_until, now),
            None => {
                // Those of claims that are not made any more.
                self.by_lanes.retain(|_, mark| now < mark.spared_until + SPARED_MAX);
                self.by_lanes.insert(lanes.to_vec(), Mark::new(spared_until));
            }
        }
    }

    /// How long it takes until looks begin at the first again.
    pub(crate) fn ends_in(&self, lanes: &[i32], now: Instant) -> Option<Duration> {
        Some(self.by_lanes.get(lanes)?.spared_until.saturating_duration_since(now))
    }

    /// A claim from these lanes took all that it found, of which this was the last.
    pub(crate) fn took_all(&mut self, lanes: &[i32], last: Option<Place>, now: Instant) {
        if let Some(mark) = self.by_lanes.get_mut(lanes) {
            mark.before_added = None;
            if let Some(last) = last {
                mark.took(last, now);
            }
        }
    }

    /// It took as many as it wanted, of which this was the last.
    pub(crate) fn took_some(&mut self, lanes: &[i32], last: Place, now: Instant) {
        if let Some(mark) = self.by_lanes.get_mut(lanes) {
            mark.before_added = None;
            mark.lower(last);
            mark.took(last, now);
        }
    }

    /// A task was added, by a transaction that is committed, or that claims itself or is the application's.
    pub(crate) fn added(&mut self, lane: i32, (key, id): Place) {
        let before = (key, id.saturating_sub(1));
        for look in self.looks.values_mut().filter(|look| look.lanes.contains(&lane)) {
            look.before_added = lower(look.before_added, before);
        }
        let of_lane = self.by_lanes.iter_mut().filter(|(lanes, _)| lanes.contains(&lane));
        of_lane.for_each(|(_, mark)| mark.added(before));
    }

    /// Tasks were added anywhere, or what was taken may not have been.
    pub(crate) fn forget(&mut self) {
        self.by_lanes.clear();
        self.looks.clear();
    }
}

/// The first of a place and another.
fn lower(place: Option<Place>, other: Place) -> Option<Place> {
    Some(place.map_or(other, |place| place.min(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW_LOOK: (Duration, usize) = (Duration::from_millis(4), 0);
    const QUICK_LOOK: (Duration, usize) = (SLOW, 0);

    /// Marks after a slow look for tasks of lane 1 that took one, and a moment later another.
    fn marks(now: Instant) -> Marks {
        let mut marks = Marks::default();
        marks.looked(&[1], SLOW_LOOK, now);
        assert_eq!(marks.after(&[1], now), None, "nothing was taken from these lanes");
        marks.took_all(&[1], Some((100, 7)), now - LATE);
        assert_eq!(marks.after(&[1], now - LATE), Some((100, 7)), "the first that was taken");
        marks.looked(&[1], (Duration::from_secs(1), 0), now - LATE / 2);
        assert_eq!(marks.after(&[1], now), None, "what was committed meanwhile may be before it");
        marks.looked(&[1], SLOW_LOOK, now);
        marks.took_all(&[1], Some((110, 8)), now);
        assert_eq!(marks.after(&[1], now), Some((100, 7)));
        marks
    }

    #[test]
    fn a_quick_look_from_the_first_is_made_each_time() {
        let (mut marks, now) = (Marks::default(), Instant::now());
        marks.looked(&[1], QUICK_LOOK, now);
        marks.took_all(&[1], Some((100, 7)), now);
        assert_eq!(marks.after(&[1], now), None);
    }

    /// A look that leases many tasks takes long for these.
    #[test]
    fn a_look_that_finds_many_may_take_longer() {
        let (mut marks, now) = (Marks::default(), Instant::now());
        marks.looked(&[1], (Duration::from_millis(20), 1000), now);
        marks.took_all(&[1], Some((100, 7)), now);
        assert_eq!(marks.after(&[1], now), None);
    }

    #[test]
    fn a_slow_look_is_spared_for_twenty_times_as_long() {
        let now = Instant::now();
        let marks = marks(now);
        let (took, _) = SLOW_LOOK;
        assert_eq!(marks.after(&[1], now + took * 19), Some((100, 7)));
        assert_eq!(marks.after(&[1, 2], now), None);
        assert_eq!(marks.after(&[1], now + took * SPARED), None);
    }

    /// Else each claim of a queue that is empty now and then would pass over all of them.
    #[test]
    fn a_slow_look_that_finds_nothing_leaves_the_mark() {
        let now = Instant::now();
        let mut marks = marks(now);
        marks.looked(&[1], SLOW_LOOK, now);
        assert_eq!(marks.after(&[1], now), Some((100, 7)));
        let later = now + Duration::from_secs(1);
        assert_eq!(marks.after(&[1], later), None);
        marks.looked(&[1], SLOW_LOOK, later);
        assert_eq!(marks.after(&[1], later), Some((100, 7)));
        marks.looked(&[1], QUICK_LOOK, later);
        assert_eq!(marks.after(&[1], later), None);
    }

    /// Another process may have had its ids before, and commit after.
    #[test]
    fn looks_begin_after_what_was_taken_a_moment_ago() {
        let now = Instant::now();
        let mut marks = marks(now);
        marks.took_all(&[1], Some((120, 9)), now + LATE / 2);
        assert_eq!(marks.after(&[1], now), Some((100, 7)));
        marks.took_all(&[1], Some((130, 10)), now + LATE);
        assert_eq!(marks.after(&[1], now), Some((110, 8)));
    }

    /// Else the look after a task that was found far before the mark would pass over all up to it again.
    #[test]
    fn a_task_before_the_mark_moves_it_back_only_if_others_may_be_left() {
        let now = Instant::now();
        let mut marks = marks(now);
        marks.took_all(&[1], Some((50, 3)), now + LATE);
        marks.took_all(&[1], Some((50, 3)), now + 2 * LATE);
        assert_eq!(marks.after(&[1], now), Some((110, 8)));
        marks.took_some(&[1], (50, 4), now + 2 * LATE);
        assert_eq!(marks.after(&[1], now), Some((50, 4)));
        marks.took_all(&[1], None, now + 3 * LATE);
        assert_eq!(marks.after(&[1], now), Some((50, 4)), "a place that was lowered settles");
    }

    /// A quick look for tasks of a quiet queue says nothing of a busy one.
    #[test]
    fn each_set_of_lanes_has_a_mark_of_its_own() {
        let now = Instant::now();
        let mut marks = marks(now);
        marks.looked(&[2], QUICK_LOOK, now);
        assert_eq!(marks.after(&[1], now), Some((100, 7)));
        marks.looked(&[3], SLOW_LOOK, now + 2 * SPARED_MAX);
        assert!(!marks.by_lanes.contains_key(&[1][..]), "of a claim that is not made any more");
    }

    #[test]
    fn looks_are_spared_for_five_seconds_at_most() {
        let (mut marks, now) = (Marks::default(), Instant::now());
        assert_eq!(marks.ends_in(&[1], now), None);
        marks.looked(&[1], (Duration::from_secs(1), 0), now);
        assert_eq!(marks.ends_in(&[1], now), Some(SPARED_MAX));
        assert_eq!(marks.ends_in(&[1], now + SPARED_MAX), Some(Duration::ZERO));
    }

    #[test]
    fn a_task_that_is_added_before_a_mark_is_looked_for_once() {
        let now = Instant::now();
        let mut marks = marks(now);
        marks.added(1, (100, 8));
        marks.added(3, (50, 8));
        assert_eq!(marks.after(&[1], now), Some((100, 7)));
        marks.added(1, (50, 9));
        marks.added(1, (60, 10));
        assert_eq!(marks.after(&[1], now), Some((50, 8)));
        marks.took_all(&[1], None, now);
        assert_eq!(marks.after(&[1], now), Some((100, 7)));
        marks.forget();
        assert_eq!(marks.after(&[1], now), None);
    }

    /// Else it would be found only by the next look from the first, as the look that was being made had not seen it.
    #[test]
    fn a_task_that_is_added_during_a_look_is_looked_for_by_the_next() {
        let now = Instant::now();
        let mut marks = marks(now);
        let look = marks.begin_look(&[1]);
        marks.added(1, (50, 9));
        marks.added(2, (40, 9));
        marks.took_all(&[1], Some((130, 10)), now);
        marks.end_look(&[1], look);
        assert_eq!(marks.after(&[1], now), Some((50, 8)));
        let look = marks.begin_look(&[1]);
        marks.took_all(&[1], Some((50, 9)), now);
        marks.end_look(&[1], look);
        assert_eq!(marks.after(&[1], now), Some((100, 7)));
    }

    /// The first slow look makes the mark at its end.
    #[test]
    fn a_look_during_which_anything_may_have_been_added_leaves_no_mark() {
        let (mut marks, now) = (Marks::default(), Instant::now());
        let look = marks.begin_look(&[1]);
        marks.forget();
        marks.looked(&[1], SLOW_LOOK, now);
        marks.took_all(&[1], Some((100, 7)), now);
        marks.end_look(&[1], look);
        assert_eq!(marks.after(&[1], now), None);
    }
}
