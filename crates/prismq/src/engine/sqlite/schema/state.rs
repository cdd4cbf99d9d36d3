//! States as stored in `task.state`.

use crate::model::State;

pub(crate) const READY: i64 = 0;
pub(crate) const SCHEDULED: i64 = 1;
pub(crate) const LEASED: i64 = 2;
pub(crate) const DEAD: i64 = 3;
/// Only in the rows that a read returns: a completed task has no row in `task`.
pub(crate) const COMPLETED: i64 = 4;
/// Only in the rows that a read returns: a cancelled task has no row in `task`.
pub(crate) const CANCELLED: i64 = 6;
/// Only of kept tasks: completed, and kept for the time of its type.
pub(crate) const COMPLETED_BY_TYPE: i64 = 7;
/// Only of kept tasks: cancelled, and kept for the time of its type.
pub(crate) const CANCELLED_BY_TYPE: i64 = 8;
/// Ready, and perhaps what killed the process that held it last.
pub(crate) const SUSPECT: i64 = 5;

pub(crate) const fn stored(state: State) -> i64 {
    match state {
        State::Ready => READY,
        State::Scheduled => SCHEDULED,
        State::Leased => LEASED,
        State::Dead => DEAD,
        State::Completed => COMPLETED,
        State::Cancelled => CANCELLED,
    }
}

/// Whether this is a state of kept tasks.
pub(crate) const fn is_kept(stored: i64) -> bool {
    matches!(stored, COMPLETED | CANCELLED | COMPLETED_BY_TYPE | CANCELLED_BY_TYPE)
}

pub(crate) fn loaded(stored: i64) -> rusqlite::Result<State> {
    match stored {
        READY | SUSPECT => Ok(State::Ready),
        SCHEDULED => Ok(State::Scheduled),
        LEASED => Ok(State::Leased),
        DEAD => Ok(State::Dead),
        COMPLETED | COMPLETED_BY_TYPE => Ok(State::Completed),
        CANCELLED | CANCELLED_BY_TYPE => Ok(State::Cancelled),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(0, other)),
    }
}
