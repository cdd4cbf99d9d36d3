//! Servers that fail or are slow, clocks that differ, and clients that are in each other's way.

pub(crate) mod backends;
pub(crate) mod clocks;
pub(crate) mod commit;
pub(crate) mod locks;
pub(crate) mod races;
pub(crate) mod tokens;
