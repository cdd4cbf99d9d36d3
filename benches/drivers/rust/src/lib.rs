//! Servers for drivers in Rust, as `node/` and `python/` have them: a process that is started as the driver's child, with
//! its data in the queue's directory.

mod postgres;
mod server;

pub use postgres::{Cluster, SETTINGS, SOCKET_FOLDER, URL, version};
