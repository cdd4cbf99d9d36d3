//! Which slots of a schedule to run now, and when the next one is.

use super::Missed;
use super::rule::Slots;
use crate::model::limits::{MISSED_AFTER, MISSED_RUNS_MAX};
use crate::time::Timestamp;

/// Two slots of a cron expression are at least this far apart, and of an interval too: microseconds.
const SLOT_DISTANCE_MIN: i64 = 1_000_000;

/// What is due of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    /// The slots to enqueue a task for, oldest first.
    pub(crate) run: Vec<Timestamp>,
    /// Whether there are slots before these that are not run.
    pub(crate) skipped: bool,
    /// The first slot after the present; `None` if there is none.
    pub(crate) next: Option<Timestamp>,
}

impl Due {
    /// What is due now of a schedule whose next slot was `first`. A slot that is not over is not due.
    pub(crate) fn at(slots: &Slots, missed: Missed, first: Timestamp, now: Timestamp) -> Self {
        let next = slots.after(now);
        if first > now {
            return Self { run: Vec::new(), skipped: false, next: Some(first) };
        }
        let run = match missed {
            Missed::All => latest(slots, first, now),
            Missed::Once => vec![last(slots, first, now)],
            Missed::Skip => {
                let last = last(slots, first, now);
                if now.since(last) < MISSED_AFTER { vec![last] } else { Vec::new() }
            }
        };
        let skipped = run.first() != Some(&first);
        Self { run, skipped, next }
    }
}

/// The last slot from `first`, which is one, to the present. Halves the time in between instead of going from slot to
/// slot, of which there are half a million in a year of minutes.
fn last(slots: &Slots, first: Timestamp, now: Timestamp) -> Timestamp {
    let due = |time| slots.after(time).filter(|slot| *slot <= now);
    let (mut last, mut end) = (first, now);
    while end.as_micros().saturating_sub(last.as_micros()) > SLOT_DISTANCE_MIN {
        let middle = middle(last, end);
        match due(middle) {
            Some(slot) => last = slot,
            None => end = middle,
        }
    }
    // A slot between `last` and `end` is at most one slot's distance off.
    due(last).unwrap_or(last)
}

/// The slots from `first`, which is one, to the present; of more than [`MISSED_RUNS_MAX`], the latest.
fn latest(slots: &Slots, first: Timestamp, now: Timestamp) -> Vec<Timestamp> {
    let from = |first: Option<Timestamp>| {
        let due = |slot: &Timestamp| *slot <= now;
        std::iter::successors(first.filter(due), |slot| slots.after(*slot).filter(due))
            .take(MISSED_RUNS_MAX + 1)
            .collect::<Vec<_>>()
    };
    let all = from(Some(first));
    if all.len() <= MISSED_RUNS_MAX {
        return all;
    }
    // After `many` there are too many, after `few` not.
    let (mut many, mut few, mut run) = (first, now, Vec::new());
    while few.as_micros().saturating_sub(many.as_micros()) > SLOT_DISTANCE_MIN {
        let middle = middle(many, few);
        let found = from(slots.after(middle));
        if found.len() > MISSED_RUNS_MAX {
            many = middle;
        } else {
            (few, run) = (middle, found);
        }
    }
    run
}

fn middle(from: Timestamp, to: Timestamp) -> Timestamp {
    from.after(to.since(from) / 2)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::schedule::{Rule, When};

    const SECOND: i64 = 1_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * SECOND)
    }

    /// What is due at a second of a schedule with a slot every ten seconds.
    fn due(missed: Missed, first: i64, now: i64) -> (Vec<i64>, bool, i64) {
        let rule = Rule { when: When::Every(Duration::from_secs(10)), zone: "UTC".into() };
        let due = Due::at(&rule.slots(at(0)).unwrap(), missed, at(first), at(now));
        let run = due.run.iter().map(|slot| slot.as_micros() / SECOND).collect();
        (run, due.skipped, due.next.unwrap().as_micros() / SECOND)
    }

    #[test]
    fn a_slot_that_is_due_runs_under_every_policy_and_not_before() {
        for missed in [Missed::Skip, Missed::Once, Missed::All] {
            assert_eq!(due(missed, 20, 19), (vec![], false, 20));
            assert_eq!(due(missed, 20, 20), (vec![20], false, 30));
            assert_eq!(due(missed, 20, 29), (vec![20], false, 30));
        }
    }

    #[test]
    fn of_missed_slots_none_the_last_or_all_run() {
        assert_eq!(due(Missed::All, 20, 55), (vec![20, 30, 40, 50], false, 60));
        assert_eq!(due(Missed::Once, 20, 55), (vec![50], true, 60));
        assert_eq!(due(Missed::Skip, 20, 55), (vec![50], true, 60), "the last is not late");
    }

    #[test]
    fn a_slot_is_missed_after_a_minute() {
        let rule = Rule { when: When::Every(Duration::from_secs(3600)), zone: "UTC".into() };
        let slots = rule.slots(at(0)).unwrap();
        let run = |late: i64| Due::at(&slots, Missed::Skip, at(3600), at(3600 + late)).run.len();
        assert_eq!([run(0), run(59), run(60), run(3599)], [1, 1, 0, 0]);
    }

    #[test]
    fn of_very_many_missed_slots_the_latest_thousand_run() {
        let years = 3 * 365 * 24 * 3600;
        let (run, skipped, next) = due(Missed::All, 10, years);
        assert_eq!((run.len(), skipped, next), (MISSED_RUNS_MAX, true, years + 10));
        assert_eq!((run[0], run[MISSED_RUNS_MAX - 1]), (years - 9990, years));
        assert_eq!(due(Missed::Once, 10, years).0, [years]);
        let (run, skipped, _) = due(Missed::All, 10, 10_000);
        assert_eq!((run.len(), skipped), (1000, false));
        let (run, skipped, _) = due(Missed::All, 10, 10_010);
        assert_eq!((run.len(), run[0], skipped), (1000, 20, true));
    }
}
