//! Queues in other processes: a *driver* embeds a queue of any language and obeys this harness, by the protocol of
//! `prismq-driver`, which `benches/DRIVERS.md` describes.
//!
//! A [`Driver`] is started with all bounds kept and ended with all it started; a [`Session`] is an open queue of one.
//! What a driver did is read from its [`Lanes`], which are memory of this process and outlive it.

mod driver;
mod error;
mod family;
mod lanes;
mod launch;
mod manifest;
mod memory;
mod round;
mod session;
mod strace;
mod talk;
pub mod usage;

pub use driver::{Bounds, Driver, Ended};
pub use error::{DriverError, Result};
pub use family::{Family, Usage};
pub use lanes::Lanes;
pub use launch::Launch;
pub use manifest::{Manifest, ManifestError};
pub use memory::Memory;
pub use round::{Round, uniform};
pub use session::{Crew, Session};
pub use strace::{Syncs, Unavailable, availability};
