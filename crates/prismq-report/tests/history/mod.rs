//! The runs before: the history of a machine, its baseline, the baselines by name.

mod baseline;
mod file;
