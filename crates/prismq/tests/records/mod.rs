//! What tasks keep beyond their rows: failed attempts, results, what handlers note.

mod attempts;
mod notes;
mod results;

use rusqlite::Connection;

use crate::support::Fixture;

/// How many rows the tables of such records hold together.
fn rows(fixture: &Fixture) -> i64 {
    let file = Connection::open(fixture.path()).unwrap();
    let count =
        "SELECT (SELECT count(*) FROM prismq_attempt) + (SELECT count(*) FROM prismq_result)
                      + (SELECT count(*) FROM prismq_note) + (SELECT count(*) FROM prismq_log)";
    file.query_row(count, [], |row| row.get(0)).unwrap()
}
