//! What an error means for the caller: whether to retry, to change the call, or to intervene.

use super::Error;

/// What makes the same call succeed. Every error is in one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Time: nobody has to act.
    Retry,
    /// Repeating it, unless it was done already: only a look shows that.
    Look,
    /// Nothing: the call itself is wrong, or what it was about is over.
    Change,
    /// Someone acts on the file, its settings or the system; the handle stays usable.
    Repair,
    /// Someone acts, and the queue is opened again: the handle refuses for good.
    Reopen,
}

impl Error {
    pub(super) const fn remedy(&self) -> Remedy {
        match self {
            // What the transaction met decides whether it can be begun again.
            Self::TransactionRolledBack { source } => source.remedy(),
            // Locks are released, tasks end, space is freed, a read or a write works again.
            Self::Busy { .. }
            | Self::Overloaded { .. }
            | Self::NotEmpty { .. }
            | Self::QueueFull { .. }
            | Self::Full { .. }
            | Self::Io { .. }
            | Self::Database { .. }
            | Self::Unavailable { .. }
            | Self::Thread { .. } => Remedy::Retry,
            Self::InvalidInput { .. }
            | Self::LeaseLost { .. }
            | Self::ForeignLease { .. }
            | Self::Statement { .. }
            | Self::NotOffered { .. } => Remedy::Change,
            // What the call names is not set, or has no room.
            Self::NoSchedule { .. }
            | Self::UnknownLimit { .. }
            | Self::TooManyLimits { .. }
            | Self::TooManyNames { .. }
            // The file, or what is at its path.
            | Self::Unusable { .. }
            | Self::NotADatabase { .. }
            | Self::Foreign { .. }
            | Self::SchemaTooNew { .. }
            | Self::SchemaTooOld { .. }
            | Self::Corrupt { .. }
            | Self::Moved { .. }
            | Self::InUse { .. }
            | Self::Migration { .. }
            // The server, or what it allows.
            | Self::Refused { .. } => Remedy::Repair,
            Self::CommitUnknown { .. } => Remedy::Look,
            Self::OutOfIds { .. } | Self::Poisoned { .. } | Self::Forked { .. } => Remedy::Reopen,
        }
    }

    /// Whether the same call may succeed later without anybody doing anything to the file, its settings or the system:
    /// another process held a lock, the queue or the disk was full, a server was not reachable, a read or write failed. Retry with a backoff.
    ///
    /// Of [`Self::TransactionRolledBack`], whether the whole transaction may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.remedy(), Remedy::Retry)
    }

    /// Whether no retry through this handle can succeed before someone intervenes: repairs the file, puts it back,
    /// closes it elsewhere or sets what is missing where [`Self::is_recoverable`] is `true`; else opens another queue.
    /// The message says what to do.
    #[must_use]
    pub const fn needs_intervention(&self) -> bool {
        matches!(self.remedy(), Remedy::Repair | Remedy::Reopen)
    }

    /// Whether the same call through this handle may succeed later, by itself ([`Self::is_transient`]), after someone
    /// intervened ([`Self::needs_intervention`]), or as it was perhaps done already. `false` if the handle refuses for good, or if the call is at fault.
    #[must_use]
    pub const fn is_recoverable(&self) -> bool {
        matches!(self.remedy(), Remedy::Retry | Remedy::Look | Remedy::Repair)
    }

    /// Whether another process held the write lock too long.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    /// Whether there was no space, also if that ended a caller's transaction.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        match self {
            Self::TransactionRolledBack { source } => source.is_full(),
            _ => matches!(self, Self::Full { .. }),
        }
    }

    /// Whether the file is damaged or not a database.
    #[must_use]
    pub const fn is_corrupt(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::NotADatabase { .. })
    }

    /// Whether the task was no longer held by the lease.
    #[must_use]
    pub const fn is_lease_lost(&self) -> bool {
        matches!(self, Self::LeaseLost { .. })
    }
}
