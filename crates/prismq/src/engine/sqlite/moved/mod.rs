//! A queue that was moved to a server: its file refuses to be used.
//!
//! A bit of the features, which every transaction reads, says that it was, so that handles that were open before are
//! refused as well, and others pay nothing.

#[cfg(feature = "postgres")]
mod parts;
#[cfg(feature = "postgres")]
mod source;

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

#[cfg(feature = "postgres")]
pub(crate) use self::source::MovingFile;
use super::error;
use super::schema::Features;
use crate::model::{Error, MigrationError, Result};

/// Where the queue was moved to, and whether that is complete.
const TARGET: &str = "SELECT target, complete FROM prismq_moved";

/// Refuses a file whose queue was moved, or is being moved.
pub(crate) fn refuse(path: &Path, connection: &Connection, features: Features) -> Result<()> {
    if !features.has(Features::MOVED) {
        return Ok(());
    }
    let row = connection.prepare_cached(TARGET).and_then(|mut select| {
        select.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    });
    let row: Option<(String, bool)> = row.map_err(|error| error::classify(path, error))?;
    let (path, (target, complete)) = (path.to_owned(), row.unwrap_or_default());
    let reason = match complete {
        true => MigrationError::Moved { path, target },
        false => MigrationError::InProgress { path, target },
    };
    Err(Error::Migration { reason })
}
