//! A claim: which tasks a worker asks for.

use std::sync::Arc;
use std::time::Duration;

use crate::model::limits::{CLAIM_BATCH_MAX, CLAIM_TYPES_MAX, LEASE_MAX, LEASE_MIN};
use crate::model::{DEFAULT_QUEUE, Error, Names, Result, validate_name};

/// The lease of a claim unless another is asked for.
pub(crate) const DEFAULT_LEASE: Duration = Duration::from_secs(60);

/// A claim: up to some number of tasks of some types from one queue.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use prismq::Claim;
///
/// let claim = Claim::new(["mail", "sms"])
///     .queue("newsletter")
///     .max(10)
///     .lease(Duration::from_secs(30))
///     .capabilities(["smtp"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub(crate) queue: Arc<str>,
    pub(crate) types: Arc<[Arc<str>]>,
    pub(crate) capabilities: Names,
    pub(crate) max: usize,
    pub(crate) lease: Duration,
    /// If no more tasks than this are claimed, all of them count as begun at once: an attempt is used up if the
    /// lease expires. Otherwise none does until [`Operation::Begin`](crate::engine::Operation::Begin).
    pub(crate) begun_max: usize,
    /// Most suspects among the tasks: tasks that a process held when their leases expired, one of which may have
    /// killed it.
    pub(crate) suspects_max: usize,
    /// Most tasks among them that a limit counts: what a pool claims ahead would keep others from starting.
    pub(crate) limited_max: usize,
    /// Of a claim from several queues: how many tasks of this one are taken before more of any other are.
    pub(crate) share: usize,
    /// Most payload bytes of the tasks together, but at least one task; those that do not fit stay ready.
    pub(crate) bytes_max: usize,
    /// Whether it may find nothing although tasks are ready, and say so, where to look for them takes long.
    pub(crate) may_leave_ready: bool,
}

impl Claim {
    /// One task of any of these types, from the queue `default`, for 60 seconds.
    pub fn new<T: Into<Arc<str>>>(types: impl IntoIterator<Item = T>) -> Self {
        Self {
            queue: DEFAULT_QUEUE.into(),
            types: types.into_iter().map(Into::into).collect(),
            capabilities: Names::default(),
            max: 1,
            lease: DEFAULT_LEASE,
            begun_max: usize::MAX,
            suspects_max: usize::MAX,
            limited_max: usize::MAX,
            share: usize::MAX,
            bytes_max: usize::MAX,
            may_leave_ready: false,
        }
    }

    /// The queue to claim from.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<Arc<str>>) -> Self {
        self.queue = queue.into();
        self
    }

    /// What the worker has: tasks that require anything else are not claimed.
    #[must_use]
    pub fn capabilities<T: Into<Arc<str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.capabilities = Names::new(names);
        self
    }

    /// At most this many tasks. Their payloads are bounded too, by
    /// [`CLAIM_BYTES_MAX`](crate::limits::CLAIM_BYTES_MAX).
    #[must_use]
    pub const fn max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// How long the tasks are held unless the lease is extended.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    pub(crate) const fn begun_max(mut self, begun_max: usize) -> Self {
        self.begun_max = begun_max;
        self
    }

    pub(crate) const fn suspects_max(mut self, suspects_max: usize) -> Self {
        self.suspects_max = suspects_max;
        self
    }

    pub(crate) const fn limited_max(mut self, limited_max: usize) -> Self {
        self.limited_max = limited_max;
        self
    }

    pub(crate) const fn share(mut self, share: usize) -> Self {
        self.share = share;
        self
    }

    pub(crate) const fn bytes_max(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    pub(crate) const fn may_leave_ready(mut self) -> Self {
        self.may_leave_ready = true;
        self
    }

    pub(crate) fn validate(&self) -> Result<()> {
        validate_name("queue name", &self.queue)?;
        if self.types.is_empty() || self.types.len() > CLAIM_TYPES_MAX {
            let types = self.types.len();
            return Err(Error::invalid(
                "claim",
                format!("names {types} task types, must name 1 to {CLAIM_TYPES_MAX}"),
            ));
        }
        for task_type in self.types.iter() {
            validate_name("task type", task_type)?;
        }
        if self.max == 0 || self.max > CLAIM_BATCH_MAX {
            let max = self.max;
            return Err(Error::invalid(
                "claim",
                format!("asks for {max} tasks, must ask for 1 to {CLAIM_BATCH_MAX}"),
            ));
        }
        self.capabilities.validate_capabilities()?;
        validate_lease(self.lease)
    }
}

/// What a claim from several queues takes from all of them together; each claim has bounds of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClaimBounds {
    /// See [`Claim::max`].
    pub(crate) tasks: usize,
    /// See [`Claim::begun_max`].
    pub(crate) begun: usize,
    /// See [`Claim::suspects_max`].
    pub(crate) suspects: usize,
    /// See [`Claim::limited_max`].
    pub(crate) limited: usize,
}

pub(crate) fn validate_lease(lease: Duration) -> Result<()> {
    if !(LEASE_MIN..=LEASE_MAX).contains(&lease) {
        return Err(Error::invalid(
            "lease",
            format!("{lease:?}, must be {LEASE_MIN:?} to {LEASE_MAX:?}"),
        ));
    }
    Ok(())
}
