//! Receiving claimed tasks, or releasing them at once.
//!
//! They are released if the pool began to end or met a fault meanwhile, or if their queue was paused after the claim was
//! sent: a pause takes back everything held ahead, and so what is on its way too. The number of pauses when a claim was
//! sent shows whether there was one since.

use std::time::Instant;

use super::super::Scheduler;
use super::idle::ShortClaim;
use crate::model::Lease;

/// How often the pool's queues were paused.
#[derive(Debug)]
pub(crate) struct Pauses {
    count: u64,
    /// The count when the leader's last claim was sent.
    at_claim: u64,
    /// How many faults had been met then.
    faults_at_claim: u64,
    /// The count when each queue was last paused.
    of_queues: Vec<u64>,
}

impl Pauses {
    pub(crate) fn new(queues: usize) -> Self {
        Self { count: 0, at_claim: 0, faults_at_claim: 0, of_queues: vec![0; queues] }
    }

    /// The leader sends a claim.
    pub(crate) const fn claim_sent(&mut self, faults: u64) {
        (self.at_claim, self.faults_at_claim) = (self.count, faults);
    }
}

impl Scheduler {
    /// The leader's claim returned these tasks, each with the index of its type, and [`ShortClaim`] if they are
    /// fewer than it asked for. `with_permit` if it could take a suspect.
    pub(in crate::pool) fn accept_claim(
        &mut self,
        leases: Vec<(Lease, usize)>,
        short: Option<ShortClaim>,
        with_permit: bool,
        now: Instant,
    ) {
        self.reservations.set_claim_in_flight(false);
        if short.is_some() && leases.is_empty() {
            self.reservations.claimed(&[], &self.queues);
        }
        let has_suspect = leases.iter().any(|(lease, _)| lease.is_suspect());
        if with_permit && !has_suspect {
            self.suspects.drop_permit();
        }
        // Where there was one suspect there may be more.
        let short = short.map(|short| ShortClaim {
            without_suspects: short.without_suspects || has_suspect,
            ..short
        });
        self.idle.set(short.filter(|_| self.lifecycle.is_active()));
        self.accept(leases, self.pauses.at_claim, now);
        // A fault was met since, which suspends the pool.
        if self.lifecycle.has_fault() && self.faults() != self.pauses.faults_at_claim {
            self.release_ready(now);
        }
    }

    /// A transaction of others delivers what it claimed of this many reserved tasks; `pauses` is
    /// [`Self::pauses`] from before it.
    pub(in crate::pool) fn deliver(
        &mut self,
        reserved: usize,
        leases: Vec<(Lease, usize)>,
        pauses: u64,
        now: Instant,
    ) {
        self.reservations.release(reserved);
        self.accept(leases, pauses, now);
        if self.lifecycle.has_fault() {
            self.release_ready(now);
        }
    }

    /// How many faults had been met when the leader's last claim was sent.
    pub(in crate::pool) const fn faults_at_claim(&self) -> u64 {
        self.pauses.faults_at_claim
    }

    /// How often the pool's queues were paused.
    pub(in crate::pool) const fn pauses(&self) -> u64 {
        self.pauses.count
    }

    /// One of the queues is paused: all of its tasks that no worker has begun are released.
    pub(in crate::pool) fn paused(&mut self, queue: usize, now: Instant) {
        self.pauses.count += 1;
        if let Some(last) = self.pauses.of_queues.get_mut(queue) {
            *last = self.pauses.count;
        }
        self.release_ready_of(queue, now);
    }

    fn accept(&mut self, leases: Vec<(Lease, usize)>, pauses: u64, now: Instant) {
        if !leases.is_empty() {
            self.reservations.claimed(&leases, &self.queues);
            self.ready.add(leases, &mut self.queues, now);
            self.prefetch.tasks_ready(now);
        }
        if !self.lifecycle.is_active() {
            self.release_ready(now);
        } else if pauses != self.pauses.count {
            let paused = |queue: &usize| self.pauses.of_queues.get(*queue) > Some(&pauses);
            let paused: Vec<usize> = (0..self.queues.len()).filter(paused).collect();
            paused.into_iter().for_each(|queue| self.release_ready_of(queue, now));
        }
    }
}
