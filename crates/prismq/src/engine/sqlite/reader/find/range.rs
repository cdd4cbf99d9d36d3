//! The ranges of indexes that hold the tasks of one state: of a lane where the index begins with the lane, else of a
//! queue or of the whole file.

use std::collections::BinaryHeap;

use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::engine::sqlite::schema::state;

/// The states in the order in which they are gone through.
pub(super) const STATES: [i64; 9] = [
    state::DEAD,
    state::READY,
    state::SUSPECT,
    state::SCHEDULED,
    state::LEASED,
    state::COMPLETED,
    state::COMPLETED_BY_TYPE,
    state::CANCELLED,
    state::CANCELLED_BY_TYPE,
];

/// Tasks of one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) state: i64,
    /// The lane or the queue; 0 for a range of the whole file.
    pub(super) owner: i64,
}

macro_rules! of_tasks {
    ($state:literal, $key:literal, $lane:literal, $columns:literal) => {
        concat!(
            "SELECT ",
            $key,
            ", id, ",
            $columns,
            " FROM prismq_task WHERE state = ",
            $state,
            $lane,
            " AND (",
            $key,
            ", id) > (?2, ?3) ORDER BY ",
            $key,
            ", id LIMIT ?4"
        )
    };
}
macro_rules! rows {
    ($state:literal, $key:literal, $lane:literal) => {
        of_tasks!(
            $state, $key, $lane,
            "lane, token, enqueued_at, error,
             coalesce(length(payload), (SELECT length(data) FROM prismq_payload WHERE task = id), 0)"
        )
    };
}
macro_rules! ids {
    ($state:literal, $key:literal) => {
        of_tasks!($state, $key, " AND lane = ?1", "lane, 0, 0, NULL, 0")
    };
}
macro_rules! kept {
    ($state:literal, $columns:literal) => {
        concat!(
            "SELECT completion, task, ",
            $columns,
            " FROM prismq_kept WHERE queue = ?1 AND state = ",
            $state,
            " AND (completion, task) > (?2, ?3) ORDER BY completion, task LIMIT ?4"
        )
    };
}
macro_rules! kept_rows {
    ($state:literal) => {
        kept!(
            $state,
            "lane, 0, completed_at, error,
             coalesce(length(payload), (SELECT length(data) FROM prismq_payload WHERE prismq_payload.task = prismq_kept.task), 0)"
        )
    };
}

/// Rows of a range: key, id, lane, token, time, error, bytes of the payload.
const ROWS: [(i64, &str); 8] = [
    (state::DEAD, rows!("3", "run_at", " AND lane = ?1")),
    (state::READY, rows!("0", "order_key", " AND lane = ?1")),
    (state::SUSPECT, rows!("5", "order_key", " AND lane = ?1")),
    (state::SCHEDULED, rows!("1", "run_at", " AND ?1 = 0")),
    (state::COMPLETED, kept_rows!("4")),
    (state::CANCELLED, kept_rows!("6")),
    (state::COMPLETED_BY_TYPE, kept_rows!("7")),
    (state::CANCELLED_BY_TYPE, kept_rows!("8")),
];
/// The same from the index alone: key, id and lane, and 0 for the lane where all are meant.
const IDS: [(i64, &str); 7] = [
    (state::DEAD, ids!("3", "run_at")),
    (state::READY, ids!("0", "order_key")),
    (state::SUSPECT, ids!("5", "order_key")),
    (state::COMPLETED, kept!("4", "0, 0, 0, NULL, 0")),
    (state::CANCELLED, kept!("6", "0, 0, 0, NULL, 0")),
    (state::COMPLETED_BY_TYPE, kept!("7", "0, 0, 0, NULL, 0")),
    (state::CANCELLED_BY_TYPE, kept!("8", "0, 0, 0, NULL, 0")),
];
/// Ids of leased tasks, in the order of their expiry, which heartbeats change.
pub(crate) const LEASED_IDS: &str = "SELECT id FROM prismq_task WHERE state = 2";
/// A leased task, as [`ROWS`] has it.
pub(crate) const LEASED: &str = "SELECT 0, id, lane, token, enqueued_at, error,
            coalesce(length(payload), (SELECT length(data) FROM prismq_payload WHERE task = id), 0)
     FROM prismq_task WHERE id = ?1 AND state = 2";

impl Range {
    /// Its place among all ranges.
    pub(super) fn number(self) -> (u8, i64) {
        let place = STATES.iter().position(|state| *state == self.state).unwrap_or(STATES.len());
        (u8::try_from(place).unwrap_or(u8::MAX), self.owner)
    }

    /// Whether it holds the tasks of all lanes of a queue.
    pub(super) const fn is_of_queue(self) -> bool {
        state::is_kept(self.state)
    }

    /// What reads it, of its index alone if that is enough.
    pub(super) fn select(self, index_only: bool) -> &'static str {
        let of = |selects: &[(i64, &'static str)]| {
            selects.iter().find(|(state, _)| *state == self.state).map(|(_, select)| *select)
        };
        let ids = if index_only { of(&IDS) } else { None };
        ids.or_else(|| of(&ROWS)).unwrap_or(LEASED)
    }
}

/// The lowest ids of leased tasks above this one. In the order of ids, as heartbeats move tasks in the index while it
/// is gone through; no more tasks are leased than workers and their pools hold.
pub(super) fn leased_after(connection: &Connection, after: i64, limit: usize) -> Result<Vec<i64>> {
    let mut lowest = BinaryHeap::with_capacity(limit + 1);
    let mut select = connection.prepare_cached(LEASED_IDS)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        if id > after {
            lowest.push(id);
            if lowest.len() > limit {
                lowest.pop();
            }
        }
    }
    Ok(lowest.into_sorted_vec())
}

/// A task, if it is leased.
pub(super) fn leased<T>(
    connection: &Connection,
    id: i64,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    connection.prepare_cached(LEASED)?.query_row([id], read).optional()
}

/// Every statement of a search, for the proof that each seeks.
#[cfg(test)]
pub(crate) fn statements() -> impl Iterator<Item = &'static str> {
    let of = |selects: &'static [(i64, &'static str)]| selects.iter().map(|(_, select)| *select);
    of(&ROWS).chain(of(&IDS)).chain([LEASED])
}
