//! The record of a benchmark run and everything that is decided and drawn from it.
//!
//! Data flows one way: [`files`] reads and writes what [`record`] describes; [`targets`] and
//! [`comparison`] judge it, [`verdict`] puts their answers together, [`render`] shows them, and
//! [`conclude`] does it all for a finished `cargo bench`. Nothing here knows how a figure was made,
//! and nothing here measures.

pub mod baseline;
pub mod comparison;
pub mod conclude;
pub mod files;
pub mod fingerprint;
pub mod noise;
pub mod record;
pub mod render;
pub mod statistics;
pub mod targets;
pub mod verdict;
