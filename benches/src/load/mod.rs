//! Loads: which tasks arrive when, who enqueues them and which pool runs them. What is read from a load is
//! left to the scenarios.

pub mod arrivals;
pub mod generator;
pub mod labour;
pub mod plan;
pub mod pool;
pub mod tasks;
