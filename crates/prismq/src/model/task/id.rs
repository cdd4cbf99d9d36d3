//! The id of a task.

use std::fmt;

/// Identifies a task in its file for ever: ids rise and are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(i64);

impl TaskId {
    /// The id as the integer it is stored as.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// An id read back from [`TaskId::as_i64`].
    #[must_use]
    pub const fn from_i64(id: i64) -> Self {
        Self(id)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
