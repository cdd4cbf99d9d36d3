//! What a transaction in progress knows and has yet to write.

pub(crate) mod counters;
pub(crate) mod ids;
pub(crate) mod lanes;
pub(crate) mod lease_note;
pub(crate) mod ledger;
pub(crate) mod names;
pub(crate) mod queues;
