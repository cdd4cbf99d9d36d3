//! What this engine notes in a lease.

use crate::model::EngineNote;

/// What never changes while a task lives, so that settling it needs no read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeaseNote {
    /// The number of the database it was claimed from, drawn at random when that was created.
    pub(crate) database: i64,
    pub(crate) lane: i32,
    pub(crate) queue: i32,
}

impl From<LeaseNote> for EngineNote {
    fn from(note: LeaseNote) -> Self {
        Self([note.database, note.lane.into(), note.queue.into()])
    }
}

impl From<EngineNote> for LeaseNote {
    fn from(EngineNote([database, lane, queue]): EngineNote) -> Self {
        let number = |number| i32::try_from(number).unwrap_or(0);
        Self { database, lane: number(lane), queue: number(queue) }
    }
}
