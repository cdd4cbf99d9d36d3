//! Features of a queue that most do not use. A bit in `prismq_meta.features` says that a transaction must look at a
//! feature's tables, so that those who use none of them pay nothing: each transaction reads the bits with the version.

/// The bits of the features in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Features(pub(crate) i64);

impl Features {
    /// The inbox holds rows, or once did: see `inbox.sql`.
    pub(crate) const INBOX: i64 = 1;

    /// Running tasks are to be cancelled: see `prismq_cancel`.
    pub(crate) const CANCEL: i64 = 16;
    /// There are schedules.
    pub(crate) const PERIODIC: i64 = 8;

    /// Handlers note something with their tasks: `prismq_note` and `prismq_log`.
    pub(crate) const NOTES: i64 = 32;

    /// Whether a feature is in use.
    pub(crate) const fn has(self, bit: i64) -> bool {
        self.0 & bit != 0
    }
}
