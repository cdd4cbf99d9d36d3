//! The version of the file, its schema, and what is checked when it is opened.

mod features;
pub(crate) mod state;

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

pub(crate) use self::features::Features;
use crate::model::Error;

/// The application id in the header of a file that was created for a queue alone: the letters `PRMQ`.
pub(crate) const APPLICATION_ID: i32 = 0x5052_4D51;

/// The version this code reads and writes, kept in `prismq_meta`. No earlier one was published, so none is migrated.
pub(crate) const VERSION: i32 = 3;
/// The tables, one file for those of each feature.
const SCHEMA: &[&str] = &[
    include_str!("core.sql"),
    include_str!("inbox.sql"),
    include_str!("limits.sql"),
    include_str!("manage.sql"),
    include_str!("schedule.sql"),
    include_str!("records.sql"),
    include_str!("unique.sql"),
    include_str!("depth.sql"),
    include_str!("expiry.sql"),
    include_str!("retry.sql"),
];

/// What every file of the current version contains.
const OBJECTS: &[&str] = &[
    "prismq_meta",
    "prismq_queue",
    "prismq_lane",
    "prismq_task",
    "prismq_payload",
    "prismq_task_ready",
    "prismq_task_scheduled",
    "prismq_task_leased",
    "prismq_task_suspect",
    "prismq_task_dead",
    "prismq_kept",
    "prismq_kept_order",
    "prismq_inbox",
    "prismq_inbox_waiting",
    "prismq_inbox_held",
    "prismq_inbox_in_use",
    "prismq_retention",
    "prismq_type_retention",
    "prismq_removed",
    "prismq_cancel",
    "prismq_schedule",
    "prismq_schedule_next",
    "prismq_schedule_decided",
    "prismq_slot",
    "prismq_limit",
    "prismq_key",
    "prismq_key_due",
    "prismq_key_idle",
    "prismq_line",
    "prismq_line_open",
    "prismq_attempt",
    "prismq_note",
    "prismq_log",
    "prismq_result",
    "prismq_unique",
    "prismq_unique_key",
    "prismq_depth",
    "prismq_expiry",
    "prismq_expiry_look",
    "prismq_expired",
    "prismq_retry",
];

/// Reads the first page of every table and index a queue works with, so that a damaged root is
/// found before the first write.
const TOUCH: &[&str] = &[
    "SELECT number FROM prismq_meta",
    "SELECT name FROM prismq_queue LIMIT 1",
    "SELECT type FROM prismq_lane LIMIT 1",
    "SELECT order_key FROM prismq_task INDEXED BY prismq_task_ready WHERE state = 0 LIMIT 1",
    "SELECT run_at FROM prismq_task INDEXED BY prismq_task_scheduled WHERE state = 1 LIMIT 1",
    "SELECT lease_expires_at FROM prismq_task INDEXED BY prismq_task_leased WHERE state = 2 LIMIT 1",
    "SELECT order_key FROM prismq_task INDEXED BY prismq_task_suspect WHERE state = 5 LIMIT 1",
    "SELECT id FROM prismq_task INDEXED BY prismq_task_dead WHERE state = 3 LIMIT 1",
    "SELECT task FROM prismq_payload LIMIT 1",
    "SELECT id FROM prismq_inbox LIMIT 1",
    "SELECT id FROM prismq_inbox INDEXED BY prismq_inbox_waiting WHERE error IS NULL LIMIT 1",
    "SELECT id FROM prismq_inbox INDEXED BY prismq_inbox_held WHERE held = 1 LIMIT 1",
    "SELECT completion FROM prismq_kept INDEXED BY prismq_kept_order ORDER BY queue, state, completion LIMIT 1",
    "SELECT dead FROM prismq_retention LIMIT 1",
    "SELECT age FROM prismq_type_retention LIMIT 1",
    "SELECT deleted FROM prismq_removed LIMIT 1",
    "SELECT token FROM prismq_cancel LIMIT 1",
    "SELECT name FROM prismq_schedule LIMIT 1",
    "SELECT next_at FROM prismq_schedule INDEXED BY prismq_schedule_next WHERE next_at IS NOT NULL LIMIT 1",
    "SELECT decided_at FROM prismq_schedule INDEXED BY prismq_schedule_decided WHERE next_at IS NOT NULL LIMIT 1",
    "SELECT slot FROM prismq_slot LIMIT 1",
    "SELECT name FROM prismq_limit LIMIT 1",
    "SELECT name FROM prismq_key LIMIT 1",
    "SELECT due_at FROM prismq_key INDEXED BY prismq_key_due WHERE due_at IS NOT NULL LIMIT 1",
    "SELECT idle_at FROM prismq_key INDEXED BY prismq_key_idle WHERE idle_at IS NOT NULL LIMIT 1",
    "SELECT turn FROM prismq_line INDEXED BY prismq_line_open WHERE state = 1 LIMIT 1",
    "SELECT attempt FROM prismq_attempt LIMIT 1",
    "SELECT task FROM prismq_note LIMIT 1",
    "SELECT number FROM prismq_log LIMIT 1",
    "SELECT task FROM prismq_result LIMIT 1",
    "SELECT task FROM prismq_unique LIMIT 1",
    "SELECT key FROM prismq_unique INDEXED BY prismq_unique_key ORDER BY type, key LIMIT 1",
    "SELECT most FROM prismq_depth LIMIT 1",
    "SELECT start_by FROM prismq_expiry LIMIT 1",
    "SELECT look_at FROM prismq_expiry INDEXED BY prismq_expiry_look ORDER BY look_at LIMIT 1",
    "SELECT count FROM prismq_expired LIMIT 1",
    "SELECT initial FROM prismq_retry LIMIT 1",
];

/// What a file is, as far as a queue is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// No table, and an empty header.
    Empty,
    /// A queue of this version, or a newer or damaged one.
    Queue { version: i32 },
    /// A queue of an earlier version, from before it could share its file with an application.
    OldQueue { version: i32 },
    /// A database of an application that holds no queue.
    Application { application_id: i32 },
}

/// What the file is: by one statement, so that all is of one moment while another process creates the tables.
pub(crate) fn content(connection: &Connection) -> rusqlite::Result<Content> {
    let (application_id, user_version, empty, has_queue) = connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id),
                (SELECT user_version FROM pragma_user_version),
                NOT EXISTS (SELECT 1 FROM sqlite_schema),
                EXISTS (SELECT 1 FROM pragma_table_info('prismq_meta') WHERE name = 'version')",
        [],
        |row| Ok((row.get(0)?, row.get::<_, i32>(1)?, row.get(2)?, row.get(3)?)),
    )?;
    Ok(match (application_id, user_version, empty, has_queue) {
        (_, _, _, true) => Content::Queue { version: meta(connection)?.0 },
        (0, 0, true, _) => Content::Empty,
        (APPLICATION_ID, 1.., _, _) => Content::OldQueue { version: user_version },
        _ => Content::Application { application_id },
    })
}

/// The version of the queue's tables, and the features in use. A queue that lost its row is read as one of this version,
/// so that damage fails what needs the row and nothing else.
pub(crate) fn meta(connection: &Connection) -> rusqlite::Result<(i32, Features)> {
    let row = connection
        .prepare_cached("SELECT version, features FROM prismq_meta")?
        .query_row([], |row| Ok((row.get(0)?, Features(row.get(1)?))))
        .optional()?;
    Ok(row.unwrap_or((VERSION, Features::default())))
}

/// Refuses a version that this code does not know.
pub(crate) fn refuse_newer(path: &Path, found: i32) -> Result<(), Error> {
    if found > VERSION {
        return Err(Error::SchemaTooNew { path: path.to_owned(), found, supported: VERSION });
    }
    Ok(())
}

/// The name of a table or another object that is not a queue's and has a name of one, in a database without a queue.
pub(crate) fn taken_name(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let find = "SELECT name FROM sqlite_schema WHERE lower(name) GLOB 'prismq_*' LIMIT 1";
    connection.query_row(find, [], |row| row.get(0)).optional()
}

/// Adds the queue's tables inside the transaction in progress, unless the file has them. One that is created for the
/// queue alone is marked as such in its header.
pub(crate) fn create(connection: &Connection, own_file: bool) -> rusqlite::Result<()> {
    if matches!(content(connection)?, Content::Queue { .. }) {
        return Ok(());
    }
    for tables in SCHEMA {
        connection.execute_batch(tables)?;
    }
    connection.execute(
        "INSERT INTO prismq_meta (one, version, own_file, next_id, number)
         VALUES (1, ?1, ?2, 1, random())",
        params![VERSION, own_file],
    )?;
    if own_file {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(())
}

/// Whether the file was created for the queue alone.
pub(crate) fn is_own_file(connection: &Connection) -> rusqlite::Result<bool> {
    let own = connection.query_row("SELECT own_file FROM prismq_meta", [], |row| row.get(0));
    Ok(own.optional()?.unwrap_or(false))
}

/// A number that changes when a backup is restored into the file, or its schema is migrated.
pub(crate) fn schema_cookie(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA schema_version")?.query_row([], |row| row.get(0))
}

/// The random number drawn for this file when it was created.
pub(crate) fn file_number(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT number FROM prismq_meta")?.query_row([], |row| row.get(0))
}

/// What is wrong with a file of the current version; `None` if nothing is found.
pub(crate) fn damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    for object in OBJECTS {
        let mut find = connection.prepare(
            "SELECT 1 FROM sqlite_schema WHERE name = ?1 AND type IN ('table', 'index', 'trigger')",
        )?;
        if !find.exists([object])? {
            return Ok(Some(format!("{object} is missing from its schema")));
        }
    }
    for select in TOUCH {
        connection.prepare(select)?.exists([])?;
    }
    Ok(None)
}
