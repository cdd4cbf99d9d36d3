//! How every connection to the file is set up, and what its settings read back as.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::queue::Durability;

const STATEMENT_CACHE: usize = 64;
const CACHE_KIB: i64 = 8 * 1024;

/// Opens an existing file to be read and written, without following links, and closes off what a
/// hostile file could make SQLite do.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    // A plan may not depend on what is bound: SQLite would else prepare a statement with `LIMIT ?` again each
    // time it runs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Lets a statement name a set of ids by one parameter.
    rusqlite::vtab::array::load_module(&connection)?;
    Ok(connection)
}

/// Settings of a connection to a file known to be a queue.
pub(super) fn configure(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", durability.synchronous())?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Rows that refer to a lane are only ever written with a lane just read or made.
    connection.pragma_update(None, "foreign_keys", false)?;
    Ok(())
}

/// Lets SQLite itself wait for rare locks, such as a recovery by another process.
pub(super) fn let_sqlite_wait(connection: &Connection, wait: Duration) -> rusqlite::Result<()> {
    // rusqlite panics where the milliseconds do not fit an i32.
    connection.busy_timeout(wait.min(Duration::from_secs(24 * 60 * 60)))
}

/// The settings that matter for durability and speed. `synchronous` is what a durable operation
/// commits with; the connection lowers it for claims in between.
pub(super) fn settings(
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
    ];
    let mut settings = Vec::with_capacity(names.len() + 2);
    connection.pragma_update(None, "synchronous", durability.synchronous())?;
    let level: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    settings.push(("synchronous".to_owned(), level.to_string()));
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
