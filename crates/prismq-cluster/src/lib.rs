#![doc = include_str!("../README.md")]

mod certificates;
mod cluster;
mod server;
mod template;

pub use cluster::Cluster;
