//! What became of the figures over time: `results/history.jsonl`, one line a concluded run.
//!
//! The records stay the source of every figure; a line holds what is worth following after they are
//! gone. What is drawn from it is the business of whoever reads it.

mod file;
mod line;

pub use file::{append, before, read, read_file};
pub use line::{HISTORY_SCHEMA, HISTORY_VERSION, HistoryLine, HistoryMetric};
