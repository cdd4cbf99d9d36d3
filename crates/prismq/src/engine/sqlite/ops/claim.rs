//! Taking ready tasks: a seek into each lane, merged by order key.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params};

use crate::engine::sqlite::batch::lanes::Lane;
use crate::engine::sqlite::batch::lease_note::LeaseNote;
use crate::engine::sqlite::error;
use crate::engine::sqlite::ops::advance::ADVANCE_BATCH_MAX;
use crate::engine::sqlite::ops::set_aside;
use crate::engine::sqlite::writer::Writer;
use crate::engine::{AT_ONCE, Claimed};
use crate::model::{Claim, Lease, LeaseKey, Payload, Result, TaskId};
use crate::time::{Moment, Timestamp};

/// Reads places in a lane, in order.
pub(crate) const READY_AFTER: &str = "SELECT order_key, id FROM task
     WHERE state = 0 AND lane = ?1 AND (order_key, id) > (?2, ?3)
     ORDER BY order_key, id LIMIT ?4";
/// Reads the places of suspects in a lane, in order.
pub(crate) const SUSPECTS_AFTER: &str = "SELECT order_key, id FROM task
     WHERE state = 5 AND lane = ?1 AND (order_key, id) > (?2, ?3)
     ORDER BY order_key, id LIMIT ?4";
/// Leases tasks by their ids.
pub(crate) const LEASE: &str =
    "UPDATE task SET state = 2, token = token + 1, attempt = attempt + 1,
                     lease_expires_at = ?2, begun = ?3
     WHERE id IN (SELECT value FROM rarray(?1))
     RETURNING id, token, attempt, max_attempts, priority, enqueued_at, payload";
/// Places of columns that [`LEASE`] returns.
pub(crate) const ATTEMPT: usize = 2;
pub(crate) const MAX_ATTEMPTS: usize = 3;
pub(crate) const PRIORITY: usize = 4;
/// Notes of suspects that nobody has begun them, though all else that was claimed with them is.
pub(crate) const NOT_BEGUN: &str =
    "UPDATE task SET begun = 0 WHERE id IN (SELECT value FROM rarray(?1))";
/// Sizes of payloads that stand apart, read without them.
pub(crate) const SIZES: &str =
    "SELECT task, length(data) FROM payload WHERE task IN (SELECT value FROM rarray(?1))";
/// Looks for one ready task, or suspect if these count, in a lane of a queue that is not paused.
pub(crate) const HAS_READY: &str = "SELECT 1 FROM queue WHERE id = ?2 AND NOT paused
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

/// What became of picked tasks.
#[derive(Debug, Default)]
struct Leased {
    leases: Vec<Lease>,
    set_aside: SetAside,
}

/// Tasks that could not be leased and are dead letters now.
#[derive(Debug, Default, Clone, Copy)]
struct SetAside {
    tasks: usize,
    /// Those among them that were suspects.
    suspects: usize,
}

/// A task to be leased, and the index of its lane among those of the claim.
#[derive(Debug, Clone, Copy)]
struct Picked {
    key: i64,
    id: i64,
    lane: usize,
    suspect: bool,
}

impl Writer {
    /// Leases up to the asked number of tasks, in order.
    pub(crate) fn claim(&mut self, now: Moment, claim: &Claim) -> Result<Claimed> {
        let mut lanes = self.lanes_of(claim)?;
        let mut first_key = i64::MIN;
        let mut suspects_max = 0;
        let mut paused = false;
        if let Some((lane, _)) = lanes.first() {
            let settings = self.settings_of(lane.queue)?;
            first_key = settings.first_key();
            let suspects = settings.suspects + self.ledger.counters.so_far(lane.queue).suspects;
            suspects_max = claim.suspects_max.min(usize::try_from(suspects).unwrap_or(0));
            paused = settings.paused;
        }
        if paused {
            lanes.clear();
        }
        let picked = self.pick(&lanes, first_key, claim.max, suspects_max)?;
        let begun = picked.len() <= claim.begun_max;
        let expires_at = now.after(claim.lease);
        let Leased { mut leases, mut set_aside } =
            self.lease(&lanes, &picked, expires_at, begun)?;
        let mut last = picked.last().copied();
        let mut given_up = set_aside;
        // Others take the place of those that could not be leased; up to a bound, so that no transaction
        // goes through a whole file of them.
        while set_aside.tasks > 0 && given_up.tasks < ADVANCE_BATCH_MAX {
            let suspects_left = suspects_max.saturating_sub(suspects_in(&leases));
            let left = claim.max - leases.len();
            let picked = self.pick(&lanes, first_key, left, suspects_left)?;
            let leased = self.lease(&lanes, &picked, expires_at, begun)?;
            leases.extend(leased.leases);
            last = picked.last().copied().or(last);
            set_aside = leased.set_aside;
            given_up.tasks += set_aside.tasks;
            given_up.suspects += set_aside.suspects;
        }
        // A pool notes of each suspect when it begins it.
        if begun && claim.begun_max < usize::MAX {
            self.note_not_begun(&leases)?;
        }
        if let (Some((lane, _)), Some(last)) = (lanes.first(), last) {
            let moved = self.ledger.queues.claimed(&self.connection, lane.queue, last.key);
            moved.map_err(|error| self.failure(error))?;
            self.count_claimed(lane.queue, &leases, given_up);
        }
        let found = leases.len();
        if claim.bytes_max < usize::MAX {
            leases = self.fit(leases, claim.bytes_max)?;
        }
        if leases.len() == claim.max {
            return Ok(Claimed { leases, ..Claimed::default() });
        }
        let more = set_aside.tasks > 0 || leases.len() < found;
        let next_due = if more { Some(AT_ONCE) } else { self.next_due()? };
        Ok(Claimed { leases, next_due, version: self.data_version()?, paused })
    }

    fn count_claimed(&mut self, queue: i64, leases: &[Lease], given_up: SetAside) {
        let count = |tasks| i64::try_from(tasks).unwrap_or(i64::MAX);
        let counters = self.ledger.counters.of(queue);
        counters.ready -= count(leases.len() + given_up.tasks);
        counters.suspects -= count(suspects_in(leases) + given_up.suspects);
        counters.leased += count(leases.len());
        counters.dead += count(given_up.tasks);
    }

    /// Keeps the first of these leases, as far as their payloads fit, and gives the others back. That a
    /// payload is missing is found when it is read.
    fn fit(&mut self, leases: Vec<Lease>, bytes_max: usize) -> Result<Vec<Lease>> {
        let apart: Vec<Value> = leases
            .iter()
            .filter(|lease| is_out_of_line(lease))
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
            let size = match is_out_of_line(&lease) {
                true => sizes.get(&lease.key.id.as_i64()).copied().unwrap_or(0),
                false => lease.payload.len(),
            };
            full |= !kept.is_empty() && bytes.saturating_add(size) > bytes_max;
            if full {
                // Whether it still holds is no question in the transaction that gave it.
                self.release(&lease.key)?.map(drop)?;
            } else {
                bytes = bytes.saturating_add(size);
                kept.push(lease);
            }
        }
        Ok(kept)
    }

    /// Whether a claim would find a task.
    pub(crate) fn has_ready(&mut self, claim: &Claim) -> Result<bool> {
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
    pub(crate) fn is_paused(&mut self, claim: &Claim) -> Result<bool> {
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
        first_key: i64,
        max: usize,
        suspects_max: usize,
    ) -> Result<Vec<Picked>> {
        let mut left = suspects_max;
        let kinds: &[bool] = if left == 0 { &[false] } else { &[false, true] };
        let chunk = if lanes.len() * kinds.len() == 1 { max } else { max.min(MERGE_CHUNK) };
        let head = |place: Place, index| {
            let rank = place.0.wrapping_sub(first_key).cast_unsigned();
            Reverse((rank, place.1, index))
        };
        let mut sources = Vec::with_capacity(lanes.len() * kinds.len());
        let mut heads = BinaryHeap::with_capacity(lanes.len() * kinds.len());
        for (index, (lane, _)) in lanes.iter().enumerate() {
            for suspect in kinds {
                let first = (first_key, i64::MIN);
                let mut read = self.places_after(*suspect, lane.id, first_key, first, chunk)?;
                heads.extend(read.pop_front().map(|place| head(place, sources.len())));
                sources.push(Source { lane: index, suspect: *suspect, read });
            }
        }
        let mut picked = Vec::with_capacity(max);
        while picked.len() < max
            && let Some(Reverse((rank, id, index))) = heads.pop()
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
            let key = first_key.wrapping_add_unsigned(rank);
            picked.push(Picked { key, id, lane: source.lane, suspect: source.suspect });
            if source.read.is_empty()
                && picked.len() < max
                && let Some((lane, _)) = lanes.get(source.lane)
            {
                source.read =
                    self.places_after(source.suspect, lane.id, first_key, (key, id), chunk)?;
            }
            heads.extend(source.read.pop_front().map(|place| head(place, index)));
        }
        Ok(picked)
    }

    /// Up to `limit` places of a lane that follow another in the order that begins at `first_key` and ends
    /// before it.
    fn places_after(
        &self,
        suspect: bool,
        lane: i64,
        first_key: i64,
        after: Place,
        limit: usize,
    ) -> Result<VecDeque<Place>> {
        let mut places = self.places_above(suspect, lane, after, limit)?;
        if after.0 < first_key {
            places.retain(|place| place.0 < first_key);
        } else if first_key > i64::MIN && places.len() < limit {
            let lowest = (i64::MIN, i64::MIN);
            let rest = self.places_above(suspect, lane, lowest, limit - places.len())?;
            places.extend(rest.into_iter().filter(|place| place.0 < first_key));
        }
        Ok(places)
    }

    fn places_above(
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

    fn note_not_begun(&self, leases: &[Lease]) -> Result<()> {
        let suspects = leases.iter().filter(|lease| lease.suspect);
        let ids: Vec<Value> = suspects.map(|lease| lease.key.id.as_i64().into()).collect();
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
    ) -> Result<Leased> {
        if picked.is_empty() {
            return Ok(Leased::default());
        }
        let ids: Rc<Vec<Value>> = Rc::new(picked.iter().map(|picked| picked.id.into()).collect());
        let mut update = self.prepare(LEASE)?;
        // The rows come back in an order of SQLite's own.
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
                let note = LeaseNote { file, queue: lane.queue, out_of_line: bytes.is_none() };
                let id_of = TaskId::from_i64(id);
                let key = LeaseKey { id: id_of, token: row.get(1)?, note: note.into() };
                match lease(row, key, task_type, picked, expires_at) {
                    Ok(lease) => parts.push((*place, start..inline.len(), lease)),
                    Err(error) => {
                        damaged.push((id, picked.suspect, set_aside::reason(row, &error)));
                    }
                }
            }
            Ok(())
        });
        if let Err(error) = updated {
            drop(update);
            let overflow = error::is_overflow(&error);
            let spent = if overflow { self.set_aside_spent(ids)? } else { Vec::new() };
            if spent.is_empty() {
                return Err(self.failure(error));
            }
            let suspects = picked.iter().filter(|task| task.suspect && spent.contains(&task.id));
            let set_aside = SetAside { tasks: spent.len(), suspects: suspects.count() };
            return Ok(Leased { leases: Vec::new(), set_aside });
        }
        for (id, _, reason) in &damaged {
            self.set_aside(*id, reason)?;
        }
        let suspects = damaged.iter().filter(|(_, suspect, _)| *suspect).count();
        let set_aside = SetAside { tasks: damaged.len(), suspects };
        let inline = Arc::new(inline);
        parts.sort_unstable_by_key(|(place, _, _)| *place);
        let leases = parts
            .into_iter()
            .map(|(_, range, lease)| match is_out_of_line(&lease) {
                true => lease,
                false => Lease { payload: Payload::part(inline.clone(), range), ..lease },
            })
            .collect();
        Ok(Leased { leases, set_aside })
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
        priority: row.get(PRIORITY)?,
        order_key: picked.key,
        attempt: positive(row, ATTEMPT)?,
        max_attempts: positive(row, MAX_ATTEMPTS)?,
        enqueued_at: Timestamp::from_micros(row.get(5)?),
        expires_at,
        suspect: picked.suspect,
    })
}

fn is_out_of_line(lease: &Lease) -> bool {
    LeaseNote::from(lease.key.note).out_of_line
}

fn suspects_in(leases: &[Lease]) -> usize {
    leases.iter().filter(|lease| lease.suspect).count()
}

fn positive(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    match row.get(column)? {
        0 => Err(rusqlite::Error::IntegralValueOutOfRange(column, 0)),
        number => Ok(number),
    }
}
