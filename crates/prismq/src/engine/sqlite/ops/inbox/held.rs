//! Rows of the inbox whose queue holds as many tasks as it may. They wait until it has room; looking whether it has
//! costs a seek for each queue of which rows are held, and claims look at least once a second while there are some.

use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, params};

use super::row::rows;
use super::{Entry, read_rows};
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::ops::enqueue::depth;
use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::writer::Writer;
use crate::model::Result;
use crate::model::limits::PAYLOAD_BYTES_MAX;
use crate::time::{Moment, Timestamp};

/// The next queue of which rows are held.
pub(crate) const NEXT_QUEUE: &str = "SELECT queue FROM prismq_inbox INDEXED BY prismq_inbox_held
     WHERE held = 1 AND queue > ?1 ORDER BY queue LIMIT 1";
/// The oldest rows that are held of a queue.
pub(crate) const HELD: &str =
    rows!("INDEXED BY prismq_inbox_held WHERE held = 1 AND queue = ?3 ORDER BY id LIMIT ?1");
/// Holds a row.
pub(crate) const HOLD: &str = "UPDATE prismq_inbox SET held = 1 WHERE id = ?1";

/// How often an idle claim looks again, in case nothing else has it look.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

impl Writer {
    /// Holds a row until its queue has room.
    pub(super) fn hold(&self, id: i64) -> Result<()> {
        self.execute(HOLD, [id]).map(drop)
    }

    /// The queues of which rows are held, each with how many more tasks it may hold. Their names are bytes, as a
    /// program may have written a text that is none: its row then goes on, to be refused.
    pub(super) fn held_queues(&self) -> Result<Vec<(Vec<u8>, i64)>> {
        let mut queues: Vec<(Vec<u8>, i64)> = Vec::new();
        loop {
            let last = queues.last().map(|(queue, _)| queue.as_slice()).unwrap_or_default();
            let next: Option<Vec<u8>> = self
                .prepare(NEXT_QUEUE)?
                .query_row([text(last)], |row| Ok(row.get_ref(0)?.as_bytes()?.to_vec()))
                .optional()
                .map_err(|error| self.failure(error))?;
            // A value that is no text, in a damaged file, is never passed.
            let Some(queue) = next.filter(|queue| *queue != last) else { return Ok(queues) };
            let room = match std::str::from_utf8(&queue) {
                Ok(name) => depth::room(&self.connection, &self.ledger, name),
                Err(_) => Ok(i64::MAX),
            };
            queues.push((queue, room.map_err(|error| self.failure(error))?));
        }
    }

    /// Adds the oldest rows that are held of each queue with room, as many as it has room for and a transaction moves.
    pub(super) fn held(&mut self, now: Moment, entries: &mut Vec<Entry>) -> Result<()> {
        for (queue, room) in self.held_queues()? {
            let room = usize::try_from(room).unwrap_or(0);
            if room == 0 {
                continue;
            }
            let before = entries.len();
            let most = room.min(STEP_TASKS_MAX - before);
            let limit = most.saturating_add(1);
            let read = self.prepare(HELD).and_then(|mut select| {
                let read = select
                    .query(params![limit, PAYLOAD_BYTES_MAX, text(&queue)])
                    .and_then(|mut rows| read_rows(&mut rows, now, most, entries));
                read.map_err(|error| self.failure(error))
            });
            let is_whole = read?;
            // There is room for more of them: in the next transaction.
            self.ledger.inbox_left |= !is_whole && entries.len() - before < room;
        }
        Ok(())
    }

    /// When a claim that finds nothing should look again for rows that are held.
    pub(crate) fn next_look_at_held(&self, now: Moment) -> Result<Option<Timestamp>> {
        if !self.ledger.features.has(Features::INBOX) {
            return Ok(None);
        }
        let is_held =
            self.prepare(NEXT_QUEUE)?.exists([text(b"")]).map_err(|error| self.failure(error))?;
        Ok(is_held.then(|| now.monotonic.after(LOOK_INTERVAL)))
    }
}

const fn text(bytes: &[u8]) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Text(bytes))
}
