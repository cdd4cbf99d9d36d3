//! Checks a history, and snapshots of the file, against the invariants of a queue.

mod counts;
mod facts;
mod invariants;
mod rules;
mod shortest;
#[cfg(test)]
mod synthetic;
mod verdict;

use std::collections::BTreeMap;

use self::facts::Facts;
use crate::audit::Snapshot;
use crate::history::History;

pub use self::counts::Counts;
pub use self::rules::Rules;
pub use self::verdict::{Invariant, Spread, Verdict, Violation};

/// At most this many violations of one invariant are shown; the counts include all.
const VIOLATIONS_SHOWN_MAX: usize = 3;

/// A violation of one invariant.
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

/// Checks a history against every invariant.
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
        findings.into_iter().take(VIOLATIONS_SHOWN_MAX).map(move |finding| {
            let events = shortest::history(history, snapshots, rules, invariant, &finding);
            Violation { invariant, what: finding.what, history: events }
        })
    });
    Verdict { counts, violations: violations.collect() }
}
