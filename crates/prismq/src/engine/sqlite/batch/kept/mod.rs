//! What is kept of tasks beyond their rows: ended tasks, attempts, notes and results, and for how long.

pub(crate) mod history;
pub(crate) mod records;
pub(crate) mod retention;
pub(crate) mod type_retention;
