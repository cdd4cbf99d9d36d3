//! The calls on one task, and the deliveries of it.

use crate::audit::StoredTask;
use crate::history::{Event, Op, Phase};

/// A call and its answers.
#[derive(Debug, Clone)]
pub(in crate::checker) struct Call<'a> {
    pub(in crate::checker) begun: &'a Event,
    /// Of a claim, one for each task it was given.
    pub(in crate::checker) ends: Vec<&'a Event>,
}

impl<'a> Call<'a> {
    /// Its outcome: `Info` if the answer was not recorded, or not completely.
    pub(in crate::checker) fn outcome(&self) -> Phase {
        match self.ends.last() {
            Some(end) if end.op == Op::Claim && end.count.unwrap_or(0) > 0 => Phase::Info,
            Some(end) => end.phase,
            None => Phase::Info,
        }
    }

    /// Whether it was done or may have been.
    pub(in crate::checker) fn may_have_happened(&self) -> bool {
        self.outcome() != Phase::Fail
    }

    pub(in crate::checker) fn is_ok(&self) -> bool {
        self.outcome() == Phase::Ok
    }

    /// When its answer was recorded; `u64::MAX` without one.
    pub(in crate::checker) fn ended_ns(&self) -> u64 {
        self.ends.last().map_or(u64::MAX, |end| end.t_mono_ns)
    }

    pub(in crate::checker) fn end(&self) -> Option<&'a Event> {
        self.ends.last().copied()
    }
}

/// A task given by a claim, and what was done with the lease; or one that a pool ran, which it had claimed
/// at some time since its start.
#[derive(Debug, Clone)]
pub(in crate::checker) struct Delivery<'a> {
    /// When the claim was called, at the earliest.
    pub(in crate::checker) begun_ns: u64,
    /// The claim's answer, or the beginning of a pool's handler.
    pub(in crate::checker) event: &'a Event,
    /// By when the task was given at the latest, by the queue's clock: at the time of the event unless
    /// [`Rules::claims_read_time_first`](crate::checker::Rules::claims_read_time_first).
    pub(in crate::checker) given_by: i64,
    /// When the pool's handler ended.
    pub(super) ended_ns: u64,
    /// Calls with this lease's token, in order.
    pub(in crate::checker) uses: Vec<Call<'a>>,
}

impl<'a> Delivery<'a> {
    pub(in crate::checker) fn token(&self) -> i64 {
        self.event.token.unwrap_or(0)
    }

    pub(in crate::checker) fn attempt(&self) -> u32 {
        self.event.attempt.unwrap_or(0)
    }

    /// Whether a pool ran it.
    pub(in crate::checker) fn is_run(&self) -> bool {
        self.event.op == Op::RunHandler
    }

    /// The call, not known to be refused, that ended the lease before this time, if one did.
    pub(in crate::checker) fn settled_before(&self, t_mono_ns: u64) -> Option<&Call<'a>> {
        self.uses.iter().find(|call| {
            matches!(call.begun.op, Op::Complete | Op::Fail | Op::Release)
                && call.may_have_happened()
                && call.begun.t_mono_ns < t_mono_ns
        })
    }

    /// When the lease ends by itself, as far as calls begun before this time moved it; `None` if that is
    /// not known.
    /// A pool extends leases as it sees fit.
    pub(in crate::checker) fn expiry_before(&self, t_mono_ns: u64) -> Option<i64> {
        if self.is_run() {
            return None;
        }
        let mut expiry = self.event.expires_at;
        let extensions = self.uses.iter().filter(|call| {
            call.begun.op == Op::Extend
                && call.may_have_happened()
                && call.begun.t_mono_ns < t_mono_ns
        });
        for call in extensions {
            expiry = call.is_ok().then(|| call.end()?.expires_at).flatten();
        }
        expiry
    }

    /// Until when the lease holds at least, unless it is settled.
    pub(in crate::checker) fn held_until(&self, t_mono_ns: u64) -> Option<i64> {
        if !self.is_run() {
            return self.expiry_before(t_mono_ns);
        }
        // A failure with a time limit is recorded only once the pool reports it.
        let unheard = self.event.limited && self.ended_ns < t_mono_ns;
        self.event.expires_at.filter(|_| !unheard)
    }
}

/// Everything recorded of one task.
#[derive(Debug, Clone, Default)]
pub(in crate::checker) struct TaskTrace<'a> {
    pub(in crate::checker) enqueue: Option<Call<'a>>,
    /// Known claims, by token.
    pub(in crate::checker) claims: Vec<Delivery<'a>>,
    /// Claims that a pool lost before it ran the task.
    pub(in crate::checker) lost_claims: usize,
    /// Calls that cancel it.
    pub(in crate::checker) cancels: Vec<Call<'a>>,
    /// Calls with a token of no known claim.
    pub(in crate::checker) unmatched: Vec<Call<'a>>,
    /// What the last snapshot holds of it.
    pub(in crate::checker) stored: Option<&'a StoredTask>,
}

impl<'a> TaskTrace<'a> {
    /// Calls on leases of this task.
    pub(in crate::checker) fn uses(&self) -> impl Iterator<Item = &Call<'a>> {
        self.claims.iter().flat_map(|given| &given.uses).chain(&self.unmatched)
    }

    /// Its type, if that is known.
    pub(in crate::checker) fn task_type(&self) -> Option<&'a str> {
        let enqueued = self.enqueue.as_ref().map(|call| call.begun);
        let given = self.claims.iter().map(|given| given.event);
        enqueued.into_iter().chain(given).find_map(|event| event.task_type.as_deref())
    }

    /// The slot that a schedule enqueued it for.
    pub(in crate::checker) fn slot(&self) -> Option<i64> {
        let given = self.claims.iter().find_map(|given| given.event.slot);
        given.or_else(|| self.stored?.slot)
    }

    /// By when it must have started at the latest, if it has a time to live.
    pub(in crate::checker) fn start_by(&self) -> Option<i64> {
        let enqueue = self.enqueue.as_ref().filter(|call| call.is_ok())?;
        Some(enqueue.end()?.t_db + enqueue.begun.lives?)
    }
}
