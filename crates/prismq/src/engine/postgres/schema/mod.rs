//! The tables, made and brought up to date when a queue is opened.

use super::batch::queues::missing;
use super::batch::statements::{Statements, quoted};
use super::client::{Columns, Transaction};
use crate::model::{Error, Result};

/// The version of the tables that this library reads and writes.
pub(crate) const VERSION: i32 = 1;

/// The tables, a file a feature.
const TABLES: [&str; 11] = [
    include_str!("core.sql"),
    include_str!("records.sql"),
    include_str!("manage.sql"),
    include_str!("expiry.sql"),
    include_str!("retry.sql"),
    include_str!("unique.sql"),
    include_str!("inbox.sql"),
    include_str!("retention.sql"),
    include_str!("migration.sql"),
    include_str!("limits.sql"),
    include_str!("schedule.sql"),
];

/// The names of all tables.
#[cfg(test)]
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    let created =
        |line: &'static str| Some(line.strip_prefix("CREATE ")?.split_once("TABLE prismq.")?.1);
    TABLES
        .iter()
        .flat_map(|script| script.lines())
        .filter_map(created)
        .filter_map(|name| name.split(' ').next())
}

/// Keeps other processes from making the tables at the same time, in any schema.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('prismq migration', 0))";
/// Whether there are tables in a schema. Its snapshot is new, unlike the session's cache that `to_regclass` asks, which
/// may hold from before the lock that there are none.
const EXISTS: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'meta')";
/// Makes a schema; its name follows.
const CREATE_SCHEMA: &str = "CREATE SCHEMA ";
/// The version of the tables.
const READ_VERSION: &str = "SELECT version FROM prismq.meta";
/// Whether a queue is being moved to this schema.
const IS_MOVING: &str = "SELECT EXISTS (SELECT FROM prismq.migration WHERE NOT complete)";
/// Records that the tables are there.
const ADD_META: &str = "INSERT INTO prismq.meta (version, number) VALUES ($1, $2)";

/// Makes the tables in this schema if there are none, or refuses those of another version, and those to which a queue is
/// being moved.
pub(crate) fn migrate(transaction: &mut Transaction<'_>, schema: &str) -> Result<()> {
    make(transaction, schema)?;
    refuse_moving(transaction, &Statements::new(schema))
}

/// Refuses a schema to which a queue is being moved.
pub(crate) fn refuse_moving(
    transaction: &mut Transaction<'_>,
    statements: &Statements,
) -> Result<()> {
    let is_moving = transaction.query(&statements.text(IS_MOVING), &[])?;
    match is_moving.first().map_or(Ok(false), |row| row.column(0))? {
        true => Err(moving(statements.schema())),
        false => Ok(()),
    }
}

/// A queue is being moved to this schema, and nobody uses it before that is complete.
pub(crate) fn moving(schema: &str) -> Error {
    let reason = "a queue is being moved to it: let the migration finish or start it again, or drop the schema";
    refused(schema, reason.to_owned())
}

/// Makes the tables in this schema if there are none, or refuses those of another version.
///
/// A role that may not create a schema can use one that is there, empty or with the tables.
pub(crate) fn make(transaction: &mut Transaction<'_>, schema: &str) -> Result<()> {
    let statements = Statements::new(schema);
    if !exists(transaction, schema)? {
        transaction.query(LOCK, &[])?;
        // Another process may have made them while this one waited.
        if !exists(transaction, schema)? {
            return create(transaction, schema, &statements);
        }
    }
    let rows = transaction.query(&statements.text(READ_VERSION), &[])?;
    let found: i32 = rows.first().ok_or_else(|| missing("the row of prismq.meta"))?.column(0)?;
    match found {
        VERSION => Ok(()),
        found => Err(refused(
            schema,
            format!(
                "its tables have version {found}, this version reads {VERSION}: use the version of prismq that made them"
            ),
        )),
    }
}

fn refused(schema: &str, reason: String) -> Error {
    Error::Refused { server: format!("of the schema {schema:?}"), reason }
}

fn exists(transaction: &mut Transaction<'_>, schema: &str) -> Result<bool> {
    let rows = transaction.query(EXISTS, &[&schema])?;
    rows.first().map_or(Ok(false), |row| row.column(0))
}

fn create(transaction: &mut Transaction<'_>, schema: &str, statements: &Statements) -> Result<()> {
    let found = transaction
        .query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", &[&schema])?;
    if found.is_empty() {
        let mut create_schema = CREATE_SCHEMA.to_owned();
        create_schema += &quoted(schema);
        transaction.run_script(&create_schema)?;
    }
    for tables in TABLES {
        transaction.run_script(&statements.qualified(tables))?;
    }
    let number = fastrand::i64(..);
    transaction.query(&statements.text(ADD_META), &[&VERSION, &number]).map(drop)
}
