//! Which tasks an operator means: one filter for listing, counting, redriving, cancelling and deleting. How the tasks
//! are found is left to the engine.

mod errors;
mod fingerprint;
mod page;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::errors::ErrorGroups;
pub use self::errors::{ErrorGroup, ErrorSummary};
pub use self::fingerprint::Fingerprint;
pub(crate) use self::page::Position;
pub use self::page::{Cursor, Page};
use crate::model::limits::{DELAY_MAX, ERROR_BYTES_MAX, FILTER_TYPES_MAX};
use crate::model::{Error, Result, State, validate_name};

/// All conditions that a task must meet; an empty list, or `None`, admits all tasks.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskFilter {
    pub(crate) queue: Option<Arc<str>>,
    pub(crate) types: Vec<Arc<str>>,
    pub(crate) states: Vec<State>,
    /// The key by which they take turns.
    pub(crate) key: Option<Arc<str>>,
    /// Least and greatest age: see [`Age`].
    pub(crate) age: Age,
    /// What the text of the last error contains.
    pub(crate) error_contains: Option<String>,
    pub(crate) fingerprint: Option<Fingerprint>,
}

/// How long ago a task ended, if it has: died, was completed or cancelled; else how long ago it was enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Age {
    pub(crate) at_least: Option<Duration>,
    pub(crate) less_than: Option<Duration>,
}

impl TaskFilter {
    /// Whether tasks in this state are meant.
    pub(crate) fn has_state(&self, state: State) -> bool {
        self.states.is_empty() || self.states.contains(&state)
    }

    /// Whether more than queue, type and state decides, so that the row of each task must be read.
    pub(crate) const fn reads_rows(&self) -> bool {
        self.age.at_least.is_some() || self.age.less_than.is_some() || self.reads_errors()
    }

    /// Whether the text of the last error decides.
    pub(crate) const fn reads_errors(&self) -> bool {
        self.error_contains.is_some() || self.fingerprint.is_some()
    }

    /// Whether a task with this last error is meant.
    pub(crate) fn suits_error(&self, error: Option<&str>) -> bool {
        let contains = |part: &String| error.is_some_and(|error| error.contains(part.as_str()));
        let is_of = |fingerprint: &Fingerprint| {
            error.is_some_and(|error| Fingerprint::of(error) == *fingerprint)
        };
        self.error_contains.as_ref().is_none_or(contains)
            && self.fingerprint.as_ref().is_none_or(is_of)
    }

    pub(crate) fn validate(&self) -> Result<()> {
        if let Some(queue) = &self.queue {
            validate_name("queue name", queue)?;
        }
        if self.types.len() > FILTER_TYPES_MAX {
            let reason = format!("{} task types, at most {FILTER_TYPES_MAX}", self.types.len());
            return Err(Error::invalid("filter", reason));
        }
        self.types.iter().try_for_each(|task_type| validate_name("task type", task_type))?;
        let ages = [self.age.at_least, self.age.less_than];
        if let Some(age) = ages.into_iter().flatten().find(|age| *age > DELAY_MAX) {
            let reason = format!("an age of {age:?}, at most {DELAY_MAX:?} (ten years)");
            return Err(Error::invalid("filter", reason));
        }
        match &self.error_contains {
            Some(part) if part.len() > ERROR_BYTES_MAX => {
                let reason = format!(
                    "an error text of {} bytes, longer than any that is kept ({ERROR_BYTES_MAX})",
                    part.len()
                );
                Err(Error::invalid("filter", reason))
            }
            _ => Ok(()),
        }
    }
}
