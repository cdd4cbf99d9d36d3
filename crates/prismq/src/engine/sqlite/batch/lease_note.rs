//! What this engine notes in a lease.

use crate::model::EngineNote;

/// What never changes while a task lives, so that settling it needs no read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeaseNote {
    /// The number of the file it was claimed from, drawn at random when that was created.
    pub(crate) file: i64,
    /// The number of the task's queue.
    pub(crate) queue: i64,
    /// Whether the payload is stored out of line and must be deleted with the task.
    pub(crate) out_of_line: bool,
}

impl From<LeaseNote> for EngineNote {
    fn from(note: LeaseNote) -> Self {
        Self([note.file, note.queue, i64::from(note.out_of_line)])
    }
}

impl From<EngineNote> for LeaseNote {
    fn from(EngineNote([file, queue, out_of_line]): EngineNote) -> Self {
        Self { file, queue, out_of_line: out_of_line != 0 }
    }
}
