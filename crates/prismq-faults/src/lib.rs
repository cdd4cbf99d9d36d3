#![doc = include_str!("../README.md")]

mod disk;
mod error;
mod power;
mod process;
mod scratch;
mod step;

pub use disk::journal::{Event, Journal};
pub use disk::{Call, Disk, Effect, Fault, Repeat};
pub use error::{Error, Result};
pub use power::{Image, PowerCut};
pub use process::{in_a_fork, limit_sqlite_heap};
pub use scratch::Scratch;
pub use step::{Stage, Step};
