//! Taking ready tasks: a seek into each lane, merged by order key.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Row, params};

use super::SqliteStore;
use super::lanes::Lane;
use crate::clock::{Moment, Timestamp};
use crate::error::Result;
use crate::lease::{Claim, Lease, LeaseKey, Payload};
use crate::store::{Claimed, Store as _};
use crate::task::TaskId;

/// Reads places in a lane, in order.
pub(super) const READY_AFTER: &str = "SELECT order_key, id FROM task
     WHERE state = 0 AND lane = ?1 AND (order_key, id) > (?2, ?3)
     ORDER BY order_key, id LIMIT ?4";
/// Leases tasks by their ids.
pub(super) const LEASE: &str =
    "UPDATE task SET state = 2, token = token + 1, attempt = attempt + 1,
                     lease_expires_at = ?2, begun = ?3
     WHERE id IN (SELECT value FROM rarray(?1))
     RETURNING id, token, attempt, max_attempts, priority, enqueued_at, payload";
/// Looks for one ready task in a lane of a queue that is not paused.
pub(super) const HAS_READY: &str = "SELECT 1 FROM task WHERE state = 0 AND lane = ?1
     AND (SELECT NOT paused FROM queue WHERE id = ?2) LIMIT 1";

/// Tasks read from a lane at a time while several lanes are merged.
const MERGE_CHUNK: usize = 32;

/// A ready task's place: its order key, and its id where keys are equal.
type Place = (i64, i64);

/// A task to be leased, and the index of its lane among those of the claim.
#[derive(Debug, Clone, Copy)]
struct Picked {
    key: i64,
    id: i64,
    lane: usize,
}

impl SqliteStore {
    /// Leases up to the asked number of tasks, in order.
    pub(super) fn claim(&mut self, now: Moment, claim: &Claim) -> Result<Claimed> {
        let mut lanes = self.lanes_of(claim)?;
        if let Some((lane, _)) = lanes.first()
            && self.settings_of(lane.queue)?.paused
        {
            lanes.clear();
        }
        let picked = self.pick(&lanes, claim.max)?;
        if let (Some((lane, _)), Some(last)) = (lanes.first(), picked.last()) {
            let moved = self.ledger.queues.claimed(&self.connection, lane.queue, last.key);
            moved.map_err(|error| self.failure(error))?;
        }
        let begun = picked.len() <= claim.begun_max;
        let leases = self.lease(&lanes, &picked, now.after(claim.lease), begun)?;
        if let Some((lane, _)) = lanes.first() {
            let count = i64::try_from(leases.len()).unwrap_or(i64::MAX);
            let counters = self.ledger.counters.of(lane.queue);
            counters.ready -= count;
            counters.leased += count;
        }
        if leases.len() == claim.max {
            return Ok(Claimed { leases, ..Claimed::default() });
        }
        Ok(Claimed { leases, next_due: self.next_due()?, version: self.version()? })
    }

    /// Whether a claim would find a task.
    pub(super) fn has_ready(&mut self, claim: &Claim) -> Result<bool> {
        for (lane, _) in self.lanes_of(claim)? {
            let mut select = self.prepare(HAS_READY)?;
            if select.exists([lane.id, lane.queue]).map_err(|error| self.failure(error))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The lanes a claim may take from.
    fn lanes_of(&mut self, claim: &Claim) -> Result<Vec<(Lane, Arc<str>)>> {
        let lanes = self.ledger.lanes.serving(&self.connection, claim);
        lanes.map_err(|error| self.failure(error))
    }

    /// The first `max` ready tasks over all lanes.
    fn pick(&self, lanes: &[(Lane, Arc<str>)], max: usize) -> Result<Vec<Picked>> {
        let chunk = if lanes.len() == 1 { max } else { max.min(MERGE_CHUNK) };
        let mut read: Vec<VecDeque<Place>> = Vec::with_capacity(lanes.len());
        let mut heads = BinaryHeap::with_capacity(lanes.len());
        for (index, (lane, _)) in lanes.iter().enumerate() {
            let mut places = self.ready_after(lane.id, (i64::MIN, i64::MIN), chunk)?;
            heads.extend(places.pop_front().map(|place| Reverse((place, index))));
            read.push(places);
        }
        let mut picked = Vec::with_capacity(max);
        while picked.len() < max
            && let Some(Reverse((place, index))) = heads.pop()
        {
            picked.push(Picked { key: place.0, id: place.1, lane: index });
            let (Some(places), Some((lane, _))) = (read.get_mut(index), lanes.get(index)) else {
                continue;
            };
            if places.is_empty() && picked.len() < max {
                *places = self.ready_after(lane.id, place, chunk)?;
            }
            heads.extend(places.pop_front().map(|place| Reverse((place, index))));
        }
        Ok(picked)
    }

    fn ready_after(&self, lane: i64, after: Place, limit: usize) -> Result<VecDeque<Place>> {
        self.prepare(READY_AFTER)?
            .query_map(params![lane, after.0, after.1, limit], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))
    }

    /// Leases the picked tasks by one statement, and gives them back in the order of picking. Payloads
    /// that stand apart are left to be read beside the writer.
    fn lease(
        &self,
        lanes: &[(Lane, Arc<str>)],
        picked: &[Picked],
        expires_at: Moment,
        begun: bool,
    ) -> Result<Vec<Lease>> {
        if picked.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Rc<Vec<Value>> = Rc::new(picked.iter().map(|picked| picked.id.into()).collect());
        let mut update = self.prepare(LEASE)?;
        // The rows come back in an order of SQLite's own.
        let mut by_id: Vec<(i64, usize, usize)> = picked
            .iter()
            .enumerate()
            .map(|(place, picked)| (picked.id, place, picked.lane))
            .collect();
        by_id.sort_unstable();
        let mut inline = Vec::new();
        let mut parts: Vec<(usize, Range<usize>, Lease)> = update
            .query_map(params![ids, expires_at.monotonic.as_micros(), begun], |row| {
                let id: i64 = row.get(0)?;
                let found = by_id.binary_search_by_key(&id, |(id, _, _)| *id).ok();
                let Some((_, place, lane)) = found.and_then(|index| by_id.get(index)) else {
                    return Err(rusqlite::Error::IntegralValueOutOfRange(0, id));
                };
                let Some((lane, task_type)) = lanes.get(*lane) else {
                    return Err(rusqlite::Error::IntegralValueOutOfRange(0, id));
                };
                let start = inline.len();
                let bytes = row.get_ref(6)?.as_blob_or_null()?;
                inline.extend_from_slice(bytes.unwrap_or_default());
                let lease = lease(row, *lane, task_type, expires_at, bytes.is_none())?;
                Ok((*place, start..inline.len(), lease))
            })
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))?;
        let inline = Arc::new(inline);
        parts.sort_unstable_by_key(|(place, _, _)| *place);
        Ok(parts
            .into_iter()
            .map(|(_, range, lease)| match lease.key.payload_apart {
                true => lease,
                false => Lease { payload: Payload::part(inline.clone(), range), ..lease },
            })
            .collect())
    }
}

fn lease(
    row: &Row<'_>,
    lane: Lane,
    task_type: &Arc<str>,
    expires_at: Moment,
    payload_apart: bool,
) -> rusqlite::Result<Lease> {
    Ok(Lease {
        key: LeaseKey {
            id: TaskId::from_i64(row.get(0)?),
            token: row.get(1)?,
            queue: lane.queue,
            payload_apart,
        },
        task_type: task_type.clone(),
        payload: Payload::unread(),
        priority: row.get(4)?,
        attempt: row.get(2)?,
        max_attempts: row.get(3)?,
        enqueued_at: Timestamp::from_micros(row.get(5)?),
        expires_at,
    })
}
