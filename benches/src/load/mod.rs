//! Loads: which tasks arrive when, and which pool runs them. Keeping the pace is left to the subject; what is
//! read from a load, to the scenarios.

pub mod arrivals;
pub mod plan;
pub mod pool;
pub mod service_time;
pub mod tasks;
