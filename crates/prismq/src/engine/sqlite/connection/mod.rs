//! Settings of every connection to the file, and reading them back.

pub(crate) mod application;
pub(crate) mod busy;
pub(crate) mod files;
pub(crate) mod poison;
mod wal_mark;

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::engine::sqlite::error;
use crate::model::{Durability, Error, Result};

/// More than there are statements: a process that uses every feature prepares none twice.
const STATEMENT_CACHE: usize = 256;
const CACHE_KIB: i64 = 8 * 1024;

/// Opens an existing file for reading and writing, without following links, and disables what a hostile file could
/// make SQLite execute.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    distrust(&connection)?;
    // Plans must not depend on bound values: SQLite would prepare a statement with `LIMIT ?` again each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Lets a statement take a set of ids as one parameter.
    rusqlite::vtab::array::load_module(&connection)?;
    Ok(connection)
}

/// Disables what a hostile file could make SQLite execute.
pub(crate) fn distrust(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    Ok(())
}

/// The path of a connection's file, for log lines.
pub(crate) fn path_of(connection: &Connection) -> String {
    connection.path().unwrap_or_default().to_owned()
}

/// Settings of a connection to a file known to be a queue.
pub(crate) fn configure(
    path: &Path,
    connection: &Connection,
    durability: Durability,
) -> Result<()> {
    let failure = |error| error::classify(path, error);
    let mode = use_journal(connection, "PRAGMA journal_mode = WAL").map_err(failure)?;
    if mode != "wal" {
        let reason = format!(
            "SQLite keeps its journal mode {mode} and cannot use a WAL: the filesystem must let processes \
             share memory and lock files"
        );
        return Err(Error::Unusable { path: path.to_owned(), reason });
    }
    set(connection, durability).map_err(failure)
}

/// Runs a pragma that switches to a journal mode, and returns the resulting one: another if SQLite cannot switch now.
pub(crate) fn use_journal(connection: &Connection, pragma: &str) -> rusqlite::Result<String> {
    let mut change = connection.prepare(pragma)?;
    let mut rows = change.query([])?;
    let mode = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?.get(0)?;
    // The switch is committed, or fails, after its first row.
    while rows.next()?.is_some() {}
    Ok(mode)
}

fn set(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", synchronous(durability))?;
    sync_fully(connection)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Rows that refer to a lane are written only with a lane that the transaction has read or added.
    connection.pragma_update(None, "foreign_keys", false)?;
    Ok(())
}

/// On macOS a plain sync leaves the data in the disk's own cache; elsewhere this changes nothing.
fn sync_fully(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)
}

/// The value of `PRAGMA synchronous` for it.
const fn synchronous(durability: Durability) -> &'static str {
    match durability {
        Durability::Full | Durability::Replicated => "FULL",
        Durability::Normal => "NORMAL",
    }
}

/// Lets SQLite itself wait for rare locks, such as a recovery by another process.
pub(crate) fn let_sqlite_wait(connection: &Connection, wait: Duration) -> rusqlite::Result<()> {
    // rusqlite panics where the milliseconds do not fit an i32.
    connection.busy_timeout(wait.min(Duration::from_secs(24 * 60 * 60)))
}

/// The settings that matter for durability and speed. `synchronous` is what a durable operation
/// commits with; the connection lowers it for claims in between.
pub(crate) fn settings(
    connection: &Connection,
    durability: Durability,
) -> rusqlite::Result<Vec<(String, String)>> {
    let names = [
        "journal_mode",
        "page_size",
        "auto_vacuum",
        "cache_size",
        "mmap_size",
        "wal_autocheckpoint",
        "temp_store",
        "cell_size_check",
        "fullfsync",
        "checkpoint_fullfsync",
    ];
    let mut settings = Vec::with_capacity(names.len() + 2);
    let level = || connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0));
    let before = level()?;
    connection.pragma_update(None, "synchronous", synchronous(durability))?;
    settings.push(("synchronous".to_owned(), level()?.to_string()));
    connection.pragma_update(None, "synchronous", before)?;
    for name in names {
        let value = connection
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))?;
        settings.push((name.to_owned(), text(&value)));
    }
    settings.push(("sqlite_version".to_owned(), rusqlite::version().to_owned()));
    Ok(settings)
}

fn text(value: &rusqlite::types::Value) -> String {
    use rusqlite::types::Value;
    match value {
        Value::Null => "null".to_owned(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_wal_is_refused() {
        let in_memory = Connection::open_in_memory().unwrap();
        let error = configure(Path::new("queue.db"), &in_memory, Durability::Full).unwrap_err();
        assert!(matches!(error, Error::Unusable { .. }), "{error:?}");
        assert!(error.to_string().contains("journal mode memory"), "{error}");
    }

    #[test]
    fn a_sync_reaches_the_disk_itself_on_macos_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let connection = Connection::open(&path).unwrap();
        configure(&path, &connection, Durability::Full).unwrap();
        let settings = settings(&connection, Durability::Full).unwrap();
        for name in ["fullfsync", "checkpoint_fullfsync"] {
            assert!(settings.contains(&(name.to_owned(), "1".to_owned())), "{settings:?}");
        }
    }
}
