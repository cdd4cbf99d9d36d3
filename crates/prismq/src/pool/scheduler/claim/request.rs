//! When the leader claims, and how many tasks.
//!
//! A pool holds one task for each free worker and, beyond that, what [`prefetch`](super::prefetch) allows. It
//! claims up to that number if a worker would be without a task, if only half of it is left, or if a
//! transaction is made anyway: half of it lasts while the next claim is made, and claims are few.

use std::time::Instant;

use super::super::Scheduler;
use super::parallel::PARALLEL_CLAIM_MAX;
use super::quota::Quota;
use crate::model::limits::CLAIM_BATCH_MAX;

/// What a claim of the leader asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClaimRequest {
    /// At most this many tasks.
    pub(crate) tasks: usize,
    /// So many of them begin at once: their attempts count even if the process dies.
    pub(crate) begun: usize,
    /// At most this many of them are suspects.
    pub(crate) suspects: usize,
    /// At most this many of them are counted by a limit: one for each free worker, as one that is held ahead would
    /// keep another process from running it.
    pub(crate) limited: usize,
    /// What each queue may give of them.
    pub(crate) quotas: Vec<Quota>,
}

impl Scheduler {
    /// Whether the leader may claim: the pool takes tasks, its last claim is answered, the queue is not known to be empty,
    /// or a free worker may take what was not claimed ahead, and the listener and the commits of results keep up.
    pub(crate) fn may_claim(&self) -> bool {
        let may_find =
            !self.idle.is_idle() || (self.idle.leaves_limited() && self.has_starving_worker());
        let is_answered = !self.reservations.is_claim_in_flight();
        let keeps_up = !self.listener.is_full() && !self.has_too_many_results();
        self.lifecycle.is_active() && is_answered && may_find && keeps_up
    }

    /// Whether a free worker finds no task, neither ready nor on its way.
    pub(crate) fn has_starving_worker(&self) -> bool {
        self.missing() > 0
    }

    /// How many free workers find no task, neither ready nor on its way.
    pub(crate) fn missing(&self) -> usize {
        self.startable().saturating_sub(self.ready_or_reserved())
    }

    /// How many workers could begin a task.
    fn startable(&self) -> usize {
        self.slots.free().min(self.queues.room_of_all())
    }

    /// Whether the leader must be woken to claim; cheaper than [`Self::claim_request`] and in agreement with
    /// it, as of the last one.
    pub(crate) fn is_low_on_tasks(&self) -> bool {
        self.has_starving_worker() || self.prefetch.is_low(self.ready_or_reserved())
    }

    /// What to claim now, if anything; `in_transaction` if one is made anyway.
    pub(crate) fn claim_request(
        &mut self,
        now: Instant,
        in_transaction: bool,
    ) -> Option<ClaimRequest> {
        let (free, ready) = (self.startable(), self.ready_or_reserved());
        // An idle pool knows that only tasks for free workers may be left.
        let ahead = if self.idle.is_idle() { 0 } else { self.prefetch_target(now) };
        let target = free + ahead;
        let weighted = self.weighted_ready().max(ready);
        // Half of the target, in tasks that take as long as those that are ready.
        self.prefetch
            .set_low_water((ahead > 0).then(|| target * ready.max(1) / (2 * weighted.max(1))));
        let is_low = ready < free || in_transaction || weighted * 2 <= target;
        if !self.may_claim() || !is_low {
            return None;
        }
        let missing = free.saturating_sub(ready);
        let tasks = target.saturating_sub(weighted).max(missing);
        if tasks == 0 {
            return None;
        }
        let tasks = tasks.min(match self.parallel_claims.are_enabled() {
            true => PARALLEL_CLAIM_MAX,
            false => CLAIM_BATCH_MAX,
        });
        // A worker with quick handlers runs them all before another is woken: only its first begins at once.
        let begun = if self.handlers_are_quick() { missing.min(1) } else { missing };
        let quotas = self.quotas(tasks, begun, missing, now);
        if quotas.is_empty() {
            self.prefetch.set_low_water(None);
            return None;
        }
        let suspects = usize::from(self.suspects.may_claim(&self.ready));
        Some(ClaimRequest { tasks, begun, suspects, limited: missing, quotas })
    }

    /// How many tasks a worker may begin, or may be claimed for one by others' transactions.
    fn ready_or_reserved(&self) -> usize {
        self.ready.startable(&self.queues) + self.reservations.reserved()
    }
}
