//! What is recorded of a load while it runs, the figures that follow from it, and whether they may be used.
//! Generating a load and writing the record are left to others.

pub mod audit;
pub mod ledger;
pub mod metrics;
pub mod round;
pub mod rss;
pub mod sampler;
mod spec;
pub mod steadiness;
pub mod task_times;
pub mod timeline;
#[cfg(target_os = "linux")]
pub mod tokens;
pub mod validity;
pub mod written;
