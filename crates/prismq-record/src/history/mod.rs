//! The figures of past runs: `results/history.jsonl`, one line per concluded run.
//!
//! The records stay the source of every figure; a line keeps what is worth following after they are
//! removed. Trends and noise are computed from it by `prismq-report`.

mod file;
mod line;

pub use file::{append, before, read, read_file};
pub use line::{HISTORY_SCHEMA, HISTORY_VERSION, HistoryLine, HistoryMetric};
