//! Moving a queue from one engine to another: what is read of the source, as values that both engines know.
//!
//! The source is marked before anything is read, and refused to everyone from then on, so that it does not change. What it
//! has is read in parts, each a table in the order of a key of two numbers, which is how far a migration that was
//! interrupted has come.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::model::Result;
use crate::time::Timestamp;

/// Most rows that are read at a time.
pub(crate) const ROWS_MAX: usize = 2000;
/// Bytes of blobs and texts after which no more rows are read.
pub(crate) const BYTES_MAX: usize = 8 << 20;

/// What a migration to a server moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationReport {
    /// Tasks, those included that have ended and are kept.
    pub tasks: u64,
    /// Whether an earlier call had begun it.
    pub resumed: bool,
    /// How long this call took.
    pub took: Duration,
}

/// A part of what a queue's database has, in the order in which they are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Queues with their settings and counters of all time.
    Queues,
    /// Named limits, and those of queues whose concurrency is bounded or whose tasks have keys and no limit.
    Limits,
    Lanes,
    /// Keys of limits.
    Keys,
    /// The tasks of a key in a lane.
    Lines,
    Schedules,
    RetryPolicies,
    TypeRetentions,
    /// Tasks that wait, and dead ones.
    Tasks,
    /// Completed and cancelled tasks.
    Ended,
    Attempts,
    Notes,
    LogLines,
    UniqueKeys,
}

impl Part {
    pub(crate) const ALL: [Self; 14] = [
        Self::Queues,
        Self::Limits,
        Self::Lanes,
        Self::Keys,
        Self::Lines,
        Self::Schedules,
        Self::RetryPolicies,
        Self::TypeRetentions,
        Self::Tasks,
        Self::Ended,
        Self::Attempts,
        Self::Notes,
        Self::LogLines,
        Self::UniqueKeys,
    ];
}

/// The values of a column; `None` for no value.
#[derive(Debug)]
pub(crate) enum Column {
    /// Numbers, truth as 0 and 1, times in microseconds.
    Numbers(Vec<Option<i64>>),
    Reals(Vec<Option<f64>>),
    Texts(Vec<Option<String>>),
    Blobs(Vec<Option<Vec<u8>>>),
}

/// The key of a row: later rows have higher keys.
pub(crate) type RowKey = [i64; 2];

/// Rows of a part.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<Column>,
    pub(crate) count: usize,
    /// The key of the last one.
    pub(crate) last: RowKey,
}

/// Where a queue is moved to.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    /// Hosts, ports, database and schema, for people.
    pub(crate) label: String,
    /// The number of the database.
    pub(crate) number: i64,
    /// Its time now.
    pub(crate) now: Timestamp,
}

/// What the source notes of a migration.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    /// Drawn by chance when it began.
    pub(crate) migration: i64,
    /// Where to, for people.
    pub(crate) target: String,
    /// The number of the database there.
    pub(crate) target_number: i64,
    /// Whether the queue there may be in use.
    pub(crate) complete: bool,
}

/// How many rows there are of what, and bytes in them.
pub(crate) type Counts = BTreeMap<String, i64>;

/// Adds the tasks of a queue in a state, as stored by their number, and the bytes of their payloads.
pub(crate) fn count_tasks(counts: &mut Counts, queue: &str, state: i64, tasks: i64, bytes: i64) {
    let state = match state {
        0 => "ready",
        1 => "scheduled",
        2 => "leased",
        3 => "dead",
        4 | 7 => "completed",
        _ => "cancelled",
    };
    *counts.entry(format!("{state} tasks of queue {queue:?}")).or_default() += tasks;
    *counts.entry(format!("payload bytes of queue {queue:?}")).or_default() += bytes;
}

/// The first difference between the counts of the source and those of its copy.
pub(crate) fn difference(source: &Counts, copy: &Counts) -> Option<String> {
    let mut all = source.keys().chain(copy.keys());
    let count = |counts: &Counts, what: &str| counts.get(what).copied().unwrap_or(0);
    let what = all.find(|what| count(source, what) != count(copy, what))?;
    Some(format!("{what}: {} in the file, {} in its copy", count(source, what), count(copy, what)))
}

/// A queue's database that is moved.
pub(crate) trait Source {
    /// Where it is.
    fn path(&self) -> &Path;

    /// The migration that has begun, if one has.
    fn mark(&self) -> Result<Option<Mark>>;

    /// Begins a migration: refuses the queue to everyone from now on, unless workers hold tasks.
    fn begin(&mut self, to: &Destination) -> Result<Mark>;

    /// Rows of a part after this key, in the order of their keys; `None` if there are no more.
    fn rows(&self, part: Part, after: RowKey) -> Result<Option<Rows>>;

    /// A number above those of all tasks there ever were.
    fn next_id(&self) -> Result<i64>;

    /// How much there is of what is moved.
    fn counts(&self) -> Result<Counts>;

    /// Notes that the queue may be in use where it was moved to; `false` if this migration was cancelled meanwhile.
    fn complete(&mut self, migration: i64) -> Result<bool>;

    /// Lets the queue be used again, unless it may be in use where it was moved to.
    fn cancel(&mut self) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_was_counted() {
        let (mut source, mut copy) = (Counts::new(), Counts::new());
        count_tasks(&mut source, "mail", 0, 3, 12);
        count_tasks(&mut copy, "mail", 0, 3, 12);
        count_tasks(&mut copy, "mail", 4, 0, 0);
        assert_eq!(difference(&source, &copy), None);
        count_tasks(&mut copy, "mail", 3, 1, 0);
        let found = difference(&source, &copy).unwrap();
        assert_eq!(found, "dead tasks of queue \"mail\": 0 in the file, 1 in its copy");
    }
}
