//! The inbox: rows that any program inserts become tasks.

mod pools;
mod refused;
mod room;
mod rows;

use rusqlite::Connection;

use crate::support::Fixture;

/// The connection of an application that does not use the library.
fn application(fixture: &Fixture) -> Connection {
    Connection::open(fixture.path()).unwrap()
}

/// How many rows wait, and how many were refused.
fn rows(fixture: &Fixture) -> (i64, i64) {
    let count = "SELECT count(*) - count(error), count(error) FROM prismq_inbox";
    application(fixture).query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}
