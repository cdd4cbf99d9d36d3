//! Shows the records of benchmark runs, and the command `prismq-report`.
//!
//! [`render`] and [`export`] show a run and its verdict, [`trend`] and [`noise`] follow its figures from run to
//! run, and [`conclude`] does all that belongs to the end of a `cargo bench`; [`cli`] is the command that does
//! any part of it again. [`versus`] shows queues side by side. Nothing here measures, and nothing here knows how a figure was measured: records are
//! read by `prismq-record` and judged by `prismq-judge`.

pub mod cli;
pub mod conclude;
pub mod coverage;
pub mod export;
pub mod noise;
pub mod render;
pub mod trend;
pub mod validate;
pub mod versus;
