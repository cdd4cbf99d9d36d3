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
    /// The number of the task's lane, if a limit or a key counts it; else 0.
    pub(crate) limited_lane: i64,
}

impl From<LeaseNote> for EngineNote {
    fn from(note: LeaseNote) -> Self {
        Self([note.file, note.queue, (note.limited_lane << 1) | i64::from(note.out_of_line)])
    }
}

impl From<EngineNote> for LeaseNote {
    fn from(EngineNote([file, queue, rest]): EngineNote) -> Self {
        Self { file, queue, out_of_line: rest & 1 != 0, limited_lane: rest >> 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        for limited_lane in [0, 1, -1, 4096, -1_000_000_000_000] {
            for out_of_line in [false, true] {
                let note = LeaseNote { file: i64::MIN, queue: 7, out_of_line, limited_lane };
                assert_eq!(LeaseNote::from(EngineNote::from(note)), note);
            }
        }
    }
}
