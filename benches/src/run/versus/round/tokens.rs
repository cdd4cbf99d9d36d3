//! Which tasks of the plan belong to which workload.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use prismq_driver::plan::{Entry, Plan};

/// The tasks of a round. Each workload has tokens of its own, whether it is measured or not.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    entries: Vec<Entry>,
    ranges: HashMap<&'static str, Range<u64>>,
}

impl Tokens {
    /// So many tasks for a workload, due at this interval, whose first attempts fail so many times.
    pub(super) fn add(
        &mut self,
        workload: &'static str,
        tasks: u64,
        interval: Duration,
        fails: u8,
    ) {
        let from = self.count();
        let entry = |task| Entry {
            offset_ns: nanos(interval).saturating_mul(task),
            fails,
            ..Entry::default()
        };
        self.entries.extend((0..tasks).map(entry));
        self.ranges.insert(workload, from..from + tasks);
    }

    fn count(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap_or(u64::MAX)
    }

    /// How often all of them are run.
    pub(super) fn attempts(&self) -> u64 {
        self.count() + self.entries.iter().map(|entry| u64::from(entry.fails)).sum::<u64>()
    }

    /// The tokens of a workload; none if it has no tasks.
    pub(super) fn of(&self, workload: &str) -> Range<u64> {
        self.ranges.get(workload).cloned().unwrap_or_default()
    }

    /// When a task is due, in nanoseconds since the begin of its load.
    pub(super) fn offset_ns(&self, token: u64) -> u64 {
        let entry = usize::try_from(token).ok().and_then(|token| self.entries.get(token));
        entry.map_or(0, |entry| entry.offset_ns)
    }

    /// Makes these tasks due at another interval.
    pub(super) fn set_interval(&mut self, tokens: Range<u64>, interval: Duration) {
        let of = |token: u64| usize::try_from(token).unwrap_or(usize::MAX);
        let entries = self.entries.get_mut(of(tokens.start)..of(tokens.end));
        for (task, entry) in (0..).zip(entries.into_iter().flatten()) {
            entry.offset_ns = nanos(interval).saturating_mul(task);
        }
    }

    pub(super) fn plan(&self) -> Plan {
        Plan::new(self.entries.clone())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_workload_has_tokens_of_its_own_which_can_be_spaced_anew() {
        let mut tokens = Tokens::default();
        tokens.add("first", 3, Duration::ZERO, 0);
        tokens.add("second", 2, Duration::from_nanos(10), 1);
        assert_eq!(
            (tokens.of("first"), tokens.of("second"), tokens.of("none")),
            (0..3, 3..5, 0..0)
        );
        assert_eq!((tokens.attempts(), tokens.offset_ns(4), tokens.offset_ns(9)), (7, 10, 0));
        tokens.set_interval(4..5, Duration::from_nanos(7));
        tokens.set_interval(1..3, Duration::from_nanos(7));
        let plan = tokens.plan();
        let of = |token| plan.get(token).map(|entry| (entry.offset_ns, entry.fails)).unwrap();
        assert_eq!([of(0), of(1), of(2), of(3), of(4)], [(0, 0), (0, 0), (7, 0), (0, 1), (0, 1)]);
    }
}
