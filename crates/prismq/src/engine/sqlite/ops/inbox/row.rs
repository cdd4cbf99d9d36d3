//! The task that a row of the inbox describes.

use std::time::Duration;

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::model::limits::PAYLOAD_BYTES_MAX;
use crate::model::{Error, NewTask, Result, Unique};
use crate::time::{Moment, Timestamp};

macro_rules! rows {
    ($which:literal) => {
        concat!(
            "SELECT id, type, queue, priority, run_at, unixepoch(run_at, 'subsec'),
                    iif(octet_length(payload) <= ?2, payload, octet_length(payload)), unique_key, limit_name, key
             FROM prismq_inbox ",
            $which
        )
    };
}
pub(super) use rows;

/// The task that a row describes.
pub(super) fn task(row: &Row<'_>, now: Moment) -> Result<NewTask> {
    let payload = match column(row, 6)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        ValueRef::Integer(bytes) => {
            let reason = format!("{bytes} bytes, at most {PAYLOAD_BYTES_MAX} are allowed");
            return Err(Error::invalid("payload", reason));
        }
        ValueRef::Null | ValueRef::Real(_) => {
            return Err(Error::invalid("payload", "it must be text or a blob"));
        }
    };
    let priority = match column(row, 3)? {
        ValueRef::Integer(number) => i32::try_from(number).unwrap_or(i32::MAX),
        _ => return Err(Error::invalid("priority", "it must be an integer")),
    };
    let task = NewTask::new(text(row, 1, "task type")?, payload)
        .queue(text(row, 2, "queue name")?)
        .priority(priority)
        .delay(delay(row, now)?);
    let task = match column(row, 7)? {
        ValueRef::Null => task,
        _ => task.unique(Unique::key(text(row, 7, "unique key")?)),
    };
    let task = match column(row, 8)? {
        ValueRef::Null => task,
        _ => task.limit(text(row, 8, "limit name")?),
    };
    let task = match column(row, 9)? {
        ValueRef::Null => task,
        _ => task.key(text(row, 9, "key")?),
    };
    task.validate().map(|()| task)
}

/// How long after now the row is due.
fn delay(row: &Row<'_>, now: Moment) -> Result<Duration> {
    match (column(row, 4)?, column(row, 5)?) {
        (ValueRef::Null, _) => Ok(Duration::ZERO),
        // SQLite computes milliseconds, as a fraction that is not exact.
        (_, ValueRef::Real(seconds)) => {
            #[expect(clippy::cast_possible_truncation, reason = "years 0 to 9999 in milliseconds")]
            let due = Timestamp::from_micros((seconds * 1000.0).round() as i64 * 1000);
            Ok(due.since(now.wall))
        }
        _ => Err(Error::invalid("run_at", "it is not a time in ISO 8601")),
    }
}

fn text<'r>(row: &'r Row<'_>, index: usize, what: &'static str) -> Result<&'r str> {
    column(row, index)?.as_str().map_err(|_| Error::invalid(what, "it is not text in UTF-8"))
}

fn column<'r>(row: &'r Row<'_>, index: usize) -> Result<ValueRef<'r>> {
    Ok(row.get_ref(index)?)
}
