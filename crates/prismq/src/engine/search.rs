//! Going through tasks by a filter, as values: one bounded step at a time, so that no read is long.

use crate::model::limits::ATTEMPTS_MAX;
use crate::model::{Position, State, TaskFilter, TaskId};
use crate::time::{Moment, Timestamp};

/// Most tasks that one step reads.
pub(crate) const SEARCH_STEP_TASKS: usize = 4096;

/// Which tasks to find, as of one moment.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) filter: TaskFilter,
    /// By which ages are judged.
    pub(crate) now: Moment,
    /// Whether tasks that die later are left out: those that are put back may die again.
    pub(crate) died_by_now: bool,
    /// The highest id that is found.
    pub(crate) last_id: TaskId,
    /// What of each task is wanted.
    pub(crate) detail: Detail,
    /// Most tasks of a step.
    pub(crate) tasks_max: usize,
    /// Bytes of payloads stored out of line from which on a step ends; it finds at least one task.
    pub(crate) bytes_max: u64,
}

/// What is read of each task that is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Its id, unless the filter needs more.
    Id,
    /// What an operation on it needs.
    Row,
    /// Its error too.
    Error,
}

/// The tasks that a step found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) hits: Vec<Hit>,
    /// Where the next step begins; `None` at the end.
    pub(crate) next: Option<Position>,
}

/// A task that was found.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) id: TaskId,
    pub(crate) position: Position,
    /// By which it is known again.
    pub(crate) seen: Seen,
    /// Bytes of its payload.
    pub(crate) bytes: u64,
    /// When it died, by the monotonic time, if it is dead.
    pub(crate) died_at: Option<Timestamp>,
    pub(crate) error: Option<String>,
}

impl Hit {
    /// What names it in an operation.
    pub(crate) const fn target(&self) -> Target {
        Target { id: self.id, seen: self.seen }
    }
}

/// A task that an operation is to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) id: TaskId,
    pub(crate) seen: Seen,
}

/// What a task was when it was found. One that is something else by now is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It was not looked at: the task of this id is meant, in any state.
    Nothing,
    /// A task that had not ended or was dead, with this token. Every claim and every redrive gives it a higher one; a
    /// task that is leased under the next token began since, and is still the one that was found.
    Stored {
        /// The token.
        token: i64,
    },
    /// A completed or cancelled task that is kept.
    Kept,
}

impl Seen {
    /// Whether a stored task with this token is the one that was found.
    pub(crate) const fn is_same(self, token: i64, state: State) -> bool {
        match self {
            Self::Nothing => true,
            Self::Stored { token: seen } => {
                token == seen || (token == seen + 1 && matches!(state, State::Leased))
            }
            Self::Kept => false,
        }
    }
}

/// The tasks that an operation is to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Targets {
    pub(crate) tasks: Vec<Target>,
    /// The states in which they are meant: in another one, a task is left alone. Empty for all.
    pub(crate) states: Vec<State>,
}

/// How dead tasks are put back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Revival {
    /// Whether their attempts go on to count.
    pub(crate) keep_attempts: bool,
    /// When the first of them is due, by the monotonic time; now if that has passed.
    pub(crate) due: Timestamp,
    /// How much later each next one is due, in microseconds.
    pub(crate) interval: i64,
}

impl Revival {
    /// When the task after this many others is due.
    pub(crate) fn due_after(self, after: u64) -> Timestamp {
        let after = i64::try_from(after).unwrap_or(i64::MAX).saturating_mul(self.interval);
        Timestamp::from_micros(self.due.as_micros().saturating_add(after))
    }

    /// Attempts so far and at most, of which at least one is left.
    pub(crate) fn attempts(self, attempt: u32, max_attempts: u32) -> (u32, u32) {
        if !self.keep_attempts {
            return (0, max_attempts);
        }
        let attempt = attempt.min(ATTEMPTS_MAX - 1);
        (attempt, max_attempts.max(attempt + 1))
    }
}
