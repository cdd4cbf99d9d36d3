//! Verifying that a file is an undamaged queue of this version, and adding the tables to one that has none.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::path::unusable;
use crate::engine::sqlite::connection::files::Identity;
use crate::engine::sqlite::schema::Content;
use crate::engine::sqlite::{error, schema};
use crate::model::{Error, Result};

/// What opening has to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It is an undamaged queue of this version.
    Queue,
    /// The queue's tables must be added.
    NoQueue {
        /// Whether the file is to hold nothing else.
        own_file: bool,
    },
}

/// Verifies that the file is a queue or can become one: an empty file, and with `attach` a database of an application.
pub(super) fn verify(path: &Path, connection: &Connection, attach: bool) -> Result<Found> {
    let failure = |error| error::classify(path, error);
    match schema::content(connection).map_err(failure)? {
        Content::Empty => Ok(Found::NoQueue { own_file: !attach }),
        Content::Application { .. } if attach => {
            match schema::taken_name(connection).map_err(failure)? {
                Some(name) => {
                    let reason = format!(
                        "it has {name:?} but holds no queue: rename that, or restore a backup if there was one"
                    );
                    Err(unusable(path, reason))
                }
                None => Ok(Found::NoQueue { own_file: false }),
            }
        }
        Content::Application { application_id } => {
            Err(Error::Foreign { path: path.to_owned(), application_id })
        }
        Content::OldQueue { version } => Err(too_old(path, version)),
        Content::Queue { version } => {
            schema::refuse_newer(path, version)?;
            if version < 1 {
                let reason = format!("its schema version is {version}");
                return Err(Error::Corrupt { path: path.to_owned(), reason });
            }
            if version < schema::VERSION {
                return Err(too_old(path, version));
            }
            match schema::damage(connection).map_err(failure)? {
                Some(reason) => Err(Error::Corrupt { path: path.to_owned(), reason }),
                None => Ok(Found::Queue),
            }
        }
    }
}

fn too_old(path: &Path, found: i32) -> Error {
    Error::SchemaTooOld { path: path.to_owned(), found, supported: schema::VERSION }
}

/// Adds the queue's tables to a file that has none.
pub(super) fn create_queue(
    path: &Path,
    identity: Identity,
    connection: &Connection,
    own_file: bool,
) -> Result<()> {
    let failure = |error| error::classify(path, error);
    if own_file {
        // Effective only in an empty file. The map of pages it keeps lets SQLite free the pages of a large payload
        // without reading them.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(failure)?;
    }
    connection.execute_batch("BEGIN IMMEDIATE").map_err(failure)?;
    // Under the lock, as another process may have created the schema meanwhile, or removed the file.
    let created = match identity.still_at(path) {
        true => schema::create(connection, own_file)
            .and_then(|()| connection.execute_batch("COMMIT"))
            .map_err(failure),
        false => Err(Error::Moved { path: path.to_owned() }),
    };
    if created.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(failure)?;
    }
    created
}

pub(super) fn keep_wal_on_close(connection: &Connection, keep: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map(drop)
}
