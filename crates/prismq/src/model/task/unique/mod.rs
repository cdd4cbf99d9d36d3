//! When a task counts as a duplicate of another, and what is done then.

mod enqueued;
mod sha256;

use std::sync::Arc;
use std::time::Duration;

pub use self::enqueued::Enqueued;
pub(crate) use self::sha256::{Digest, sha256};
use crate::model::limits::{UNIQUE_KEY_BYTES_MAX, UNIQUE_PERIOD_MAX};
use crate::model::{Error, Result};

/// Makes a task unique: among all tasks of its type in the file, in whichever queue, one at a time holds a key. A task
/// that is enqueued with a key that another one holds is not added, and [`Enqueued`](crate::Enqueued) names the other.
///
/// How long a task holds its key is decided when it is enqueued: until it is done ([`Unique::until_done`], the default),
/// until it starts ([`Unique::while_waiting`]), or for a time ([`Unique::for_period`]).
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::{NewTask, Unique};
///
/// // One import of a file at a time; of those that wait, the last one's payload counts.
/// let import = NewTask::new("import", *b"/inbox/a.csv, version 2")
///     .unique(Unique::key("/inbox/a.csv").while_waiting().replace());
/// // At most one reminder an hour with the same payload.
/// let reminder = NewTask::new("remind", *b"ann@example.org")
///     .unique(Unique::payload().for_period(Duration::from_secs(3600)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique {
    /// `None`: the payload is the key.
    pub(crate) key: Option<Arc<str>>,
    pub(crate) hold: Hold,
    pub(crate) on_conflict: OnConflict,
    /// Of the payload, if it was computed ahead of the transaction.
    pub(crate) digest: Option<Digest>,
}

/// What a stored task is unique by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UniqueKey {
    /// This key.
    Key(String),
    /// Its payload.
    Payload,
}

/// How long a task holds its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Until it is claimed for its first attempt.
    WhileWaiting,
    /// Until it is completed, dead, cancelled or deleted.
    UntilDone,
    /// For this long after it was enqueued, also if it has ended.
    Period(Duration),
}

/// What becomes of the task that holds the key, as far as it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnConflict {
    Keep,
    Replace,
    PushBack,
}

impl Unique {
    /// Unique by a key: 1 to 256 bytes without control characters, such as `order-881`.
    pub fn key(key: impl Into<Arc<str>>) -> Self {
        Self { key: Some(key.into()), ..Self::payload() }
    }

    /// Unique by its payload: the same bytes count as a duplicate. Payloads are compared by their SHA-256 digests.
    #[must_use]
    pub const fn payload() -> Self {
        Self { key: None, hold: Hold::UntilDone, on_conflict: OnConflict::Keep, digest: None }
    }

    /// Holds the key until the task is completed or dead, retries included; so unless set otherwise. A task that is
    /// cancelled or deleted holds no key either.
    #[must_use]
    pub const fn until_done(mut self) -> Self {
        self.hold = Hold::UntilDone;
        self
    }

    /// Holds the key until the task is first claimed, so that what is enqueued after that runs again.
    ///
    /// A task that goes back to its queue without a counted attempt, released or
    /// [put off](crate::TaskError::snooze) by its handler, waits as before: it holds the key again, as it will do all
    /// that a duplicate would, unless one was enqueued meanwhile. One that waits for a retry does not hold the key.
    #[must_use]
    pub const fn while_waiting(mut self) -> Self {
        self.hold = Hold::WhileWaiting;
        self
    }

    /// Holds the key for this long after the task was enqueued, even after it was completed and deleted, and no longer,
    /// even if it still waits.
    #[must_use]
    pub const fn for_period(mut self, period: Duration) -> Self {
        self.hold = Hold::Period(period);
        self
    }

    /// Leaves the task that holds the key as it is; so unless set otherwise.
    #[must_use]
    pub const fn keep(mut self) -> Self {
        self.on_conflict = OnConflict::Keep;
        self
    }

    /// Gives the task that holds the key this one's payload, priority, delay (from now) and time to live, if it waits
    /// to run. Its id, queue, requirements and attempts stay.
    #[must_use]
    pub const fn replace(mut self) -> Self {
        self.on_conflict = OnConflict::Replace;
        self
    }

    /// Makes the task that holds the key due after this one's delay from now, if it waits to run: of a burst, one task
    /// runs once the burst is over.
    #[must_use]
    pub const fn push_back(mut self) -> Self {
        self.on_conflict = OnConflict::PushBack;
        self
    }

    pub(crate) fn validate(&self) -> Result<()> {
        if let Some(key) = &self.key {
            if key.is_empty() || key.len() > UNIQUE_KEY_BYTES_MAX {
                let bytes = key.len();
                let allowed = format!("must have 1 to {UNIQUE_KEY_BYTES_MAX}");
                return Err(Error::invalid("unique key", format!("{bytes} bytes long, {allowed}")));
            }
            if key.chars().any(char::is_control) {
                let reason = format!("{key:?} contains a control character");
                return Err(Error::invalid("unique key", reason));
            }
        }
        match self.hold {
            Hold::Period(period) if period.is_zero() || period > UNIQUE_PERIOD_MAX => {
                let reason =
                    format!("{period:?}, must be more than 0 and at most {UNIQUE_PERIOD_MAX:?}");
                Err(Error::invalid("unique period", reason))
            }
            _ => Ok(()),
        }
    }
}
