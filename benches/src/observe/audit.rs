//! Whether every task was done exactly once: what was asked for against what was committed.

use std::collections::{HashMap, HashSet};

/// What the ledger of a load shows once it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Audit {
    /// Tasks enqueued.
    pub enqueued: u64,
    /// Of these, completed at least once.
    pub completed: u64,
    /// Of these, never completed.
    pub lost: u64,
    /// Times a task was completed, or run where nothing failed, once too often.
    pub duplicated: u64,
    /// Completions of tasks that were never enqueued.
    pub unknown: u64,
}

impl Audit {
    /// Balances ids: those that were to be completed, those whose completion was committed (once for
    /// each time), and those a handler was run for. `runs` is left empty where failures are part of
    /// the work and a task is rightly run again.
    #[must_use]
    pub fn balance(enqueued: &[i64], completions: &[i64], runs: &[i64]) -> Self {
        let times_completed = count(completions);
        let times_run = count(runs);
        let expected: HashSet<i64> = enqueued.iter().copied().collect();
        let mut audit = Self { enqueued: size(expected.len()), ..Self::default() };
        for id in &expected {
            let completed = times_completed.get(id).copied().unwrap_or(0);
            let run = times_run.get(id).copied().unwrap_or(0);
            if completed == 0 {
                audit.lost += 1;
            } else {
                audit.completed += 1;
            }
            audit.duplicated += completed.max(run).saturating_sub(1);
        }
        // A subject that gives one id to two tasks has lost one of them.
        audit.lost += size(enqueued.len() - expected.len());
        for (id, times) in &times_completed {
            if !expected.contains(id) {
                audit.unknown += times;
            }
        }
        audit
    }

    /// Reasons why the figures of this load are invalid.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.lost > 0 {
            faults.push(format!("{} of {} tasks were lost", self.lost, self.enqueued));
        }
        if self.duplicated > 0 {
            faults.push(format!("tasks were done {} times too often", self.duplicated));
        }
        if self.unknown > 0 {
            faults.push(format!("{} tasks were completed that were not enqueued", self.unknown));
        }
        faults
    }
}

fn count(ids: &[i64]) -> HashMap<i64, u64> {
    let mut counts = HashMap::with_capacity(ids.len());
    for id in ids {
        *counts.entry(*id).or_insert(0) += 1;
    }
    counts
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
