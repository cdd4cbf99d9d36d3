//! Opens a subject as every round and every second process of the harness does.

use std::path::Path;
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::subject::{Durability, Engine, EngineKind, OpenOptions};

/// Delay of a retry after a failed attempt: soon, but not at once.
const RETRY: Duration = Duration::from_millis(20);

/// Opens or creates the database in this file, for a pool of up to this many workers.
///
/// # Errors
/// [`Error::Engine`].
pub fn open(
    kind: EngineKind,
    path: &Path,
    workers: usize,
    durability: Durability,
) -> Result<Box<dyn Engine>> {
    kind.open(path, OpenOptions { workers, retry: RETRY, durability })
        .map_err(Error::engine("open a database"))
}
