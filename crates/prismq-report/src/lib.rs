//! The record of a benchmark run and everything that is decided and drawn from it.
//!
//! Data flows one way: [`files`] reads and writes what [`record`] describes; [`targets`] and
//! [`comparison`] judge it, [`verdict`] puts their answers together, [`render`] and [`export`] show
//! them beside what [`criterion`] says, [`history`] keeps what became of them, and [`conclude`] does it all for a finished
//! `cargo bench`; [`cli`] is the command that does any part of it again. Nothing here knows how a figure was made,
//! and nothing here measures.

pub mod baseline;
pub mod cli;
pub mod comparison;
pub mod conclude;
mod contradictions;
pub mod coverage;
pub mod criterion;
pub mod export;
pub mod files;
pub mod fingerprint;
pub mod history;
pub mod noise;
pub mod quantiles;
pub mod record;
pub mod render;
pub mod schema;
pub mod targets;
pub mod validate;
pub mod verdict;
