//! The books of a driver: what was acknowledged against what was run, by token, also across a kill.

use std::collections::HashMap;

use prismq_driver::lane::{Kind, Record};
use prismq_driver::message::Ending;

/// What the records of a driver show once all is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenBalance {
    /// Tasks whose enqueue was acknowledged.
    pub acknowledged: u64,
    /// Tasks that were being enqueued when the driver was killed: they may be there or not.
    pub in_doubt: u64,
    /// Acknowledged tasks that were never run.
    pub lost: u64,
    /// Acknowledged tasks that were run and, although that is seen, never settled.
    pub unsettled: u64,
    /// Runs of tasks whose completion was known, and runs more than one in one life of the driver.
    pub duplicated: u64,
    /// Tasks whose run had ended when the driver was killed, not yet settled, and that were run again.
    pub redelivered: u64,
    /// Runs of tasks that nobody enqueued.
    pub unknown: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Task {
    acknowledged: bool,
    calling: bool,
    runs: [u64; 2],
    completed: [u64; 2],
    retried: [u64; 2],
}

impl TokenBalance {
    /// The books of two queues together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            acknowledged: self.acknowledged + other.acknowledged,
            in_doubt: self.in_doubt + other.in_doubt,
            lost: self.lost + other.lost,
            unsettled: self.unsettled + other.unsettled,
            duplicated: self.duplicated + other.duplicated,
            redelivered: self.redelivered + other.redelivered,
            unknown: self.unknown + other.unknown,
        }
    }

    /// Balances the records of a driver's life and, if it was killed, of the next one. `settles` says whether
    /// settlements are seen at all.
    #[must_use]
    pub fn of<'a>(
        before: impl IntoIterator<Item = &'a Record>,
        after: impl IntoIterator<Item = &'a Record>,
        settles: bool,
    ) -> Self {
        let mut tasks: HashMap<u64, Task> = HashMap::new();
        let before = before.into_iter().map(|record| (0, record));
        let after = after.into_iter().map(|record| (1, record));
        for (life, record) in before.chain(after) {
            let task = tasks.entry(record.token).or_default();
            let counted = match (record.kind, record.ending) {
                (Kind::Enqueued, _) => {
                    task.acknowledged = true;
                    continue;
                }
                (Kind::Calling, _) => {
                    task.calling = true;
                    continue;
                }
                (Kind::Run, _) => &mut task.runs,
                (Kind::Settled, Some(Ending::Retried)) => &mut task.retried,
                (Kind::Settled, _) => &mut task.completed,
            };
            if let Some(count) = counted.get_mut(life) {
                *count += 1;
            }
        }
        tasks.values().fold(Self::default(), |balance, task| balance.with(task, settles))
    }

    fn with(mut self, task: &Task, settles: bool) -> Self {
        let Task { acknowledged, calling, runs: [before, after], completed, retried } = *task;
        let [known, _] = completed;
        let runs = before + after;
        self.acknowledged += u64::from(acknowledged);
        self.in_doubt += u64::from(calling && !acknowledged);
        self.lost += u64::from(acknowledged && runs == 0);
        let is_settled = completed.iter().sum::<u64>() > 0;
        self.unsettled += u64::from(settles && acknowledged && runs > 0 && !is_settled);
        if !acknowledged && !calling {
            self.unknown += runs;
            return self;
        }
        // A failed attempt is rightly followed by another run.
        let once = |runs: u64, retried: u64| runs.saturating_sub(retried).saturating_sub(1);
        let [retried_before, retried_after] = retried;
        let again = once(before, retried_before) + once(after, retried_after);
        let twice = completed.iter().sum::<u64>().saturating_sub(1);
        let after_completion = if known > 0 { after } else { 0 };
        self.duplicated += again.max(twice).max(after_completion);
        self.redelivered += u64::from(before > retried_before && known == 0 && after > 0);
        self
    }

    /// Why this is not as it should be, for a queue that was not killed.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let Self { acknowledged, .. } = *self;
        let mut faults = Vec::new();
        let mut add = |count: u64, what: &str| {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        };
        add(self.lost, &format!("of {acknowledged} acknowledged tasks were never run"));
        add(self.unsettled, "tasks were run and never settled");
        add(self.duplicated, "runs or settlements of tasks that were done already");
        add(self.unknown, "runs of tasks that nobody enqueued");
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(token: u64, kind: Kind) -> Record {
        let ending = (kind == Kind::Settled).then_some(Ending::Completed);
        Record { token, t1: 1, t2: 2, kind, ending, attempt: 1, extra: 0 }
    }

    fn done(token: u64) -> Vec<Record> {
        [Kind::Enqueued, Kind::Run, Kind::Settled].map(|kind| record(token, kind)).to_vec()
    }

    #[test]
    fn what_was_done_once_has_no_faults() {
        let records = [done(1), done(2)].concat();
        let balance = TokenBalance::of(&records, [], true);
        assert_eq!(balance, TokenBalance { acknowledged: 2, ..TokenBalance::default() });
        assert!(balance.faults().is_empty());
    }

    #[test]
    fn what_was_lost_done_twice_or_never_asked_for_is_counted() {
        let mut records = done(1);
        records.extend([record(2, Kind::Enqueued), record(1, Kind::Run), record(3, Kind::Run)]);
        let balance = TokenBalance::of(&records, [], true);
        assert_eq!((balance.lost, balance.duplicated, balance.unknown), (1, 1, 1));
        assert_eq!(balance.faults().len(), 3);
    }

    #[test]
    fn a_failed_attempt_is_rightly_run_again() {
        let retried = Record { ending: Some(Ending::Retried), ..record(1, Kind::Settled) };
        let records = [vec![record(1, Kind::Run), retried], done(1)].concat();
        assert!(TokenBalance::of(&records, [], true).faults().is_empty());
    }

    #[test]
    fn a_kill_leaves_tasks_in_doubt_and_tasks_that_are_run_again() {
        let mut before = done(1);
        // 2 may be there or not; 3 was run and its completion is not known; 4 was to be run.
        before.push(record(2, Kind::Calling));
        before.extend([record(3, Kind::Enqueued), record(3, Kind::Run), record(4, Kind::Enqueued)]);
        let after = [3, 4].map(|token| [record(token, Kind::Run), record(token, Kind::Settled)]);
        let balance = TokenBalance::of(&before, after.as_flattened(), true);
        let expected = TokenBalance {
            acknowledged: 3,
            in_doubt: 1,
            redelivered: 1,
            ..TokenBalance::default()
        };
        assert_eq!(balance, expected);
        let again = [record(1, Kind::Run)];
        assert_eq!(TokenBalance::of(&before, &again, true).duplicated, 1);
    }

    #[test]
    fn what_is_not_seen_to_be_settled_is_no_fault() {
        let records = [record(1, Kind::Enqueued), record(1, Kind::Run)];
        assert!(TokenBalance::of(&records, [], false).faults().is_empty());
        assert_eq!(TokenBalance::of(&records, [], true).unsettled, 1);
    }
}
