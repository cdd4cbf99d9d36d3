//! What the pool holds: tasks that are ready, running, or ended and yet to be settled.

pub(super) mod ready;
pub(super) mod settling;
pub(super) mod slots;
