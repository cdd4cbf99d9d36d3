//! Taking ready tasks: a seek into each lane, merged by order key.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Row, params};

use super::lanes::Lane;
use super::{SqliteStore, damage, failure};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::lease::{Claim, Lease, LeaseKey, Payload};
use crate::limits::ADVANCE_BATCH_MAX;
use crate::store::{AT_ONCE, AfterFailure, Claimed, Store as _};
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
/// Places of columns that [`LEASE`] returns.
pub(super) const ATTEMPT: usize = 2;
pub(super) const MAX_ATTEMPTS: usize = 3;
pub(super) const PRIORITY: usize = 4;
/// Sizes of payloads that stand apart, read without them.
pub(super) const SIZES: &str =
    "SELECT task, length(data) FROM payload WHERE task IN (SELECT value FROM rarray(?1))";
/// Looks for one ready task in a lane of a queue that is not paused.
pub(super) const HAS_READY: &str = "SELECT 1 FROM task WHERE state = 0 AND lane = ?1
     AND (SELECT NOT paused FROM queue WHERE id = ?2) LIMIT 1";

/// Tasks read from a lane at a time while several lanes are merged.
const MERGE_CHUNK: usize = 32;

/// A ready task's place: its order key, and its id where keys are equal.
type Place = (i64, i64);

/// What became of picked tasks.
#[derive(Debug, Default)]
struct Leased {
    leases: Vec<Lease>,
    /// Tasks that could not be leased and are dead letters now.
    set_aside: usize,
}

/// A task to be leased, and the index of its lane among those of the claim.
#[derive(Debug, Clone, Copy)]
struct Picked {
    key: i64,
    id: i64,
    lane: usize,
}

impl SqliteStore {
    /// Leases up to the asked number of tasks, in order.
    pub(super) fn claim(&mut self, now: Timestamp, claim: &Claim) -> Result<Claimed> {
        let mut lanes = self.lanes_of(claim)?;
        let mut first_key = i64::MIN;
        if let Some((lane, _)) = lanes.first() {
            let settings = self.settings_of(lane.queue)?;
            first_key = settings.first_key();
            if settings.paused {
                lanes.clear();
            }
        }
        let picked = self.pick(&lanes, first_key, claim.max)?;
        let begun = picked.len() <= claim.begun_max;
        let expires_at = now.after(claim.lease);
        let Leased { mut leases, mut set_aside } =
            self.lease(&lanes, &picked, expires_at, begun)?;
        let mut last = picked.last().copied();
        let mut given_up = set_aside;
        // Others take the place of those that could not be leased; up to a bound, so that no transaction
        // goes through a whole file of them.
        while set_aside > 0 && given_up < ADVANCE_BATCH_MAX {
            let picked = self.pick(&lanes, first_key, claim.max - leases.len())?;
            let leased = self.lease(&lanes, &picked, expires_at, begun)?;
            leases.extend(leased.leases);
            last = picked.last().copied().or(last);
            set_aside = leased.set_aside;
            given_up += set_aside;
        }
        if let (Some((lane, _)), Some(last)) = (lanes.first(), last) {
            let moved = self.ledger.queues.claimed(&self.connection, lane.queue, last.key);
            moved.map_err(|error| self.failure(error))?;
            let count = i64::try_from(leases.len()).unwrap_or(i64::MAX);
            let dead = i64::try_from(given_up).unwrap_or(i64::MAX);
            let counters = self.ledger.counters.of(lane.queue);
            counters.ready -= count + dead;
            counters.leased += count;
            counters.dead += dead;
        }
        let found = leases.len();
        if claim.bytes_max < usize::MAX {
            leases = self.fit(now, leases, claim.bytes_max)?;
        }
        if leases.len() == claim.max {
            return Ok(Claimed { leases, ..Claimed::default() });
        }
        let more = set_aside > 0 || leases.len() < found;
        let next_due = if more { Some(AT_ONCE) } else { self.next_due()? };
        Ok(Claimed { leases, next_due, version: self.version()? })
    }

    /// Keeps the first of these leases, as far as their payloads fit, and gives the others back. One whose
    /// payload is missing fails for good.
    fn fit(&mut self, now: Timestamp, leases: Vec<Lease>, bytes_max: usize) -> Result<Vec<Lease>> {
        let apart: Vec<Value> = leases
            .iter()
            .filter(|lease| lease.key.payload_apart)
            .map(|lease| lease.key.id.as_i64().into())
            .collect();
        // One alone is given however large, and what the others have cannot be much.
        if apart.len() < 2 {
            return Ok(leases);
        }
        let sizes: HashMap<i64, usize> = self
            .prepare(SIZES)?
            .query_map([Rc::new(apart)], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))?;
        let mut kept: Vec<Lease> = Vec::with_capacity(leases.len());
        let (mut bytes, mut full) = (0_usize, false);
        for lease in leases {
            let size = match lease.key.payload_apart {
                true => sizes.get(&lease.key.id.as_i64()).copied(),
                false => Some(lease.payload.len()),
            };
            full |= !kept.is_empty() && bytes.saturating_add(size.unwrap_or(0)) > bytes_max;
            if full {
                // Whether it still holds is no question in the transaction that gave it.
                self.release(now, &lease.key)?.map(drop)?;
            } else if let Some(size) = size {
                bytes = bytes.saturating_add(size);
                kept.push(lease);
            } else {
                tracing::error!(
                    task = lease.key.id.as_i64(),
                    "a task's payload is missing: it is dead"
                );
                let missing = "the payload is missing";
                self.fail(now, &lease.key, missing, AfterFailure::Dead)?.map(drop)?;
            }
        }
        Ok(kept)
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
    fn pick(&self, lanes: &[(Lane, Arc<str>)], first_key: i64, max: usize) -> Result<Vec<Picked>> {
        let chunk = if lanes.len() == 1 { max } else { max.min(MERGE_CHUNK) };
        let head = |place: Place, index| {
            let rank = place.0.wrapping_sub(first_key).cast_unsigned();
            Reverse((rank, place.1, index))
        };
        let mut read: Vec<VecDeque<Place>> = Vec::with_capacity(lanes.len());
        let mut heads = BinaryHeap::with_capacity(lanes.len());
        for (index, (lane, _)) in lanes.iter().enumerate() {
            let mut places = self.ready_after(lane.id, first_key, (first_key, i64::MIN), chunk)?;
            heads.extend(places.pop_front().map(|place| head(place, index)));
            read.push(places);
        }
        let mut picked = Vec::with_capacity(max);
        while picked.len() < max
            && let Some(Reverse((rank, id, index))) = heads.pop()
        {
            let key = first_key.wrapping_add_unsigned(rank);
            picked.push(Picked { key, id, lane: index });
            let (Some(places), Some((lane, _))) = (read.get_mut(index), lanes.get(index)) else {
                continue;
            };
            if places.is_empty() && picked.len() < max {
                *places = self.ready_after(lane.id, first_key, (key, id), chunk)?;
            }
            heads.extend(places.pop_front().map(|place| head(place, index)));
        }
        Ok(picked)
    }

    /// Up to `limit` places of a lane that follow another in the order that begins at `first_key` and ends
    /// before it.
    fn ready_after(
        &self,
        lane: i64,
        first_key: i64,
        after: Place,
        limit: usize,
    ) -> Result<VecDeque<Place>> {
        let mut places = self.ready_above(lane, after, limit)?;
        if after.0 < first_key {
            places.retain(|place| place.0 < first_key);
        } else if first_key > i64::MIN && places.len() < limit {
            let rest = self.ready_above(lane, (i64::MIN, i64::MIN), limit - places.len())?;
            places.extend(rest.into_iter().filter(|place| place.0 < first_key));
        }
        Ok(places)
    }

    fn ready_above(&self, lane: i64, after: Place, limit: usize) -> Result<VecDeque<Place>> {
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
        expires_at: Timestamp,
        begun: bool,
    ) -> Result<Leased> {
        if picked.is_empty() {
            return Ok(Leased::default());
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
        let mut damaged = Vec::new();
        let mut parts: Vec<(usize, Range<usize>, Lease)> = Vec::with_capacity(picked.len());
        let updated = update.query(params![ids.clone(), expires_at.as_micros(), begun]).and_then(
            |mut rows| {
                while let Some(row) = rows.next()? {
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
                    match lease(row, *lane, task_type, expires_at, bytes.is_none()) {
                        Ok(lease) => parts.push((*place, start..inline.len(), lease)),
                        Err(error) => damaged.push((id, damage::reason(row, &error))),
                    }
                }
                Ok(())
            },
        );
        if let Err(error) = updated {
            drop(update);
            let spent = if failure::is_overflow(&error) { self.set_aside_spent(ids)? } else { 0 };
            if spent == 0 {
                return Err(self.failure(error));
            }
            return Ok(Leased { leases: Vec::new(), set_aside: spent });
        }
        for (id, reason) in &damaged {
            self.set_aside(*id, reason)?;
        }
        let inline = Arc::new(inline);
        parts.sort_unstable_by_key(|(place, _, _)| *place);
        let leases = parts
            .into_iter()
            .map(|(_, range, lease)| match lease.key.payload_apart {
                true => lease,
                false => Lease { payload: Payload::part(inline.clone(), range), ..lease },
            })
            .collect();
        Ok(Leased { leases, set_aside: damaged.len() })
    }
}

fn lease(
    row: &Row<'_>,
    lane: Lane,
    task_type: &Arc<str>,
    expires_at: Timestamp,
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
        priority: row.get(PRIORITY)?,
        attempt: positive(row, ATTEMPT)?,
        max_attempts: positive(row, MAX_ATTEMPTS)?,
        enqueued_at: Timestamp::from_micros(row.get(5)?),
        expires_at,
    })
}

fn positive(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    match row.get(column)? {
        0 => Err(rusqlite::Error::IntegralValueOutOfRange(column, 0)),
        number => Ok(number),
    }
}
