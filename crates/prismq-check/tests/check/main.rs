//! What a queue promises, held against histories of real clients; and the checker itself, held against
//! queues that break each promise. Folders mirror `src`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod support;

mod checker;
mod client;
mod conformance;
mod exercise;
mod failure_modes;
mod pool;
mod process;
