//! Everything that is drawn from the records of benchmark runs.
//!
//! Data flows one way: [`targets`] and [`comparison`] judge a record, [`verdict`] puts their answers together,
//! [`render`] and [`export`] show them, and [`conclude`] does it all for a finished `cargo bench`; [`cli`] is
//! the command that does any part of it again. Nothing here knows how a figure was made, and nothing here
//! measures. What records are and how they are read is `prismq-record`'s.

pub mod cli;
pub mod comparison;
pub mod conclude;
pub mod coverage;
pub mod export;
pub mod noise;
pub mod render;
pub mod targets;
pub mod trend;
pub mod validate;
pub mod verdict;
