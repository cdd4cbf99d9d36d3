//! Connections to the server: how they are made, what they need of it, and what they hear.

pub(crate) mod connecting;
pub(crate) mod durability;
pub(crate) mod limits;
pub(crate) mod notifications;
pub(crate) mod pooler;
pub(crate) mod round_trips;
pub(crate) mod tls;
