#![doc = include_str!("../README.md")]

mod campaign;
mod disk;
mod error;
mod fault;
mod fork;
mod inspect;
mod journal;
mod memory;
mod power;
mod scratch;
mod step;
mod vfs;

pub use campaign::Campaign;
pub use disk::Disk;
pub use error::{Error, Result};
pub use fault::{Call, Effect, Fault, Lasting};
pub use fork::in_a_fork;
pub use inspect::{State, inspect};
pub use journal::{Event, Journal};
pub use memory::limit_sqlite_heap;
pub use power::{Image, PowerCut};
pub use scratch::Scratch;
pub use step::{Stage, Step};
