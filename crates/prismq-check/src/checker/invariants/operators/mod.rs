//! What operators do to tasks.

pub(super) mod cancellation;
pub(super) mod deletion;
pub(super) mod redrive;
