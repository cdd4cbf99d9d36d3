//! Whether a task has ended by some time, and what operators may have done to it: known for sure, or possible.

use super::{Call, Delivery, Facts, TaskTrace};
use crate::history::{Event, Op};

impl<'a> Facts<'a> {
    /// The calls on all tasks of a type that may have changed this one between two times.
    pub(in crate::checker) fn acts_on(
        &self,
        op: Op,
        trace: &TaskTrace<'_>,
        (from_ns, until_ns): (u64, u64),
    ) -> impl Iterator<Item = &Call<'a>> {
        let task_type = trace.task_type();
        self.acts.iter().filter(move |call| {
            call.begun.op == op
                && call.may_have_happened()
                && call.begun.task_type.as_deref() == task_type
                && call.begun.t_mono_ns < until_ns
                && call.ended_ns() > from_ns
        })
    }

    /// Whether it may have been put back between two times.
    pub(in crate::checker) fn may_be_redriven(
        &self,
        trace: &TaskTrace<'_>,
        between: (u64, u64),
    ) -> bool {
        self.acts_on(Op::Redrive, trace, between).next().is_some()
    }

    /// Whether it may have been deleted, from its enqueue on.
    pub(in crate::checker) fn may_be_deleted(&self, trace: &TaskTrace<'_>, until_ns: u64) -> bool {
        let enqueued = trace.enqueue.as_ref().map_or(0, |call| call.begun.t_mono_ns);
        self.acts_on(Op::Delete, trace, (enqueued, until_ns)).next().is_some()
    }

    /// Whether its death may have been undone between its beginning and a time.
    pub(in crate::checker) fn may_rise(
        &self,
        trace: &TaskTrace<'_>,
        death: &Call<'_>,
        until_ns: u64,
    ) -> bool {
        death.begun.op == Op::Fail && self.may_be_redriven(trace, (death.begun.t_mono_ns, until_ns))
    }

    /// Whether it may have ended, by its completion, death, cancellation or deletion, before this event.
    pub(in crate::checker) fn may_have_ended(&self, trace: &TaskTrace<'_>, event: &Event) -> bool {
        let before = event.t_mono_ns;
        let begun_before =
            |call: &&Call<'_>| call.begun.t_mono_ns < before && call.may_have_happened();
        let may_die = |call: &Call<'_>| call.end().is_none_or(|end| end.dead != Some(false));
        let settled = trace.uses().filter(begun_before).any(|call| match call.begun.op {
            Op::Complete => true,
            Op::Fail => may_die(call),
            _ => false,
        });
        let expired = trace.enqueue.as_ref().is_some_and(|call| {
            call.begun.lives.is_some_and(|lives| event.t_db >= call.begun.t_db + lives)
        });
        settled
            || expired
            || trace.cancels.iter().any(|call| begun_before(&call) && cancels(call))
            || self.may_be_deleted(trace, before)
            || trace.claims.iter().any(|given| given.event.t_mono_ns < before && is_unheard(given))
            || self.may_have_used_up_attempts(trace, before)
    }

    /// Whether its last lease may have expired, known or not.
    fn may_have_used_up_attempts(&self, trace: &TaskTrace<'_>, before_ns: u64) -> bool {
        let max = trace.enqueue.as_ref().and_then(|call| call.begun.max_attempts);
        let given = trace.claims.iter().filter(|given| given.begun_ns < before_ns);
        let most = given.map(|given| given.attempt() as usize).max().unwrap_or(0)
            + self.unknown_claims_before(trace, before_ns);
        max.is_some_and(|max| most >= max as usize)
    }

    /// Whether it had ended before a call began, and was not redriven until that ended, for sure.
    pub(in crate::checker) fn has_ended(&self, trace: &TaskTrace<'_>, by: &Call<'_>) -> bool {
        let before_ns = by.begun.t_mono_ns;
        let before = |call: &&Call<'_>| call.is_ok() && call.ended_ns() < before_ns;
        let settled = trace.uses().filter(before).any(|call| match call.begun.op {
            Op::Complete => true,
            Op::Fail => {
                let dead = call.end().is_some_and(|end| end.dead == Some(true));
                dead && !self.may_rise(trace, call, by.ended_ns())
            }
            _ => false,
        });
        let at_once = |call: &Call<'_>| call.end().is_some_and(|end| end.cancelled == Some(true));
        settled || trace.cancels.iter().filter(before).any(at_once)
    }
}

/// Whether it was run with a time limit, and what became of it is not recorded: that is done only when the pool reports it.
fn is_unheard(given: &Delivery<'_>) -> bool {
    let settles = |call: &Call<'_>| matches!(call.begun.op, Op::Complete | Op::Fail);
    given.event.limited && !given.uses.iter().any(settles)
}

/// Whether a call may have cancelled its task, or requested that.
pub(in crate::checker) fn cancels(call: &Call<'_>) -> bool {
    call.may_have_happened()
        && !(call.is_ok() && call.end().is_some_and(|end| end.cancelled.is_none()))
}
