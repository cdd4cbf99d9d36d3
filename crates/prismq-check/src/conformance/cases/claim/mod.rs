//! Which tasks a claim gives, of which queues and in which order.

pub(super) mod order;
pub(super) mod pause;
pub(super) mod requirements;
pub(super) mod selection;
