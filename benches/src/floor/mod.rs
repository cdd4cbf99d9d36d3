//! What an engine cannot pass: the disk itself, and SQLite on its own with the same schema.
//!
//! A suite measures a floor in the same round as the engine, right after it, so that the ratio of the
//! two travels between machines where neither figure does.

pub mod disk;
pub mod raw;
