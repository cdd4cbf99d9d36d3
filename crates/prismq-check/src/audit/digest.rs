//! The logical state of a file as one number.

use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// Every table of a queue, and the order in which its rows are read. Of the file's own row, its number and what an
/// opening notes of the machine's boot are left out, and so is which process recorded an attempt.
const TABLES: &[&str] = &[
    "SELECT one, next_id FROM prismq_meta ORDER BY one",
    "SELECT * FROM prismq_queue ORDER BY id",
    "SELECT * FROM prismq_lane ORDER BY id",
    "SELECT * FROM prismq_task ORDER BY id",
    "SELECT * FROM prismq_payload ORDER BY task",
    "SELECT * FROM prismq_kept ORDER BY task",
    "SELECT * FROM prismq_inbox ORDER BY id",
    "SELECT * FROM prismq_retention ORDER BY queue",
    "SELECT * FROM prismq_type_retention ORDER BY type",
    "SELECT * FROM prismq_removed ORDER BY queue",
    "SELECT * FROM prismq_cancel ORDER BY task",
    "SELECT * FROM prismq_schedule ORDER BY id",
    "SELECT * FROM prismq_slot ORDER BY place",
    "SELECT * FROM prismq_limit ORDER BY id",
    "SELECT * FROM prismq_key ORDER BY id",
    "SELECT * FROM prismq_line ORDER BY lane",
    "SELECT task, token, attempt, began_at, ended_at, worker, error, error_type FROM prismq_attempt ORDER BY task, token",
    "SELECT * FROM prismq_note ORDER BY task",
    "SELECT * FROM prismq_log ORDER BY task, number",
    "SELECT * FROM prismq_result ORDER BY task",
    "SELECT * FROM prismq_unique ORDER BY task",
    "SELECT * FROM prismq_expiry ORDER BY task",
    "SELECT * FROM prismq_expired ORDER BY queue",
    "SELECT * FROM prismq_depth ORDER BY queue",
    "SELECT * FROM prismq_retry ORDER BY type",
];

pub(super) fn of(connection: &Connection) -> rusqlite::Result<u64> {
    let mut hasher = DefaultHasher::new();
    for select in TABLES {
        hash_rows(connection, select, &mut hasher)?;
    }
    Ok(hasher.finish())
}

fn hash_rows(
    connection: &Connection,
    select: &str,
    hasher: &mut DefaultHasher,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(select)?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for index in 0..columns {
            match row.get_ref(index)? {
                ValueRef::Null => 0_u8.hash(hasher),
                ValueRef::Integer(integer) => integer.hash(hasher),
                ValueRef::Real(real) => real.to_bits().hash(hasher),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.hash(hasher),
            }
        }
    }
    columns.hash(hasher);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::TABLES;
    use crate::audit;

    #[test]
    fn every_table_of_a_queue_is_in_the_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        drop(prismq::Queue::open(&path).unwrap());
        let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'prismq%'";
        let tables: Vec<String> =
            audit::collect(&audit::open(&path).unwrap(), names, |row| row.get(0)).unwrap();
        let hashed =
            |table: &String| TABLES.iter().any(|select| select.contains(&format!("FROM {table} ")));
        let left_out: Vec<_> = tables.iter().filter(|table| !hashed(table)).collect();
        assert!(tables.len() > 20 && left_out.is_empty(), "{left_out:?}");
    }
}
