//! What can be shown without a server.

mod address;
mod together;
