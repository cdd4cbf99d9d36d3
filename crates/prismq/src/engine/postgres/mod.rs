//! The engine in a PostgreSQL database.

#[allow(dead_code, unused_imports, reason = "the engine that calls it follows")]
mod client;

use std::sync::Arc;

pub(crate) use self::client::Address;
use self::client::Client;
use super::{Engine, ServerOptions};
use crate::model::{Error, Result};

/// Connects, and makes the tables if there are none.
pub(crate) fn open(options: ServerOptions) -> Result<Arc<dyn Engine>> {
    let ServerOptions { address, durability, wait, clock } = options;
    drop(clock);
    let server = format!("{address:?}");
    Client::open(address, durability, wait, |_| Ok(()))?;
    Err(Error::Refused { server, reason: "this version of prismq cannot use it yet".to_owned() })
}
