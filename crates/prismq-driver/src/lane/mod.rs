//! Lanes: what callers and workers write down, each record 32 bytes.

mod record;
mod writer;

pub use record::{HEADER_BYTES, Header, Kind, LaneError, RECORD_BYTES, Record, Role, read};
pub use writer::Lane;
pub(crate) use writer::{Flusher, open_all};

/// Most records that one call writes.
pub const MOST_AT_ONCE: usize = 64;
