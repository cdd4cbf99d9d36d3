//! How many of a queue's ended tasks are kept, and for how long.

use std::time::Duration;

use crate::model::limits::{DELAY_MAX, HISTORY_MAX};
use crate::model::{Error, Result};

/// Which of a queue's ended tasks are kept, to be looked up, listed and, if they are dead, redriven.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::{Keep, Queue, Retention};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let queue = Queue::open(folder.path().join("queue.db"))?;
/// const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// queue.set_retention("mail", Retention {
///     completed: Keep::last(1000),
///     cancelled: Keep::last(1000).for_at_most(7 * DAY),
///     dead: Keep::ALL.for_at_most(30 * DAY),
/// })?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Completed tasks; [`Keep::NONE`] unless set.
    pub completed: Keep,
    /// Cancelled tasks; [`Keep::NONE`] unless set.
    pub cancelled: Keep,
    /// Dead tasks; [`Keep::ALL`] unless set.
    pub dead: Keep,
}

impl Default for Retention {
    fn default() -> Self {
        Self { completed: Keep::NONE, cancelled: Keep::NONE, dead: Keep::ALL }
    }
}

/// How many tasks are kept, and for how long: the last ones, and of these those that ended not too long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// `None` for all.
    pub(crate) tasks: Option<u32>,
    /// `None` for ever.
    pub(crate) age: Option<Duration>,
}

impl Keep {
    /// None.
    pub const NONE: Self = Self { tasks: Some(0), age: None };
    /// All, for ever. Of completed and of cancelled tasks at most [`HISTORY_MAX`] are kept in any case.
    pub const ALL: Self = Self { tasks: None, age: None };

    /// This many tasks: those that ended last.
    #[must_use]
    pub const fn last(tasks: u32) -> Self {
        Self { tasks: Some(tasks), age: None }
    }

    /// Only those that ended less than this long ago.
    #[must_use]
    pub const fn for_at_most(self, age: Duration) -> Self {
        Self { age: Some(age), ..self }
    }

    fn validate(self, what: &'static str) -> Result<()> {
        if let Some(tasks) = self.tasks.filter(|tasks| *tasks > HISTORY_MAX) {
            let reason = format!("{tasks} tasks, at most {HISTORY_MAX} can be asked for");
            return Err(Error::invalid(what, reason));
        }
        self.age.map_or(Ok(()), |age| validate_age_of(what, age))
    }
}

/// Whether the tasks of a type can be kept for this time.
pub(crate) fn validate_age(age: Duration) -> Result<()> {
    validate_age_of("retention of a task type", age)
}

fn validate_age_of(what: &'static str, age: Duration) -> Result<()> {
    if age.is_zero() || age > DELAY_MAX {
        let reason = format!("for {age:?}, must be above zero and at most {DELAY_MAX:?}");
        return Err(Error::invalid(what, reason));
    }
    Ok(())
}

impl Retention {
    pub(crate) fn validate(self) -> Result<()> {
        self.completed.validate("retention of completed tasks")?;
        self.cancelled.validate("retention of cancelled tasks")?;
        self.dead.validate("retention of dead tasks")
    }
}
