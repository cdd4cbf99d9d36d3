//! Finding, counting, cancelling, redriving and deleting tasks.

pub(super) mod cancel;
pub(super) mod delete;
pub(super) mod list;
pub(super) mod redrive;
pub(super) mod stats;
pub(super) mod task;
