//! Holds a history, and what stood in the file, against the invariants of a queue.

mod counts;
mod facts;
mod invariants;
mod shortest;
#[cfg(test)]
mod synthetic;
mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use self::facts::Facts;
use crate::audit::Snapshot;
use crate::history::History;

pub use self::verdict::{Counts, Invariant, Spread, Verdict, Violation};

/// Broken promises of one kind that are recorded in full; the figures tell of all.
const TOLD_OF_A_KIND: usize = 3;

/// What a history may be held to beside what every history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Every queue gives its tasks by priority, then first in first out. On unless set.
    pub ordered: bool,
    /// At the end, workers had taken all that could be taken: what still stands there is dead or kept.
    pub drained: bool,
    /// Workers asked so often that a task whose lease expired was taken again within this time.
    pub reclaimed_within: Option<Duration>,
    /// No pool held a task that it had not begun for longer than this while a worker of another pool that
    /// serves it was idle; time by which threads of their processes that only slept were late does not count.
    pub shared_within: Option<Duration>,
    /// No process died but of tasks that kill theirs, of which no two were there at once.
    pub killed_by_tasks_only: bool,
    /// Nobody used the file whose calls are not in the history.
    pub all_told: bool,
}

impl Rules {
    /// What every history is held to.
    pub const PLAIN: Self = Self {
        ordered: true,
        drained: false,
        reclaimed_within: None,
        shared_within: None,
        killed_by_tasks_only: false,
        all_told: false,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::PLAIN
    }
}

/// What an invariant's check found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    what: String,
    /// The tasks it is about.
    keys: Vec<u64>,
}

impl Finding {
    fn about(keys: impl IntoIterator<Item = u64>, what: impl Into<String>) -> Self {
        Self { what: what.into(), keys: keys.into_iter().collect() }
    }
}

/// Holds a history against every invariant.
///
/// Snapshots are in the order they were taken. Where the last was taken after the last event, it also
/// shows what became of every task.
#[must_use]
pub fn check(history: &History, snapshots: &[Snapshot], rules: &Rules) -> Verdict {
    let facts = Facts::new(history, snapshots, rules);
    let mut found = BTreeMap::new();
    for invariant in Invariant::ALL {
        found.insert(invariant, invariants::findings(invariant, &facts));
    }
    let counts = counts::count(&facts, &found);
    let violations = found.into_iter().flat_map(|(invariant, findings)| {
        findings.into_iter().take(TOLD_OF_A_KIND).map(move |finding| {
            let events = shortest::history(history, snapshots, rules, invariant, &finding);
            Violation { invariant, what: finding.what, history: events }
        })
    });
    Verdict { counts, violations: violations.collect() }
}
