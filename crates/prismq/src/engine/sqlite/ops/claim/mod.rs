//! Taking ready tasks: a seek into each lane, merged by order key ([`pick`]), then one statement that leases what
//! was picked ([`lease`]).

pub(crate) mod fit;
pub(crate) mod lease;
pub(crate) mod look;
pub(crate) mod pick;

use std::rc::Rc;
use std::sync::Arc;

use rusqlite::types::Value;

use self::lease::{DeadLettered, Leased};
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::batch::lanes::Lane;
use crate::engine::sqlite::writer::Writer;
use crate::engine::{AT_ONCE, Claimed};
use crate::model::{Claim, Lease, Result};
use crate::time::Moment;

/// Records that suspects have not begun, although the other tasks of their claim have.
pub(crate) const NOT_BEGUN: &str =
    "UPDATE prismq_task SET begun = 0 WHERE id IN (SELECT value FROM rarray(?1))";

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
        let Leased { mut leases, mut dead_lettered } =
            self.lease(&lanes, &picked, expires_at, begun)?;
        let mut last = picked.last().copied();
        let mut dead = dead_lettered;
        // Other tasks replace those that could not be leased, up to a bound, so that no transaction reads a whole
        // file of damaged rows.
        while dead_lettered.tasks > 0 && dead.tasks < STEP_TASKS_MAX {
            let suspects_left = suspects_max.saturating_sub(suspects_in(&leases));
            let left = claim.max - leases.len();
            let picked = self.pick(&lanes, first_key, left, suspects_left)?;
            let leased = self.lease(&lanes, &picked, expires_at, begun)?;
            leases.extend(leased.leases);
            last = picked.last().copied().or(last);
            dead_lettered = leased.dead_lettered;
            dead.tasks += dead_lettered.tasks;
            dead.suspects += dead_lettered.suspects;
        }
        // A pool records of each suspect when it begins.
        if begun && claim.begun_max < usize::MAX {
            self.record_not_begun(&leases)?;
        }
        if let (Some((lane, _)), Some(last)) = (lanes.first(), last) {
            let moved = self.ledger.queues.claimed(&self.connection, lane.queue, last.key);
            moved.map_err(|error| self.failure(error))?;
            self.count_claimed(lane.queue, &leases, dead);
        }
        let found = leases.len();
        if claim.bytes_max < usize::MAX {
            leases = self.fit(leases, claim.bytes_max)?;
        }
        if leases.len() == claim.max {
            return Ok(Claimed { leases, ..Claimed::default() });
        }
        let more = dead_lettered.tasks > 0 || leases.len() < found || self.ledger.inbox_left;
        let next_due = if more { Some(AT_ONCE) } else { self.next_due(now)? };
        Ok(Claimed { leases, next_due, version: self.data_version()?, paused })
    }

    fn count_claimed(&mut self, queue: i64, leases: &[Lease], dead: DeadLettered) {
        let count = |tasks| i64::try_from(tasks).unwrap_or(i64::MAX);
        let counters = self.ledger.counters.of(queue);
        counters.ready -= count(leases.len() + dead.tasks);
        counters.suspects -= count(suspects_in(leases) + dead.suspects);
        counters.leased += count(leases.len());
        counters.dead += count(dead.tasks);
    }

    /// The lanes a claim may take from.
    fn lanes_of(&mut self, claim: &Claim) -> Result<Vec<(Lane, Arc<str>)>> {
        let lanes = self.ledger.lanes.serving(&self.connection, claim);
        lanes.map_err(|error| self.failure(error))
    }

    fn record_not_begun(&self, leases: &[Lease]) -> Result<()> {
        let suspects = leases.iter().filter(|lease| lease.suspect);
        let ids: Vec<Value> = suspects.map(|lease| lease.key.id.as_i64().into()).collect();
        if !ids.is_empty() {
            self.execute(NOT_BEGUN, [Rc::new(ids)])?;
        }
        Ok(())
    }
}

fn suspects_in(leases: &[Lease]) -> usize {
    leases.iter().filter(|lease| lease.suspect).count()
}
