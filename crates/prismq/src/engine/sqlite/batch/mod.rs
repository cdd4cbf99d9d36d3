//! State of the transaction in progress: what it has read, and what it writes at its end.

pub(crate) mod counters;
pub(crate) mod ids;
pub(crate) mod lanes;
pub(crate) mod lease_note;
pub(crate) mod ledger;
pub(crate) mod names;
pub(crate) mod queues;
