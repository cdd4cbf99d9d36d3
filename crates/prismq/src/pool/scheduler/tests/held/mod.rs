//! Mirrors `scheduler/held`.

mod heartbeat;
mod notes;
mod payloads;
mod ready;
mod settling;
mod timeouts;

use super::*;
