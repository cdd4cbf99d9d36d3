//! Tests of whether figures differ: between two sets of rounds, between pairs of starts, and among many metrics.

mod discoveries;
mod paired_test;
mod rank_test;

pub use discoveries::discoveries;
pub use paired_test::paired_p;
pub use rank_test::{RankTest, rank_test};
