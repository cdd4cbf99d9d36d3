//! Mirrors `scheduler/held`.

mod heartbeat;
mod payloads;
mod ready;
mod settling;
mod timeouts;

use super::*;
