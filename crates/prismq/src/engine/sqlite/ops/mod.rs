//! The operations of a transaction, one area a file, with their SQL as named constants.

pub(crate) mod advance;
mod apply;
pub(crate) mod caller;
pub(crate) mod claim;
pub(crate) mod dead_letters;
pub(crate) mod enqueue;
pub(crate) mod inbox;
pub(crate) mod manage;
pub(crate) mod periodic;
pub(crate) mod settings;
pub(crate) mod settle;
