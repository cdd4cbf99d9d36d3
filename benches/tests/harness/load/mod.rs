//! Loads: what arrives when.

mod arrivals;
mod labour;
mod plan;
