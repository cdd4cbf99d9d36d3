//! Loads: what arrives when.

mod arrivals;
mod plan;
mod service_time;
