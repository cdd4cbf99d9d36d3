//! Experiments, one a file: each does one round on a stage and returns what was read. How often it is
//! repeated, and under which id, is left to the suites.

pub mod asynchronous;
pub mod backlog;
pub mod cost;
pub mod drain;
pub mod enqueue;
pub mod fault;
pub mod idle;
#[cfg(feature = "postgres")]
pub mod idle_pools;
pub mod open;
pub mod stage;
pub mod wake;
pub mod workload;
