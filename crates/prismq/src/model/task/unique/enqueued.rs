//! What became of a task that was enqueued.

use crate::model::TaskId;

/// What became of a task that was enqueued: without [`unique`](crate::NewTask::unique), always `Inserted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Enqueued {
    /// It was added, with this id.
    Inserted(TaskId),
    /// It was not added: this task holds its key and has the same payload.
    Duplicate(TaskId),
    /// It was not added: this task holds its key and has another payload, which it keeps.
    Conflict(TaskId),
    /// It was not added: this task holds its key, waited to run, and was changed as asked by
    /// [`replace`](crate::Unique::replace) or [`push_back`](crate::Unique::push_back).
    Updated(TaskId),
}

impl Enqueued {
    /// The task that was added or that holds the key.
    #[must_use]
    pub const fn id(self) -> TaskId {
        match self {
            Self::Inserted(id) | Self::Duplicate(id) | Self::Conflict(id) | Self::Updated(id) => id,
        }
    }

    /// Whether the task was added.
    #[must_use]
    pub const fn is_new(self) -> bool {
        matches!(self, Self::Inserted(_))
    }
}
