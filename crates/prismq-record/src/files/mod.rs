//! The results folder: what its files are called, and reading and writing them whole.
//!
//! What the records mean is said at their types; baselines, which lie in a folder of their own, are
//! [`crate::baseline`]'s.

mod contradictions;
mod controls;
mod error;
mod gather;
mod name;
mod older;
mod prune;
mod read;
mod unread;
mod versus;
mod write;

pub use error::FileError;
pub use gather::{Gathered, Selection, gather, gather_all, gather_with_files};
pub use prune::{Pruned, prune};
pub use read::{AnyRecord, bytes, parse, read_any, read_run, read_suite};
pub use versus::{latest_versus, read_versus, write_versus};
pub use write::{json, write_report, write_run, write_suite, write_whole};

pub(crate) use read::major;
