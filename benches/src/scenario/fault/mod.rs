//! Loads under faults: failing handlers, killed processes, and a long run with both.

pub mod kill;
pub mod mishaps;
pub mod soak;
