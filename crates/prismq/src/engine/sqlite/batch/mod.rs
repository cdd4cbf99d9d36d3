//! State of the transaction in progress: what it has read, and what it writes at its end.

pub(crate) mod counters;
pub(crate) mod ids;
pub(crate) mod kept;
pub(crate) mod lanes;
pub(crate) mod lease_note;
pub(crate) mod ledger;
pub(crate) mod limits;
pub(crate) mod queues;

/// Most tasks that one transaction promotes, reclaims, prunes or makes dead letters of, so that its size is bounded;
/// the rest follow in the next.
pub(crate) const STEP_TASKS_MAX: usize = 1024;
