//! What a backup and a restore did.

use std::time::Duration;

/// What [`Queue::backup`](crate::Queue::backup) made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// The length of the backup.
    pub bytes: u64,
    /// How long it took, its verification included.
    pub took: Duration,
}

/// What [`Restore::to`](crate::Restore::to) made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreReport {
    /// The length of the restored file.
    pub bytes: u64,
    /// Tasks that were running at the time of the backup.
    pub running: u64,
}
