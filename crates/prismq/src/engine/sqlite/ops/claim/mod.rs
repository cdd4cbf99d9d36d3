//! Taking ready tasks: a seek into each lane, merged by order key ([`pick`]), then one statement that leases what
//! was picked ([`lease`]).

pub(crate) mod admission;
pub(crate) mod fit;
pub(crate) mod lease;
pub(crate) mod lines;
pub(crate) mod look;
pub(crate) mod pick;
mod several;

use std::rc::Rc;
use std::sync::Arc;

use rusqlite::types::Value;

use self::admission::Admission;
use self::lease::{DeadLettered, Leased};
use self::pick::{Picked, Wanted};
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::batch::lanes::{Keyed, Lane};
use crate::engine::sqlite::writer::Writer;
use crate::engine::{AT_ONCE, Claimed};
use crate::model::{Claim, Lease, Result, State};
use crate::time::{Moment, Timestamp};

/// Records that suspects have not begun, although the other tasks of their claim have.
pub(crate) const NOT_BEGUN: &str =
    "UPDATE prismq_task SET begun = 0 WHERE id IN (SELECT value FROM rarray(?1))";

impl Writer {
    /// Leases up to the asked number of tasks, in order.
    pub(crate) fn claim(&mut self, now: Moment, claim: &Claim) -> Result<Claimed> {
        let mut lanes = self.lanes_of(claim)?;
        let mut first_key = i64::MIN;
        let mut has_suspects = false;
        let mut suspects_max = 0;
        let mut paused = false;
        let mut slots = None;
        if let Some((lane, _)) = lanes.first() {
            let settings = self.settings_of(lane.queue)?;
            first_key = settings.first_key();
            let suspects = settings.suspects + self.ledger.counters.so_far(lane.queue).suspects;
            suspects_max = claim.suspects_max.min(usize::try_from(suspects).unwrap_or(0));
            has_suspects = suspects > 0;
            paused = settings.paused;
            let leased = settings.leased + self.ledger.counters.so_far(lane.queue).leased;
            let free = |most: i64| usize::try_from(most - leased).unwrap_or(0);
            slots = settings.concurrency.map(free);
        }
        let (max, limited_left) = match slots {
            None => (claim.max, false),
            Some(slots) => {
                let most = claim.max.min(slots);
                (most.min(claim.limited_max), most > claim.limited_max)
            }
        };
        if paused || max == 0 {
            lanes.clear();
        }
        let mut wanted = Wanted { tasks: max, suspects: suspects_max, has_suspects };
        let at = now.monotonic.as_micros();
        let mut admission = self.admission(at, &lanes, claim.limited_max)?;
        let picked = self.pick(&lanes, first_key, wanted, &mut admission)?;
        let begun = picked.len() <= claim.begun_max;
        let expires_at = now.after(claim.lease);
        let Leased { mut leases, mut dead_lettered } =
            self.lease(&lanes, &picked, now.wall, expires_at, &claim.queue, begun)?;
        let late = self.take_late(&lanes, &mut leases, now.monotonic)?;
        dead_lettered.add(late);
        self.free_unleased(&picked, &leases, dead_lettered);
        let mut last = picked.last().copied();
        let mut dead = dead_lettered;
        // Other tasks replace those that could not be leased, up to a bound, so that no transaction reads a whole
        // file of damaged rows.
        while dead_lettered.tasks > 0 && dead.tasks < STEP_TASKS_MAX {
            wanted.suspects = suspects_max.saturating_sub(suspects_in(&leases));
            wanted.tasks = max - leases.len();
            let limited = leases.iter().filter(|lease| lease.key.limited).count();
            admission = self.admission(at, &lanes, claim.limited_max.saturating_sub(limited))?;
            let picked = self.pick(&lanes, first_key, wanted, &mut admission)?;
            let mut leased =
                self.lease(&lanes, &picked, now.wall, expires_at, &claim.queue, begun)?;
            let late = self.take_late(&lanes, &mut leased.leases, now.monotonic)?;
            leased.dead_lettered.add(late);
            self.free_unleased(&picked, &leased.leases, leased.dead_lettered);
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
        let no_slot = slots.is_some_and(|slots| slots < claim.max && found == slots);
        if claim.bytes_max < usize::MAX {
            leases = self.fit(leases, claim.bytes_max)?;
        }
        self.note_slots(&mut leases)?;
        if leases.len() == claim.max {
            return Ok(Claimed { leases, ..Claimed::default() });
        }
        let more = dead_lettered.tasks > 0
            || leases.len() < found
            || self.ledger.inbox_left
            || admission.more;
        let next_due = if more { Some(AT_ONCE) } else { self.next_claim(now, &lanes, &admission)? };
        let limited_left = limited_left || admission.left_some;
        let version = self.data_version()?;
        Ok(Claimed {
            leases,
            next_due,
            version,
            limited_left,
            no_slot,
            paused,
            ..Claimed::default()
        })
    }

    /// When a claim from these lanes may find a task again.
    fn next_claim<T>(
        &self,
        now: Moment,
        lanes: &[(Lane, T)],
        admission: &Admission,
    ) -> Result<Option<Timestamp>> {
        let keyed = lanes.iter().any(|(lane, _)| lane.keyed != Keyed::No);
        let first_due = if keyed { self.first_due()? } else { None };
        let starts = first_due.into_iter().chain(admission.next_start);
        Ok(self.next_due(now)?.into_iter().chain(starts.map(Timestamp::from_micros)).min())
    }

    /// Frees what was taken of limits for tasks that were not leased: those that became dead letters, and all others of
    /// a statement that such a one made fail. Lines that were found to have no other task are opened again.
    fn free_unleased(&mut self, picked: &[Picked], leases: &[Lease], dead: DeadLettered) {
        if dead.tasks == 0 {
            return;
        }
        for task in picked {
            if leases.iter().all(|lease| lease.key.id.as_i64() != task.id) {
                self.ledger.limits.left_lease(task.limited_lane, State::Ready);
            }
        }
    }

    /// Takes those of these new leases away whose tasks have expired, which become dead letters.
    fn take_late(
        &self,
        lanes: &[(Lane, Arc<str>)],
        leases: &mut Vec<Lease>,
        now: Timestamp,
    ) -> Result<DeadLettered> {
        let Some((lane, _)) = lanes.first() else {
            return Ok(DeadLettered::default());
        };
        let late = self.split_late(lane.queue, leases, now)?;
        Ok(DeadLettered { tasks: late.len(), suspects: suspects_in(&late) })
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
