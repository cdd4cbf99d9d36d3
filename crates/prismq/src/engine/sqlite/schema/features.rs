//! Features of a queue that most do not use. A bit in `prismq_meta.features` says that a transaction must look at a
//! feature's tables, so that those who use none of them pay nothing: each transaction reads the bits with the version.

use rusqlite::{Connection, Result};

/// The bits of the features in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Features(pub(crate) i64);

impl Features {
    /// The inbox holds rows, or once did: see `inbox.sql`.
    pub(crate) const INBOX: i64 = 1;
    /// Tasks that expire unless they start in time.
    pub(crate) const EXPIRY: i64 = 2;
    /// Depth limits of queues.
    pub(crate) const DEPTH: i64 = 64;
    /// Retry policies of task types.
    pub(crate) const RETRY: i64 = 128;

    /// Running tasks are to be cancelled: see `prismq_cancel`.
    pub(crate) const CANCEL: i64 = 16;
    /// There are schedules.
    pub(crate) const PERIODIC: i64 = 8;

    /// Handlers note something with their tasks: `prismq_note` and `prismq_log`.
    pub(crate) const NOTES: i64 = 32;

    /// Queues keep their ended tasks for a time, or a number of dead or cancelled ones.
    pub(crate) const RETENTION: i64 = 256;
    /// Task types have a retention of their own.
    pub(crate) const TYPE_RETENTION: i64 = 1024;

    /// The queue was moved to a server: see `prismq_moved`.
    pub(crate) const MOVED: i64 = 2048;

    /// Whether a feature is in use.
    pub(crate) const fn has(self, bit: i64) -> bool {
        self.0 & bit != 0
    }

    /// Records that features are in use, inside the transaction in progress.
    pub(crate) fn begin_using(&mut self, connection: &Connection, feature: i64) -> Result<()> {
        if self.0 & feature != feature {
            connection
                .prepare_cached("UPDATE prismq_meta SET features = features | ?1")?
                .execute([feature])?;
            self.0 |= feature;
        }
        Ok(())
    }
}
