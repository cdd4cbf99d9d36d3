//! Moving a queue from a file to the server.

pub(crate) mod interrupted;
pub(crate) mod limited;
pub(crate) mod migrating;
pub(crate) mod stages;
