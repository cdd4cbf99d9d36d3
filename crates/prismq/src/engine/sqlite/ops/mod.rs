//! The operations of a transaction, one area a file, with their SQL as named constants.

pub(crate) mod advance;
mod apply;
pub(crate) mod caller;
pub(crate) mod claim;
pub(crate) mod damaged_rows;
pub(crate) mod dead_letter;
pub(crate) mod enqueue;
pub(crate) mod expiry;
pub(crate) mod inbox;
pub(crate) mod limits;
pub(crate) mod manage;
pub(crate) mod note;
pub(crate) mod periodic;
pub(crate) mod retry;
pub(crate) mod settings;
pub(crate) mod settle;
