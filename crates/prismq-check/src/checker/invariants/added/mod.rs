//! What was asked of a task when it was added.

pub(super) mod slots;
pub(super) mod time_to_live;
pub(super) mod unique;
