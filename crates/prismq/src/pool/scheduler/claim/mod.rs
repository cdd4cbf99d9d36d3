//! What is claimed ahead, and how much of it.

pub(super) mod handler_time;
pub(super) mod prefetch;
pub(in crate::pool) mod suspects;
