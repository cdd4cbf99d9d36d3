//! The results folder: what its files are called, and reading and writing them whole.
//!
//! What the records mean is [`crate::record`]'s; baselines, which lie in a folder of their own, are
//! [`crate::baseline`]'s.

mod controls;
mod error;
mod gather;
mod name;
mod prune;
mod read;
mod unread;
mod write;

pub use error::FileError;
pub use gather::{Selection, gather};
pub use prune::{Pruned, prune};
pub use read::{AnyRecord, read_any, read_run, read_suite};
pub use write::{json, write_report, write_run, write_suite};

pub(crate) use gather::{Gathered, gather_all, gather_with_files};
pub(crate) use read::{bytes, major, parse};
pub(crate) use write::write_whole;
