//! What becomes of a task at the end of an attempt, and what is kept of it.

pub(super) mod complete;
pub(super) mod fail;
pub(super) mod history;
pub(super) mod records;
pub(super) mod retry;
pub(super) mod snooze;
