//! What is known of a history, and so can be asked of it.

use std::time::Duration;

/// What holds of a particular history, in addition to what holds of every one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// At the end, workers had taken all that could be taken: what is still stored is dead or kept.
    pub drained: bool,
    /// Workers asked so often that a task whose lease expired was taken again within this time.
    pub reclaimed_within: Option<Duration>,
    /// No pool held a task that it had not begun for longer than this while a worker of another pool that
    /// serves it was idle; time by which threads of their processes that only slept were late does not count.
    pub shared_within: Option<Duration>,
    /// No process died but of tasks that kill theirs, of which no two were there at once.
    pub killed_by_tasks_only: bool,
    /// The history has the calls of all who used the file.
    pub complete_history: bool,
    /// A claim reads the time before it reads the tasks, as in a transaction of PostgreSQL that is read committed: what
    /// it was given may have become ready later, up to its answer.
    pub claims_read_time_first: bool,
}

impl Rules {
    /// The rules of every history.
    pub const PLAIN: Self = Self {
        drained: false,
        reclaimed_within: None,
        shared_within: None,
        killed_by_tasks_only: false,
        complete_history: false,
        claims_read_time_first: false,
    };
}

impl Default for Rules {
    fn default() -> Self {
        Self::PLAIN
    }
}
