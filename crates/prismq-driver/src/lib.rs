#![doc = include_str!("../README.md")]

pub mod clock;
pub mod lane;
pub mod message;
pub mod payload;
pub mod plan;
#[cfg(feature = "schema")]
pub mod schema;
pub mod sdk;

/// The version of the protocol.
pub const VERSION: u32 = 1;
