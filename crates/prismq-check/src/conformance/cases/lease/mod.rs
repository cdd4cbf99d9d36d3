//! How long a lease holds its task.

pub(super) mod extend;
pub(super) mod release;
