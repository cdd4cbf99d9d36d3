//! A page of tasks, and where the next one begins.

use crate::model::TaskInfo;

/// A place among the tasks that an engine goes through, which only the engine reads: a range, and a key and an id in
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) range: (u8, i64),
    pub(crate) key: i64,
    pub(crate) id: i64,
}

/// Where a page ended, so that the next one can begin there. It is bound to the filter that it was returned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub(crate) Position);

/// Some of the tasks that a filter means.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// The tasks.
    pub tasks: Vec<TaskInfo>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<Cursor>,
}
