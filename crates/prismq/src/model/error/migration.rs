//! Why a queue in a file was not moved to a server, or cannot be used any more as it was.

use std::path::PathBuf;

use thiserror::Error;

/// Why a queue in a file was not moved to a server, or cannot be used any more as it was moved there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// The queue was moved to a server; nothing was done. The file stays as it was then.
    #[error("the queue in {} was moved to {target}: use it there", path.display())]
    Moved {
        /// The file.
        path: PathBuf,
        /// Hosts, ports, database and schema.
        target: String,
    },
    /// The queue is being moved to a server, or that was interrupted; nothing was done.
    #[error(
        "the queue in {} is being moved to {target}: if nobody does so now, start the migration again, which goes on \
         where it stopped, or cancel it", path.display()
    )]
    InProgress {
        /// The file.
        path: PathBuf,
        /// Hosts, ports, database and schema.
        target: String,
    },
    /// Workers hold tasks of the queue; nothing was done. What they do must be recorded before the queue is moved.
    #[error(
        "workers hold {leases} tasks of {}: stop them, or wait until their leases have expired, and start the \
         migration again", path.display()
    )]
    LeasesHeld {
        /// The file.
        path: PathBuf,
        /// Tasks that are leased.
        leases: u64,
    },
    /// The table `prismq_inbox` has rows that are no tasks yet, as their queue is full or they cannot become one; nothing
    /// was done.
    #[error(
        "{rows} rows of prismq_inbox in {} are no tasks yet: let workers make room for them, mend those that have an \
         error, or delete them, and start the migration again", path.display()
    )]
    InboxNotEmpty {
        /// The file.
        path: PathBuf,
        /// Rows that are left.
        rows: u64,
    },
    /// What was copied is not what the file has. The file is not used any more, and the copy neither: find out who wrote
    /// to the target meanwhile, cancel the migration, and start it anew.
    #[error(
        "the copy of {} in {target} differs, {difference}: find out who else writes to the target, cancel the migration \
         and start it anew", path.display()
    )]
    Differs {
        /// The file.
        path: PathBuf,
        /// Hosts, ports, database and schema.
        target: String,
        /// What was counted in both.
        difference: String,
    },
}
