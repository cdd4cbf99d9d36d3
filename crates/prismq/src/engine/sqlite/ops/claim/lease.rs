//! Leasing picked tasks by one statement.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Row, params};

use super::fit::is_out_of_line;
use super::pick::Picked;
use crate::engine::sqlite::batch::lanes::Lane;
use crate::engine::sqlite::batch::lease_note::LeaseNote;
use crate::engine::sqlite::error;
use crate::engine::sqlite::ops::dead_letters::damaged_rows;
use crate::engine::sqlite::writer::Writer;
use crate::model::{Lease, LeaseKey, Payload, Result, TaskId};
use crate::time::{Moment, Timestamp};

/// Leases tasks by id.
pub(crate) const LEASE: &str =
    "UPDATE prismq_task SET state = 2, token = token + 1, attempt = attempt + 1,
                     lease_expires_at = ?2, begun = ?3
     WHERE id IN (SELECT value FROM rarray(?1))
     RETURNING id, token, attempt, max_attempts, priority, enqueued_at, payload";
/// Indexes of columns that [`LEASE`] returns.
pub(crate) const ATTEMPT: usize = 2;
pub(crate) const MAX_ATTEMPTS: usize = 3;
pub(crate) const PRIORITY: usize = 4;

/// The result of leasing picked tasks.
#[derive(Debug, Default)]
pub(super) struct Leased {
    pub(super) leases: Vec<Lease>,
    pub(super) dead_lettered: DeadLettered,
}

/// How many tasks could not be leased and became dead letters.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct DeadLettered {
    pub(super) tasks: usize,
    /// How many of them were suspects.
    pub(super) suspects: usize,
}

impl DeadLettered {
    pub(super) const fn add(&mut self, more: Self) {
        self.tasks += more.tasks;
        self.suspects += more.suspects;
    }
}

impl Writer {
    /// Leases the picked tasks by one statement, and returns them in the order of picking. Payloads stored out of
    /// line are left to be read by the other connection.
    pub(super) fn lease(
        &self,
        lanes: &[(Lane, Arc<str>)],
        picked: &[Picked],
        claimed_at: Timestamp,
        expires_at: Moment,
        queue: &Arc<str>,
        begun: bool,
    ) -> Result<Leased> {
        if picked.is_empty() {
            return Ok(Leased::default());
        }
        let ids: Rc<Vec<Value>> = Rc::new(picked.iter().map(|picked| picked.id.into()).collect());
        let mut update = self.prepare(LEASE)?;
        // SQLite returns the rows in an unspecified order.
        let mut by_id: Vec<(i64, usize)> =
            picked.iter().enumerate().map(|(place, picked)| (picked.id, place)).collect();
        by_id.sort_unstable();
        let mut inline = Vec::new();
        let mut damaged: Vec<(i64, bool, String)> = Vec::new();
        let mut parts: Vec<(usize, Range<usize>, Lease)> = Vec::with_capacity(picked.len());
        let until = expires_at.monotonic.as_micros();
        let file = self.file_number();
        let updated = update.query(params![ids.clone(), until, begun]).and_then(|mut rows| {
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                let found = by_id.binary_search_by_key(&id, |(id, _)| *id).ok();
                let Some((_, place)) = found.and_then(|index| by_id.get(index)) else {
                    return Err(rusqlite::Error::IntegralValueOutOfRange(0, id));
                };
                let of = picked.get(*place);
                let Some((picked, (lane, task_type))) =
                    of.and_then(|picked| Some((picked, lanes.get(picked.lane)?)))
                else {
                    return Err(rusqlite::Error::IntegralValueOutOfRange(0, id));
                };
                let start = inline.len();
                let bytes = row.get_ref(6)?.as_blob_or_null()?;
                inline.extend_from_slice(bytes.unwrap_or_default());
                let limited_lane = picked.limited_lane;
                let out_of_line = bytes.is_none();
                let note = LeaseNote { file, queue: lane.queue, out_of_line, limited_lane };
                let id_of = TaskId::from_i64(id);
                let limited = limited_lane != 0;
                let key = LeaseKey { id: id_of, token: row.get(1)?, limited, note: note.into() };
                match lease(row, key, (queue, task_type), picked, claimed_at, expires_at) {
                    Ok(lease) => parts.push((*place, start..inline.len(), lease)),
                    Err(error) => {
                        damaged.push((id, picked.suspect, damaged_rows::reason(row, &error)));
                    }
                }
            }
            Ok(())
        });
        if let Err(error) = updated {
            drop(update);
            let overflow = error::is_overflow(&error);
            let exhausted = if overflow { self.dead_letter_exhausted(ids)? } else { Vec::new() };
            if exhausted.is_empty() {
                return Err(self.failure(error));
            }
            let suspects =
                picked.iter().filter(|task| task.suspect && exhausted.contains(&task.id));
            let dead_lettered = DeadLettered { tasks: exhausted.len(), suspects: suspects.count() };
            return Ok(Leased { leases: Vec::new(), dead_lettered });
        }
        for (id, _, reason) in &damaged {
            self.dead_letter(*id, reason)?;
        }
        let suspects = damaged.iter().filter(|(_, suspect, _)| *suspect).count();
        let dead_lettered = DeadLettered { tasks: damaged.len(), suspects };
        let inline = Arc::new(inline);
        parts.sort_unstable_by_key(|(place, _, _)| *place);
        let leases = parts
            .into_iter()
            .map(|(_, range, lease)| match is_out_of_line(&lease) {
                true => lease,
                false => Lease { payload: Payload::part(inline.clone(), range), ..lease },
            })
            .collect();
        Ok(Leased { leases, dead_lettered })
    }
}

fn lease(
    row: &Row<'_>,
    key: LeaseKey,
    (queue, task_type): (&Arc<str>, &Arc<str>),
    picked: &Picked,
    claimed_at: Timestamp,
    expires_at: Moment,
) -> rusqlite::Result<Lease> {
    Ok(Lease {
        key,
        queue: queue.clone(),
        task_type: task_type.clone(),
        payload: Payload::unread(),
        priority: row.get(PRIORITY)?,
        order_key: picked.key,
        attempt: positive(row, ATTEMPT)?,
        max_attempts: positive(row, MAX_ATTEMPTS)?,
        enqueued_at: Timestamp::from_micros(row.get(5)?),
        claimed_at,
        expires_at,
        suspect: picked.suspect,
        scheduled_for: None,
        start_by: None,
    })
}

fn positive(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    match row.get(column)? {
        0 => Err(rusqlite::Error::IntegralValueOutOfRange(column, 0)),
        number => Ok(number),
    }
}
