//! What a worker and the leader are to do.

use std::time::Instant;

use super::held::ready::Held;
use super::held::settling::Finished;
use crate::model::LeaseKey;
use crate::time::Timestamp;

/// What a worker is to do.
#[derive(Debug)]
pub(in crate::pool) enum Step {
    /// Run this task's handler.
    Run(Held),
    /// Read the payloads of these tasks.
    Read(Vec<LeaseKey>),
    /// Wait to be woken.
    Wait,
    /// End the thread.
    Exit,
}

/// What the leader is to do.
#[derive(Debug)]
pub(in crate::pool) enum Plan {
    /// Submit these operations.
    Submit(Batch),
    /// Look whether another process wrote, or something happened to the file.
    Look,
    /// Wait until one of these times, if the leader's signal is not raised before. `idle` if only new
    /// work is waited for.
    Wait { until: Option<Instant>, due: Option<Timestamp>, idle: bool },
    /// End the thread.
    Exit,
}

/// Operations that share a transaction.
#[derive(Debug, Default)]
pub(in crate::pool) struct Batch {
    pub(in crate::pool) finished: Vec<Finished>,
    /// The suspect that is about to run.
    pub(in crate::pool) begin: Option<LeaseKey>,
    pub(in crate::pool) extend: Vec<LeaseKey>,
    pub(in crate::pool) claim: Option<Room>,
}

/// What a claim may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pool) struct Room {
    /// So many tasks.
    pub(in crate::pool) tasks: usize,
    /// So many of them will be begun at once.
    pub(in crate::pool) begun: usize,
    /// So many of them may be suspects.
    pub(in crate::pool) suspects: usize,
}

/// What the last claim that came back short had seen.
#[derive(Debug, Clone, Copy)]
pub(in crate::pool) struct Drained {
    /// Where the signal of new work stood.
    pub(in crate::pool) seen: u64,
    /// What the clock's monotonic time was.
    pub(in crate::pool) clock: Timestamp,
    /// The store's version.
    pub(in crate::pool) version: i64,
    /// When the next task is due or the next lease expires.
    pub(in crate::pool) next_due: Option<Timestamp>,
    /// Whether it left suspects to others.
    pub(in crate::pool) without_suspects: bool,
}
