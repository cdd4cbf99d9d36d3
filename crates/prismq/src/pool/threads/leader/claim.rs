//! The leader's claim.

use std::time::Instant;

use super::answers::Answers;
use crate::engine::{AT_ONCE, Answer, Claimed, Operation};
use crate::pool::scheduler::{ClaimRequest, ShortClaim};
use crate::pool::shared::Shared;
use crate::time::Timestamp;

/// What was known before the claim was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    /// The count of the signal of new work.
    pub(super) work_signal: u64,
    /// The queue's monotonic time.
    pub(super) clock: Timestamp,
}

/// The claim, if one is requested.
pub(super) fn operation(shared: &Shared, request: Option<ClaimRequest>) -> Option<Operation> {
    let request = request?;
    let claim = shared.claim.clone().max(request.tasks).begun_max(request.begun);
    Some(Operation::Claim(claim.suspects_max(request.suspects).limited_max(request.limited)))
}

/// Hands what was claimed to the scheduler.
pub(super) fn accept(
    shared: &Shared,
    request: ClaimRequest,
    before: Before,
    answers: &mut Answers,
) {
    let now = Instant::now();
    let with_permit = request.suspects > 0;
    let claimed = match answers.take() {
        Ok(Answer::Claimed(claimed)) => claimed,
        Ok(_) => return,
        Err(error) => {
            answers.failed(error);
            shared.scheduler().accept_claim(Vec::new(), None, with_permit, now);
            return;
        }
    };
    let Claimed { leases, next_due, version, limited_left, no_slot: _, paused } = claimed;
    let is_short = leases.len() < request.tasks && next_due != Some(AT_ONCE);
    let short = is_short.then_some(ShortClaim {
        work_signal: before.work_signal,
        clock: before.clock,
        version,
        next_due,
        without_suspects: !with_permit,
        limited_left,
    });
    let leases = shared.with_type_indices(leases);
    let mut scheduler = shared.scheduler();
    scheduler.accept_claim(leases, short, with_permit, now);
    if paused {
        scheduler.paused(now);
    }
}
