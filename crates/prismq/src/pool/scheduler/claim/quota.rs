//! How a claim is divided between the queues of the pool.
//!
//! In strict order, each queue may give all that those before it leave. By share, each may give as many as come to its
//! turn among those that are ready already, and more only where others have fewer. No queue gives more than its own
//! bound lets the pool hold.

use std::time::Instant;

use super::super::Scheduler;

/// What one queue may give to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    /// The place of the queue.
    pub(crate) queue: usize,
    /// At most this many tasks.
    pub(crate) max: usize,
    /// So many before others give more than their shares.
    pub(crate) share: usize,
    /// If it gives no more than this, all of them begin at once.
    pub(crate) begun: usize,
    /// At most this many that a limit counts.
    pub(crate) limited: usize,
}

impl Scheduler {
    /// What each queue may give to a claim of so many tasks, of which so many begin at once and so many are counted by a
    /// limit. Queues that may give none are left out.
    pub(crate) fn quotas(
        &self,
        tasks: usize,
        begun: usize,
        limited: usize,
        now: Instant,
    ) -> Vec<Quota> {
        let quota = |queue: usize| {
            let startable = self.queues.room(queue).saturating_sub(self.ready.len_of(queue));
            let max = tasks.min(self.room_to_hold(queue, now));
            let (begun, limited) = (begun.min(startable), limited.min(startable));
            Quota { queue, max, share: max, begun, limited }
        };
        let mut quotas: Vec<Quota> =
            (0..self.queues.len()).map(quota).filter(|quota| quota.max > 0).collect();
        if self.queues.are_by_share() && quotas.len() > 1 {
            self.divide(tasks, &mut quotas);
        }
        quotas
    }

    /// Divides so many tasks by the turns that the queues have after what is ready.
    fn divide(&self, tasks: usize, quotas: &mut [Quota]) {
        let mut turns: Vec<u64> = quotas
            .iter_mut()
            .map(|quota| {
                quota.share = 0;
                self.queues.turn_after(quota.queue, self.ready.len_of(quota.queue))
            })
            .collect();
        for _ in 0..tasks {
            let open = turns.iter_mut().zip(quotas.iter_mut());
            let open = open.filter(|(_, quota)| quota.share < quota.max);
            let Some((turn, quota)) = open.min_by_key(|(turn, _)| **turn) else { return };
            quota.share += 1;
            *turn += self.queues.step(quota.queue);
        }
    }

    /// A worker has ended a task of a queue, so that another may begin.
    pub(crate) fn queue_ended(&mut self, queue: usize, now: Instant) {
        self.queues.ended(queue);
        self.task_left(queue, now);
    }

    /// A task of a queue that the pool held is gone, so that it may hold another.
    pub(crate) fn task_left(&mut self, queue: usize, now: Instant) {
        if self.queues.is_bounded(queue) && self.is_low_on(queue, now) {
            self.idle.bounded_has_room();
        }
    }
}
