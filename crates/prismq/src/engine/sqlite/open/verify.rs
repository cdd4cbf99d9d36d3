//! Verifying that a file is an undamaged queue of this version, and creating the schema in an empty one.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::engine::sqlite::connection::files::Identity;
use crate::engine::sqlite::{error, schema};
use crate::model::{Error, Result};

/// Whether the file is empty; an error if it is neither empty nor an undamaged queue of this version.
pub(super) fn verify(path: &Path, connection: &Connection) -> Result<bool> {
    let failure = |error| error::classify(path, error);
    let (application_id, version, empty) = schema::identity(connection).map_err(failure)?;
    if application_id == 0 && version == 0 && empty {
        return Ok(true);
    }
    if application_id != schema::APPLICATION_ID {
        return Err(Error::Foreign { path: path.to_owned(), application_id });
    }
    schema::refuse_newer(path, version)?;
    if version < 1 {
        let reason = format!("its schema version is {version}");
        return Err(Error::Corrupt { path: path.to_owned(), reason });
    }
    if version < schema::VERSION {
        return Err(Error::SchemaTooOld {
            path: path.to_owned(),
            found: version,
            supported: schema::VERSION,
        });
    }
    match schema::damage(connection).map_err(failure)? {
        Some(reason) => Err(Error::Corrupt { path: path.to_owned(), reason }),
        None => Ok(false),
    }
}

/// Creates the schema in an empty file.
pub(super) fn create_queue(path: &Path, identity: Identity, connection: &Connection) -> Result<()> {
    let failure = |error| error::classify(path, error);
    // Effective only in an empty file.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(failure)?;
    connection.execute_batch("BEGIN IMMEDIATE").map_err(failure)?;
    // Under the lock, as another process may have created the schema meanwhile, or removed the file.
    let created = match identity.still_at(path) {
        true => schema::create(connection)
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
