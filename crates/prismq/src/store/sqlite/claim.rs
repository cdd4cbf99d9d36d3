//! Taking ready tasks: a seek into each lane, merged by order key.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use rusqlite::params;

use super::SqliteStore;
use super::lanes::Lane;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::lease::{Claim, Lease, LeaseKey};
use crate::store::{Claimed, Store as _};
use crate::task::TaskId;

/// Tasks read from a lane at a time while several lanes are merged.
const MERGE_CHUNK: usize = 32;

/// A ready task's place: its order key, and its id where keys are equal.
type Place = (i64, i64);

impl SqliteStore {
    /// Leases up to the asked number of tasks, in order.
    pub(super) fn claim(&mut self, now: Timestamp, claim: &Claim) -> Result<Claimed> {
        let lanes = self.lanes_of(claim)?;
        let picked = self.pick(&lanes, claim.max)?;
        let expires_at = now.after(claim.lease);
        let mut leases = Vec::with_capacity(picked.len());
        for (id, lane) in picked {
            let Some((lane, task_type)) = lanes.get(lane) else {
                continue;
            };
            leases.push(self.lease(id, *lane, task_type, expires_at)?);
        }
        if let Some((lane, _)) = lanes.first() {
            let count = i64::try_from(leases.len()).unwrap_or(i64::MAX);
            let counters = self.counters.of(lane.queue);
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
            let mut select =
                self.prepare("SELECT 1 FROM task WHERE state = 0 AND lane = ?1 LIMIT 1")?;
            if select.exists([lane.id]).map_err(|error| self.failure(error))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The first `max` ready tasks over all lanes, each with the index of its lane.
    fn pick(&self, lanes: &[(Lane, Arc<str>)], max: usize) -> Result<Vec<(i64, usize)>> {
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
            picked.push((place.1, index));
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
        self.prepare(
            "SELECT order_key, id FROM task
             WHERE state = 0 AND lane = ?1 AND (order_key, id) > (?2, ?3)
             ORDER BY order_key, id LIMIT ?4",
        )?
        .query_map(params![lane, after.0, after.1, limit], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .map_err(|error| self.failure(error))
    }

    fn lease(
        &self,
        id: i64,
        lane: Lane,
        task_type: &Arc<str>,
        expires_at: Timestamp,
    ) -> Result<Lease> {
        let mut update = self.prepare(
            "UPDATE task SET state = 2, token = token + 1, attempt = attempt + 1,
                             lease_expires_at = ?2
             WHERE id = ?1
             RETURNING token, attempt, max_attempts, priority, enqueued_at, payload",
        )?;
        let mut lease = update
            .query_row([id, expires_at.as_micros()], |row| {
                let inline: Option<Vec<u8>> = row.get(5)?;
                Ok(Lease {
                    key: LeaseKey {
                        id: TaskId::from_i64(id),
                        token: row.get(0)?,
                        queue: lane.queue,
                        payload_apart: inline.is_none(),
                    },
                    task_type: task_type.clone(),
                    payload: inline.unwrap_or_default(),
                    priority: row.get(3)?,
                    attempt: row.get(1)?,
                    max_attempts: row.get(2)?,
                    enqueued_at: Timestamp::from_micros(row.get(4)?),
                    expires_at,
                })
            })
            .map_err(|error| self.failure(error))?;
        if lease.key.payload_apart {
            lease.payload = self
                .prepare("SELECT data FROM payload WHERE task = ?1")?
                .query_row([id], |row| row.get(0))
                .map_err(|error| self.failure(error))?;
        }
        Ok(lease)
    }
}
