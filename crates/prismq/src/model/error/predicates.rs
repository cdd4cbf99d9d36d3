//! What an error means for the caller: whether to retry, to wait, or to intervene.

use super::Error;

impl Error {
    /// Whether retrying through this handle cannot succeed before someone intervenes: repairs the file or puts it
    /// back where [`Self::is_recoverable`] is `true`, else opens it again.
    #[must_use]
    pub const fn needs_intervention(&self) -> bool {
        matches!(
            self,
            Self::Poisoned { .. }
                | Self::Moved { .. }
                | Self::Corrupt { .. }
                | Self::NotADatabase { .. }
                | Self::SchemaTooNew { .. }
        )
    }

    /// Whether the cause can go away while this handle stays open, so that the same call may succeed later: a lock
    /// is released, space is freed, the file is put back or repaired, or a newer version's migration is undone.
    /// `false` if this handle refuses for good, or the arguments are at fault.
    #[must_use]
    pub const fn is_recoverable(&self) -> bool {
        match self {
            Self::TransactionRolledBack { source } => source.is_recoverable(),
            Self::InvalidInput { .. }
            | Self::LeaseLost { .. }
            | Self::ForeignLease { .. }
            | Self::NoSchedule { .. }
            | Self::Poisoned { .. }
            | Self::Forked { .. } => false,
            Self::Busy { .. }
            | Self::Overloaded { .. }
            | Self::NotEmpty { .. }
            | Self::QueueFull { .. }
            | Self::TooManyNames { .. }
            | Self::UnknownLimit { .. }
            | Self::TooManyLimits { .. }
            | Self::OutOfIds { .. }
            | Self::Full { .. }
            | Self::Unusable { .. }
            | Self::NotADatabase { .. }
            | Self::Foreign { .. }
            | Self::SchemaTooNew { .. }
            | Self::SchemaTooOld { .. }
            | Self::Corrupt { .. }
            | Self::Moved { .. }
            | Self::InUse { .. }
            | Self::Io { .. }
            | Self::Database { .. }
            | Self::Unavailable { .. }
            | Self::Refused { .. }
            | Self::CommitUnknown { .. }
            | Self::Thread { .. } => true,
        }
    }

    /// Whether another process held the write lock too long.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    /// Whether the same call may succeed later without a repair: the database was busy, full or not reachable, or a
    /// read or write failed. Neither the task nor the handle is at fault.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::Overloaded { .. }
                | Self::Full { .. }
                | Self::Io { .. }
                | Self::Database { .. }
                | Self::Unavailable { .. }
        )
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
