//! What the leader does next, and when.
//!
//! It settles, claims and extends in as few transactions as it can: what is due goes together. But no
//! worker's next task waits for the disk: while a worker has none, or where commits are slow, the claim
//! goes ahead alone, as a transaction of nothing but claims is not synced.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::claim::prefetch;
use super::held::settling::{End, Finished};
use super::lifecycle::Phase;
use super::log::Remark;
use super::worker_action::{Batch, Drained, Plan, Room};
use super::{Scheduler, timed_out};
use crate::model::TaskId;
use crate::model::limits::{
    CLAIM_BATCH_MAX, EVENTS_MAX, PREFETCH_TIME, SUSPECT_ALONE, TIMEOUT_GRACE,
};
use crate::model::{Lease, LeaseKey};
use crate::pool::event::{Event, Outcome};
use crate::time::{Moment, Timestamp};

/// A lease is extended so many times before it would expire.
pub(super) const BEATS_PER_LEASE: u32 = 3;

impl Scheduler {
    /// What the leader is to do now. `signalled` is where the signal of new work stands.
    pub(in crate::pool) fn plan(&mut self, now: Instant, clock: Timestamp, signalled: u64) -> Plan {
        self.leader.away = false;
        if self.has_ended(clock) {
            return Plan::Exit;
        }
        self.forget_drained(clock, signalled);
        self.time_out(now);
        self.give_back_excess(now);
        self.let_suspect_go(now);
        let backoff = self.backoff.until(now);
        if backoff.is_none()
            && let Some(batch) = self.batch(now, clock)
        {
            self.looked_at = now;
            self.leader.away = true;
            let ids = |are_results: bool| {
                let chosen = batch.finished.iter();
                let chosen = chosen.filter(|finished| finished.is_result() == are_results);
                chosen.map(|finished| finished.lease.id()).collect()
            };
            (self.leader.settling, self.leader.giving_back) = (ids(true), ids(false));
            self.leader.claiming = batch.claim.is_some();
            self.leader.pauses = self.pauses;
            return Plan::Submit(batch);
        }
        let look_at = self.looked_at + self.settings.look_every;
        if look_at <= now {
            self.looked_at = now;
            self.leader.away = true;
            return Plan::Look;
        }
        let ahead = if self.may_claim() && self.ready.is_empty() {
            prefetch::next_ahead(&self.slots, &self.times, now)
        } else {
            None
        };
        let alone = self.suspect.map(|(_, since)| since + SUSPECT_ALONE);
        let times = [self.due_but_claims(now), backoff, ahead, alone, Some(look_at)];
        let until = times.into_iter().flatten().min();
        let next_due = self.drained.and_then(|drained| drained.next_due);
        // One that is due waits until the database is tried again.
        let beats = backoff.is_none() && self.held().next().is_some();
        let beat = beats.then_some(self.next_beat);
        self.leader.wakes_at = until;
        let due = next_due.into_iter().chain(beat).min();
        Plan::Wait { until, due, idle: self.waits_for_work() }
    }

    /// Whether the leader must be called, as it must act sooner than it wakes by itself.
    pub(in crate::pool) fn calls_leader(&mut self, now: Instant) -> bool {
        if self.leader.away {
            return false;
        }
        let due = if self.has_settled_all() { Some(now) } else { self.due(now) };
        let Some(due) = due else { return false };
        let sooner = self.leader.wakes_at.is_none_or(|at| due < at);
        if sooner {
            self.leader.wakes_at = Some(due);
        }
        sooner
    }

    /// Whether a pool that ends has nothing more to wait for.
    fn has_settled_all(&self) -> bool {
        self.phase == Phase::Draining && self.is_settled(None)
    }

    /// When the leader must act on what workers do, at a cost that does not grow with their number.
    fn due(&self, now: Instant) -> Option<Instant> {
        let claim = (self.may_claim() && self.runs_low()).then_some(now);
        claim
            .map(|at| self.backoff.until(now).unwrap_or(at))
            .into_iter()
            .chain(self.due_but_claims(now))
            .min()
    }

    fn due_but_claims(&self, now: Instant) -> Option<Instant> {
        let suspect = self.ready.unbegun_suspect().map(|_| now);
        let write = suspect.into_iter().chain(self.settle_at()).min();
        let write = write.map(|at| self.backoff.until(now).map_or(at, |until| until.max(at)));
        [write, self.stuck_at(), self.review_at, self.timeout_at].into_iter().flatten().min()
    }

    /// When what is finished is to be committed.
    fn settle_at(&self) -> Option<Instant> {
        let more_to_come = !self.ready.is_empty() && self.phase == Phase::Running;
        self.settling.due(more_to_come, (self.settings.prefetch / 2).max(1))
    }

    fn may_claim(&self) -> bool {
        self.phase == Phase::Running && self.drained.is_none() && self.events < EVENTS_MAX
    }

    /// Whether a worker is without a task, or half of what the leader last wanted held is used up.
    fn runs_low(&self) -> bool {
        let coming = self.ready.len() + self.reserved;
        coming < self.slots.free() || self.leader.low_water.is_some_and(|low| coming <= low)
    }

    /// What is due, as one transaction's operations.
    fn batch(&mut self, now: Instant, clock: Timestamp) -> Option<Batch> {
        let starves = self.ready.len() + self.reserved < self.slots.free();
        let settles = self.settle_at().is_some_and(|at| at <= now);
        let begin = self.ready.unbegun_suspect();
        let writes = settles || begin.is_some();
        // After a fault, what is held is given back first.
        let may_claim = self.fault.is_none() || self.settling.is_empty();
        let claim = if may_claim { self.room(now, writes) } else { None };
        let hurries = (starves || self.settling.is_slow())
            && !self.settling.is_empty()
            && self.leases_are_safe(clock);
        // Never twice in a row, or results would wait for as long as there is work.
        self.leader.hurried = claim.is_some() && hurries && !self.leader.hurried;
        if self.leader.hurried {
            return Some(Batch { claim, ..Batch::default() });
        }
        let extend = self.beat(clock);
        if claim.is_none() && !writes && extend.is_empty() {
            return None;
        }
        Some(Batch { finished: self.settling.take(), begin, extend, claim })
    }

    /// Whether a claim can go ahead of results: it takes back leases that expired, say in an outage, and
    /// would have the finished tasks run again.
    fn leases_are_safe(&self, clock: Timestamp) -> bool {
        let expired = |lease: &Lease| lease.expires_at.monotonic <= clock;
        !self.backoff.has_failed() && !self.settling.iter().any(|done| expired(&done.lease))
    }

    /// What a claim may take now, if anything: all that there is room for where a transaction is made
    /// anyway, else only once half of it is.
    fn room(&mut self, now: Instant, fills_up: bool) -> Option<Room> {
        let (free, held) = (self.slots.free(), self.ready.len() + self.reserved);
        let ahead = self.ahead(now);
        let counted = self.counted().max(held);
        let low_water = |held| (free + ahead) * held / (2 * counted.max(1));
        self.leader.low_water = (ahead > 0).then(|| low_water(held.max(1)));
        let low = held < free || fills_up || counted * 2 <= free + ahead;
        if !self.may_claim() || !low {
            return None;
        }
        let tasks = (free + ahead).saturating_sub(counted).max(free.saturating_sub(held));
        if tasks == 0 {
            return None;
        }
        let idle = free.saturating_sub(held);
        // Where one worker does them all before another is woken, only the first is begun at once.
        let begun = if self.is_quick() { idle.min(1) } else { idle };
        let suspects = usize::from(self.has_permit_to_spare());
        Some(Room { tasks: tasks.min(CLAIM_BATCH_MAX), begun, suspects })
    }

    /// How many tasks to hold beyond one for each free worker.
    fn ahead(&self, now: Instant) -> usize {
        let capacity = prefetch::capacity(&self.slots, &self.times, now);
        let most =
            prefetch::most(self.settings.prefetch, self.settings.workers, self.excess_at, now);
        prefetch::ahead(capacity, &self.times, most)
    }

    /// The tasks held, counted by how long they are expected to take: one of a slow type is as many of
    /// the average.
    fn counted(&self) -> usize {
        let Some(mean) = self.times.mean() else { return self.ready.len() };
        let expected = self.ready.expected(&self.times);
        ((expected.as_secs_f64() / mean.as_secs_f64()).round() as usize)
            .max(self.ready.len().min(1))
    }

    /// Gives back the last of what was held for [`PREFETCH_TIME`] and will not be begun within as much.
    fn give_back_excess(&mut self, now: Instant) {
        if self.review_at.is_none_or(|at| at > now) {
            return;
        }
        let keep = self.slots.free() + self.ahead(now);
        let before = now.checked_sub(PREFETCH_TIME).unwrap_or(now);
        while self.counted() > keep
            && let Some(held) = self.ready.take_last(before)
        {
            self.drop_held(held, End::Release, now);
            self.excess_at = Some(now);
        }
        let next = |since: Instant| (since + PREFETCH_TIME).max(now + PREFETCH_TIME / 2);
        self.review_at = self.ready.oldest().map(next);
    }

    /// A suspect that has run for so long no longer keeps others from running.
    fn let_suspect_go(&mut self, now: Instant) {
        if self.suspect.take_if(|(_, since)| now >= *since + SUSPECT_ALONE).is_some() {
            self.permit = None;
        }
    }

    /// Whether a claim may take a suspect; if so, the pool has the process's permit for it.
    fn has_permit_to_spare(&mut self) -> bool {
        if self.permit.is_some() {
            return self.suspect.is_none() && !self.ready.iter().any(Lease::is_suspect);
        }
        self.permit = self.settings.gate.acquire(&self.signal);
        self.permit.is_some()
    }

    /// Handlers that ran into their limits are notified; the attempts of those that went on are failed.
    fn time_out(&mut self, now: Instant) {
        if self.timeout_at.is_none_or(|at| at > now) {
            return;
        }
        let limits = &self.settings.limits;
        let limit = |task_type: usize| {
            let limit = limits.get(task_type).copied().flatten()?;
            Some((limit, TIMEOUT_GRACE.min(limit)))
        };
        for (worker, lease, limit) in self.slots.time_out(now, limit) {
            self.remarks.push(Remark::TimedOut { task: lease.id(), worker, limit });
            self.stats.timed_out += 1;
            let end = End::Fail(timed_out(limit, None));
            self.settling.push(Finished { lease, worker: Some(worker), end }, now);
        }
        self.timeout_at = self.slots.next_timeout(limit);
    }

    /// The leases to extend, if it is time to.
    fn beat(&mut self, clock: Timestamp) -> Vec<LeaseKey> {
        let every = self.settings.lease / BEATS_PER_LEASE;
        // Further away than any beat only if the clock was set back, by which new leases end earlier.
        let due = clock >= self.next_beat || self.next_beat > clock.after(every);
        if !due {
            return Vec::new();
        }
        self.next_beat = clock.after(every);
        if self.abandoned {
            return Vec::new();
        }
        self.held().map(|lease| lease.key).collect()
    }

    /// Forgets the last short claim once it no longer shows that there is nothing to take.
    fn forget_drained(&mut self, clock: Timestamp, signalled: u64) {
        let holds = |drained: Drained| {
            drained.seen == signalled
                && drained.clock <= clock
                && drained.next_due.is_none_or(|due| due > clock)
                && (!drained.without_suspects || self.settings.gate.is_taken())
        };
        self.drained = self.drained.filter(|drained| holds(*drained));
    }

    /// A claim gave these tasks, each with its type's place in the registry, and came back short if it
    /// drained the queue. `may_be_suspects` if it was made by the permit.
    pub(in crate::pool) fn claimed(
        &mut self,
        leases: Vec<(Lease, usize)>,
        drained: Option<Drained>,
        may_be_suspects: bool,
        now: Instant,
    ) {
        self.leader.claiming = false;
        let has_suspect = leases.iter().any(|(lease, _)| lease.is_suspect());
        if may_be_suspects && !has_suspect {
            self.permit = None;
        }
        // Where there was one suspect there may be more.
        let drained = drained.map(|drained| Drained {
            without_suspects: drained.without_suspects || has_suspect,
            ..drained
        });
        self.drained = drained.filter(|_| self.phase == Phase::Running);
        self.receive(leases, now);
        if self.leader.pauses != self.pauses {
            self.give_back_all(now);
        }
    }

    /// Takes tasks in, or gives them back where the pool has ended meanwhile.
    fn receive(&mut self, leases: Vec<(Lease, usize)>, now: Instant) {
        if leases.is_empty() {
            return;
        }
        self.last_priority = leases.last().map(|(lease, _)| lease.priority);
        self.ready.add(leases, now);
        if self.phase == Phase::Running {
            self.review_at.get_or_insert(now + PREFETCH_TIME);
        } else {
            self.give_back_all(now);
        }
    }

    /// How many tasks a transaction that enqueues may claim for the pool: for idle workers, or one that is
    /// more urgent than what is held, so that it runs before that. They are reserved until
    /// [`Self::deliver`].
    pub(in crate::pool) fn reserve(&mut self, priority: Option<i32>) -> usize {
        if self.phase != Phase::Running || self.fault.is_some() || self.events >= EVENTS_MAX {
            return 0;
        }
        let room = if self.drained.is_some() {
            self.slots.free().saturating_sub(self.ready.len() + self.reserved)
        } else {
            usize::from(priority.is_some_and(|priority| self.holds_less_urgent(priority)))
        };
        self.reserved += room;
        room
    }

    /// Whether a task of this priority is to run before one that is held, or that a claim may bring.
    fn holds_less_urgent(&self, priority: i32) -> bool {
        let held = self.ready.iter().next().map(|lease| lease.priority);
        let coming = self.last_priority.filter(|_| self.leader.claiming);
        held.or(coming).is_some_and(|other| priority < other)
    }

    /// A transaction that enqueues gives what it claimed of so many reserved tasks; `pauses` is how often the
    /// queue had been paused before it.
    pub(in crate::pool) fn deliver(
        &mut self,
        room: usize,
        leases: Vec<(Lease, usize)>,
        pauses: u64,
        now: Instant,
    ) {
        self.reserved = self.reserved.saturating_sub(room);
        self.receive(leases, now);
        if pauses != self.pauses {
            self.give_back_all(now);
        }
    }

    /// How often the queue was paused.
    pub(in crate::pool) const fn pauses(&self) -> u64 {
        self.pauses
    }

    /// The queue is paused: what is held goes back, and so does what a claim brings that was made before.
    pub(in crate::pool) fn paused(&mut self, now: Instant) {
        self.pauses += 1;
        self.give_back_all(now);
    }

    /// Another process wrote to the file, or work came in that the signal does not count.
    pub(in crate::pool) const fn look_again(&mut self) {
        self.drained = None;
    }

    /// Whether the pool waits for work to come in.
    pub(in crate::pool) const fn waits_for_work(&self) -> bool {
        self.drained.is_some()
    }

    /// The store's version when the last claim found nothing more.
    pub(in crate::pool) fn known_version(&self) -> Option<i64> {
        self.drained.map(|drained| drained.version)
    }

    /// What the leader submitted is answered: attempts that are yet to be settled come back.
    pub(in crate::pool) fn settled(
        &mut self,
        events: &[Event],
        unsettled: Vec<Finished>,
        took: Option<Duration>,
        now: Instant,
    ) {
        self.leader.settling = Vec::<TaskId>::new();
        self.leader.giving_back = Vec::<TaskId>::new();
        for event in events {
            self.stats.count(event.outcome);
        }
        for finished in unsettled {
            self.settling.push(finished, now);
        }
        if let Some(took) = took {
            self.settling.committed(took);
        }
    }

    /// The database refused for now: it is tried again later.
    pub(in crate::pool) fn back_off(&mut self, now: Instant) {
        self.backoff.failed(now);
    }

    /// Leases were extended.
    pub(in crate::pool) fn extended(&mut self, ends: &HashMap<LeaseKey, Moment>) {
        let settling = self.settling.iter_mut().map(|finished| &mut finished.lease);
        for lease in self.slots.leases_mut().chain(self.ready.iter_mut()).chain(settling) {
            if let Some(expires_at) = ends.get(&lease.key) {
                lease.expires_at = *expires_at;
            }
        }
    }

    /// The beginning of a suspect is noted.
    pub(in crate::pool) fn suspect_begun(&mut self, key: LeaseKey) {
        self.ready.begun(key);
    }

    /// A lease no longer holds: who runs the task is notified; if nobody does yet, nobody will. Gives
    /// the lease in the second case.
    pub(in crate::pool) fn lost(&mut self, key: LeaseKey) -> Option<Lease> {
        self.slots.lost(key);
        let held = self.ready.take_key(key)?;
        if held.lease.is_suspect() {
            self.permit = None;
        }
        self.stats.count(Outcome::LeaseLost);
        Some(held.lease)
    }

    /// So many events more wait for the listener.
    pub(in crate::pool) const fn events_sent(&mut self, count: usize) {
        self.events += count;
    }

    /// The listener has dealt with one; says whether claims waited for that.
    pub(in crate::pool) const fn event_handled(&mut self) -> bool {
        self.events = self.events.saturating_sub(1);
        self.events + 1 == EVENTS_MAX
    }
}
