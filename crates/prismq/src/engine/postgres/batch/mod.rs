//! What a transaction carries to its end: its time, settings of queues, counters.

pub(crate) mod cached;
pub(crate) mod counters;
pub(crate) mod lanes;
pub(crate) mod lease_note;
pub(crate) mod limits;
pub(crate) mod looks;
pub(crate) mod postponed;
pub(crate) mod queues;
pub(crate) mod run;
pub(crate) mod send;
pub(crate) mod shared;
pub(crate) mod statements;
mod wanted;

/// Most tasks that one transaction promotes, reclaims or deletes on the side.
pub(crate) const STEP_TASKS_MAX: i64 = 1024;
