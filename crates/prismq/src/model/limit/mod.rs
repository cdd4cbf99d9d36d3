//! Limits on the tasks of one name: how many run at once, and how many start in a period. Decided by an engine.

mod bounds;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::bounds::{Bounds, Rate, validate_concurrency};
use crate::model::{Error, Result, validate_name};

/// Bounds for all tasks that name a limit by [`NewTask::limit`](crate::NewTask::limit), over all processes: how many
/// run at once, and how many start in a period; for all of them together, for those of each key, or both.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::{Limit, NewTask, Queue};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let queue = Queue::open(folder.path().join("queue.db"))?;
/// // A hundred calls a second in all, and at most two at once for each tenant.
/// let all = Limit::rate(100, Duration::from_secs(1));
/// queue.set_limit("api", all.and(Limit::concurrency(2).per_key()))?;
///
/// queue.enqueue(&NewTask::new("call", *b"{}").limit("api").key("tenant-42"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// Of all tasks together.
    pub(crate) total: Bounds,
    /// Of the tasks of each key.
    pub(crate) per_key: Bounds,
}

impl Limit {
    /// No bound: tasks that name the limit are only counted.
    #[must_use]
    pub const fn unlimited() -> Self {
        const NONE: Bounds = Bounds { concurrency: None, rate: None };
        Self { total: NONE, per_key: NONE }
    }

    /// At most this many tasks run at once. A task runs from its claim until it is settled or another claim finds
    /// its lease expired.
    #[must_use]
    pub const fn concurrency(tasks: u32) -> Self {
        let mut limit = Self::unlimited();
        limit.total.concurrency = Some(tasks);
        limit
    }

    /// At most this many tasks start within any period of this length, evenly spaced: ten a second start at least
    /// 100 ms apart, unless [`Limit::burst`] allows more at once. Each claim of a task counts as a start.
    #[must_use]
    pub const fn rate(tasks: u32, period: Duration) -> Self {
        let mut limit = Self::unlimited();
        limit.total.rate = Some(Rate { tasks, period, burst: 1 });
        limit
    }

    /// How many tasks may start at once after a pause; 1 unless set. Within one period then start at most the rate's
    /// tasks and this many, less one. It changes the rates set so far, and nothing if there are none.
    #[must_use]
    pub const fn burst(mut self, tasks: u32) -> Self {
        if let Some(rate) = &mut self.total.rate {
            rate.burst = tasks;
        }
        if let Some(rate) = &mut self.per_key.rate {
            rate.burst = tasks;
        }
        self
    }

    /// The same bounds, but for the tasks of each [key](crate::NewTask::key) by themselves. Tasks without a key are
    /// not bounded by them.
    #[must_use]
    pub const fn per_key(self) -> Self {
        Self { total: Self::unlimited().total, per_key: self.per_key.or(self.total) }
    }

    /// These bounds and those of another limit; of two of the same kind, the other's.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { total: other.total.or(self.total), per_key: other.per_key.or(self.per_key) }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        self.total.validate()?;
        self.per_key.validate()
    }
}

/// The limit and the key that a task is under.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LimitUse {
    /// A limit of the file.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) key: Option<Arc<str>>,
    /// Whether the tasks of the key run one at a time, in order.
    pub(crate) ordered: bool,
}

impl LimitUse {
    pub(crate) fn validate(&self) -> Result<()> {
        if let Some(name) = &self.name {
            validate_name("limit name", name)?;
        }
        match &self.key {
            Some(key) => validate_name("key", key),
            None if self.ordered => {
                Err(Error::invalid("ordered", "the task has no key: set one by `NewTask::key`"))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (bounds, of) in [(self.total, ""), (self.per_key, " per key")] {
            if let Some(tasks) = bounds.concurrency {
                parts.push(format!("{tasks} at once{of}"));
            }
            if let Some(Rate { tasks, period, burst }) = bounds.rate {
                parts.push(format!("{tasks} in {period:?}{of} (burst {burst})"));
            }
        }
        if parts.is_empty() {
            return f.write_str("unlimited");
        }
        f.write_str(&parts.join(", "))
    }
}

/// A limit as it is set, and the tasks that name it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitInfo {
    /// Its name.
    pub name: String,
    /// Its bounds.
    pub limit: Limit,
    /// Tasks that run, or that a pool holds for its workers.
    pub running: u64,
    /// Tasks that are ready and wait for a worker, a slot, or their rate. They are counted when asked for.
    pub waiting: u64,
    /// Keys with tasks, and those that had some in the last minutes.
    pub keys: u64,
}
