//! Errors grouped by their fingerprint.

use std::collections::HashMap;

use super::Fingerprint;
use crate::model::TaskId;
use crate::model::limits::ERROR_GROUPS_MAX;
use crate::time::Timestamp;

/// Tasks whose last errors have the same fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorGroup {
    /// What their errors have in common; to be used by [`Tasks::fingerprint`](crate::Tasks::fingerprint).
    pub fingerprint: Fingerprint,
    /// How many tasks.
    pub count: u64,
    /// When the first of them died.
    pub first: Timestamp,
    /// When the last of them died.
    pub last: Timestamp,
    /// The task that died last.
    pub example: TaskId,
    /// Its error.
    pub error: String,
}

/// The errors of dead tasks, by fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ErrorSummary {
    /// The groups, that of most tasks first.
    pub groups: Vec<ErrorGroup>,
    /// Tasks in none of the groups, as there are more than [`ERROR_GROUPS_MAX`] different errors.
    pub others: u64,
}

/// Groups that are still added to.
#[derive(Debug, Default)]
pub(crate) struct ErrorGroups {
    groups: HashMap<Fingerprint, ErrorGroup>,
    others: u64,
}

impl ErrorGroups {
    /// Adds a task that died with this error at this time.
    pub(crate) fn add(&mut self, id: TaskId, error: String, died_at: Timestamp) {
        let fingerprint = Fingerprint::of(&error);
        let is_full = self.groups.len() >= ERROR_GROUPS_MAX;
        if let Some(group) = self.groups.get_mut(&fingerprint) {
            group.count += 1;
            group.first = group.first.min(died_at);
            if died_at >= group.last {
                (group.last, group.example, group.error) = (died_at, id, error);
            }
        } else if is_full {
            self.others += 1;
        } else {
            let group = ErrorGroup {
                fingerprint,
                count: 1,
                first: died_at,
                last: died_at,
                example: id,
                error,
            };
            self.groups.insert(fingerprint, group);
        }
    }

    /// The groups, that of most tasks first; of equal ones the latest.
    pub(crate) fn into_summary(self) -> ErrorSummary {
        let mut groups: Vec<ErrorGroup> = self.groups.into_values().collect();
        groups.sort_unstable_by(|a, b| {
            (b.count, b.last, b.example).cmp(&(a.count, a.last, a.example))
        });
        ErrorSummary { groups, others: self.others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> TaskId {
        TaskId::from_i64(i64::try_from(number).unwrap())
    }

    #[test]
    fn errors_beyond_the_bound_are_counted_and_not_grouped() {
        let mut groups = ErrorGroups::default();
        // A word of letters for each number, as numbers are folded.
        let word = |number: usize| -> String {
            number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'g')).collect()
        };
        for number in 0..ERROR_GROUPS_MAX + 3 {
            groups.add(id(number), word(number), Timestamp::from_micros(7));
        }
        groups.add(id(1), word(0), Timestamp::from_micros(9));
        let summary = groups.into_summary();
        assert_eq!((summary.groups.len(), summary.others), (ERROR_GROUPS_MAX, 3));
        let first = &summary.groups[0];
        assert_eq!((first.count, first.example, first.error.as_str()), (2, id(1), "g"));
        assert_eq!((first.first.as_micros(), first.last.as_micros()), (7, 9));
    }
}
