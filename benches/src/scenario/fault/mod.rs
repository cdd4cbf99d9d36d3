//! Loads under faults: failing handlers, killed processes, and a long run with both.

pub mod faults;
pub mod kill;
pub mod soak;
