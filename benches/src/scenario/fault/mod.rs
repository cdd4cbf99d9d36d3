//! Loads under faults: failing handlers, killed processes, readers that keep a snapshot, and a long run with all of them.

pub mod faults;
pub mod kill;
pub mod long_reader;
pub mod snapshot;
pub mod soak;
