//! What is added, what is refused, and what must start in time.

pub(super) mod depth;
pub(super) mod expiry;
pub(super) mod new_tasks;
pub(super) mod unique;
