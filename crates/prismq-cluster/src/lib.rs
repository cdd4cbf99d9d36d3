#![doc = include_str!("../README.md")]

mod certificates;
mod cluster;
mod pooler;
mod server;
mod template;

pub use cluster::Cluster;
pub use pooler::Pooler;
