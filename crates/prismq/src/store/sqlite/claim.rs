//! Taking ready tasks: a seek into each lane, merged by order key.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params};

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
/// Reads the places of suspects in a lane, in order.
pub(super) const SUSPECTS_AFTER: &str = "SELECT order_key, id FROM task
     WHERE state = 5 AND lane = ?1 AND (order_key, id) > (?2, ?3)
     ORDER BY order_key, id LIMIT ?4";
/// Leases tasks by their ids.
pub(super) const LEASE: &str =
    "UPDATE task SET state = 2, token = token + 1, attempt = attempt + 1,
                     lease_expires_at = ?2, begun = ?3
     WHERE id IN (SELECT value FROM rarray(?1))
     RETURNING id, token, attempt, max_attempts, priority, enqueued_at, payload";
/// Notes of suspects that nobody has begun them, though all else that was claimed with them is.
pub(super) const NOT_BEGUN: &str =
    "UPDATE task SET begun = 0 WHERE id IN (SELECT value FROM rarray(?1))";
/// Looks for one ready task, or suspect if these count, in a lane of a queue that is not paused.
pub(super) const HAS_READY: &str = "SELECT 1 FROM queue WHERE id = ?2 AND NOT paused
     AND (EXISTS (SELECT 1 FROM task WHERE state = 0 AND lane = ?1)
          OR (?3 AND suspects > 0 AND EXISTS (SELECT 1 FROM task WHERE state = 5 AND lane = ?1)))";

/// Looks whether a queue is paused.
const IS_PAUSED: &str = "SELECT paused FROM queue WHERE name = ?1";

/// Tasks read from a lane at a time while several lanes are merged.
const MERGE_CHUNK: usize = 32;

/// A ready task's place: its order key, and its id where keys are equal.
type Place = (i64, i64);

/// Ready tasks of a lane, or the suspects among them, read up to some place.
#[derive(Debug)]
struct Source {
    /// The index of the lane among those of the claim.
    lane: usize,
    suspect: bool,
    read: VecDeque<Place>,
}

/// A task to be leased, and the index of its lane among those of the claim.
#[derive(Debug, Clone, Copy)]
struct Picked {
    key: i64,
    id: i64,
    lane: usize,
    suspect: bool,
}

impl SqliteStore {
    /// Leases up to the asked number of tasks, in order.
    pub(super) fn claim(&mut self, now: Moment, claim: &Claim) -> Result<Claimed> {
        let mut lanes = self.lanes_of(claim)?;
        let mut suspects_max = 0;
        let mut paused = false;
        if let Some((lane, _)) = lanes.first() {
            let settings = self.settings_of(lane.queue)?;
            let suspects = settings.suspects + self.ledger.counters.so_far(lane.queue).suspects;
            suspects_max = claim.suspects_max.min(usize::try_from(suspects).unwrap_or(0));
            paused = settings.paused;
        }
        if paused {
            lanes.clear();
        }
        let picked = self.pick(&lanes, claim.max, suspects_max)?;
        if let (Some((lane, _)), Some(last)) = (lanes.first(), picked.last()) {
            let moved = self.ledger.queues.claimed(&self.connection, lane.queue, last.key);
            moved.map_err(|error| self.failure(error))?;
        }
        let begun = picked.len() <= claim.begun_max;
        let leases = self.lease(&lanes, &picked, now.after(claim.lease), begun)?;
        // A pool notes of each suspect when it begins it.
        if begun && claim.begun_max < usize::MAX {
            self.note_not_begun(&picked)?;
        }
        if let Some((lane, _)) = lanes.first() {
            let count = |leases| i64::try_from(leases).unwrap_or(i64::MAX);
            let suspects = leases.iter().filter(|lease| lease.suspect).count();
            let counters = self.ledger.counters.of(lane.queue);
            counters.ready -= count(leases.len());
            counters.suspects -= count(suspects);
            counters.leased += count(leases.len());
        }
        if leases.len() == claim.max {
            return Ok(Claimed { leases, ..Claimed::default() });
        }
        Ok(Claimed { leases, next_due: self.next_due()?, version: self.version()?, paused })
    }

    /// Whether a claim would find a task.
    pub(super) fn has_ready(&mut self, claim: &Claim) -> Result<bool> {
        for (lane, _) in self.lanes_of(claim)? {
            let exists = self.prepare(HAS_READY)?.exists(params![
                lane.id,
                lane.queue,
                claim.suspects_max > 0
            ]);
            if exists.map_err(|error| self.failure(error))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the claim's queue is paused.
    pub(super) fn is_paused(&mut self, claim: &Claim) -> Result<bool> {
        let mut select = self.prepare(IS_PAUSED)?;
        let paused = select.query_row([&*claim.queue], |row| row.get(0)).optional();
        Ok(paused.map_err(|error| self.failure(error))?.unwrap_or(false))
    }

    /// The lanes a claim may take from.
    fn lanes_of(&mut self, claim: &Claim) -> Result<Vec<(Lane, Arc<str>)>> {
        let lanes = self.ledger.lanes.serving(&self.connection, claim);
        lanes.map_err(|error| self.failure(error))
    }

    /// The first `max` ready tasks over all lanes, up to so many suspects among them.
    fn pick(
        &self,
        lanes: &[(Lane, Arc<str>)],
        max: usize,
        suspects_max: usize,
    ) -> Result<Vec<Picked>> {
        let mut left = suspects_max;
        let kinds: &[bool] = if left == 0 { &[false] } else { &[false, true] };
        let chunk = if lanes.len() * kinds.len() == 1 { max } else { max.min(MERGE_CHUNK) };
        let mut sources = Vec::with_capacity(lanes.len() * kinds.len());
        let mut heads = BinaryHeap::with_capacity(lanes.len() * kinds.len());
        for (index, (lane, _)) in lanes.iter().enumerate() {
            for suspect in kinds {
                let first = (i64::MIN, i64::MIN);
                let mut read = self.places_after(*suspect, lane.id, first, chunk)?;
                heads.extend(read.pop_front().map(|place| Reverse((place, sources.len()))));
                sources.push(Source { lane: index, suspect: *suspect, read });
            }
        }
        let mut picked = Vec::with_capacity(max);
        while picked.len() < max
            && let Some(Reverse((place, index))) = heads.pop()
        {
            let Some(source) = sources.get_mut(index) else {
                continue;
            };
            if source.suspect {
                if left == 0 {
                    continue;
                }
                left -= 1;
            }
            picked.push(Picked {
                key: place.0,
                id: place.1,
                lane: source.lane,
                suspect: source.suspect,
            });
            if source.read.is_empty()
                && picked.len() < max
                && let Some((lane, _)) = lanes.get(source.lane)
            {
                source.read = self.places_after(source.suspect, lane.id, place, chunk)?;
            }
            heads.extend(source.read.pop_front().map(|place| Reverse((place, index))));
        }
        Ok(picked)
    }

    fn places_after(
        &self,
        suspect: bool,
        lane: i64,
        after: Place,
        limit: usize,
    ) -> Result<VecDeque<Place>> {
        self.prepare(if suspect { SUSPECTS_AFTER } else { READY_AFTER })?
            .query_map(params![lane, after.0, after.1, limit], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))
    }

    fn note_not_begun(&self, picked: &[Picked]) -> Result<()> {
        let suspects = picked.iter().filter(|picked| picked.suspect);
        let ids: Vec<Value> = suspects.map(|picked| picked.id.into()).collect();
        if !ids.is_empty() {
            self.execute(NOT_BEGUN, [Rc::new(ids)])?;
        }
        Ok(())
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
        let mut by_id: Vec<(i64, usize)> =
            picked.iter().enumerate().map(|(place, picked)| (picked.id, place)).collect();
        by_id.sort_unstable();
        let mut inline = Vec::new();
        let mut parts: Vec<(usize, Range<usize>, Lease)> = update
            .query_map(params![ids, expires_at.monotonic.as_micros(), begun], |row| {
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
                let key = LeaseKey {
                    id: TaskId::from_i64(id),
                    token: row.get(1)?,
                    file: self.file,
                    queue: lane.queue,
                    payload_apart: bytes.is_none(),
                };
                let lease = lease(row, key, task_type, picked, expires_at)?;
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
    key: LeaseKey,
    task_type: &Arc<str>,
    picked: &Picked,
    expires_at: Moment,
) -> rusqlite::Result<Lease> {
    Ok(Lease {
        key,
        task_type: task_type.clone(),
        payload: Payload::unread(),
        priority: row.get(4)?,
        order_key: picked.key,
        attempt: row.get(2)?,
        max_attempts: row.get(3)?,
        enqueued_at: Timestamp::from_micros(row.get(5)?),
        expires_at,
        suspect: picked.suspect,
    })
}
