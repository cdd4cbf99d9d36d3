//! The rounds of a suite: in which order they run, how many, and what they read.

pub mod decision;
pub mod experiment;
pub mod order;
pub mod session;
pub mod unit;
