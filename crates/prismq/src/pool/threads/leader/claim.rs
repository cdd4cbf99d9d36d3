//! The leader's claim.

use std::time::Instant;

use super::answers::Answers;
use crate::engine::{AT_ONCE, Answer, Claimed};
use crate::model::Error;
use crate::pool::scheduler::{ClaimRequest, Quota, ShortClaim};
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

/// Hands what was claimed to the scheduler.
pub(super) fn accept(
    shared: &Shared,
    request: &ClaimRequest,
    before: Before,
    answers: &mut Answers,
) {
    let now = Instant::now();
    let with_permit = request.suspects > 0;
    let claimed = match answers.take().map(Answer::into_claimed) {
        Ok(Some(claimed)) => claimed,
        refused => {
            answers.failed(refused.err().unwrap_or_else(Error::unanswered));
            shared.scheduler().accept_claim(Vec::new(), None, with_permit, now);
            return;
        }
    };
    let short = short(shared.claims.len(), request, &claimed, before);
    let of_queues = || request.quotas.iter().map(|quota| quota.queue);
    let is_paused = |(queue, claimed): (usize, &Claimed)| claimed.paused.then_some(queue);
    let paused: Vec<usize> = of_queues().zip(&claimed).filter_map(is_paused).collect();
    let leases = claimed.into_iter().flat_map(|claimed| claimed.leases).collect();
    let leases = shared.with_type_indices(leases);
    let mut scheduler = shared.scheduler();
    scheduler.accept_claim(leases, short, with_permit, now);
    paused.into_iter().for_each(|queue| scheduler.paused(queue, now));
}

/// What the claim had seen, if it found fewer tasks than it asked for, of a pool with so many queues.
fn short(
    queues: usize,
    request: &ClaimRequest,
    claimed: &[Claimed],
    before: Before,
) -> Option<ShortClaim> {
    let found: usize = claimed.iter().map(|claimed| claimed.leases.len()).sum();
    if found >= request.tasks || claimed.iter().any(|claimed| claimed.next_due == Some(AT_ONCE)) {
        return None;
    }
    let quotas = || request.quotas.iter().zip(claimed);
    // A queue at its bound gives no more, limited or not, until one of its tasks ends.
    let is_bounded = |quota: &Quota| quota.limited < request.limited;
    let is_full = |(quota, claimed): (&Quota, &Claimed)| {
        let gave_all = quota.max < request.tasks && claimed.leases.len() >= quota.max;
        gave_all || claimed.limited_left && is_bounded(quota)
    };
    let leaves_limited =
        |(quota, claimed): (&Quota, &Claimed)| claimed.limited_left && !is_bounded(quota);
    let all_asked = request.quotas.len() == queues;
    Some(ShortClaim {
        work_signal: before.work_signal,
        clock: before.clock,
        version: claimed.iter().map(|claimed| claimed.version).max()?,
        next_due: claimed.iter().filter_map(|claimed| claimed.next_due).min(),
        without_suspects: request.suspects == 0,
        limited_left: quotas().any(leaves_limited),
        bounded_left: !all_asked || quotas().any(is_full),
        ready_left: claimed.iter().any(|claimed| claimed.ready_left),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Before = Before { work_signal: 1, clock: Timestamp::from_micros(1) };

    fn quota(queue: usize, max: usize, limited: usize) -> Quota {
        Quota { queue, max, share: max, begun: limited, limited }
    }

    /// What a claim for two workers has seen that found nothing in these queues.
    fn short_of(quotas: Vec<Quota>, claimed: &[Claimed]) -> ShortClaim {
        let request = ClaimRequest { tasks: 2, begun: 2, suspects: 1, limited: 2, quotas };
        short(2, &request, claimed, BEFORE).unwrap()
    }

    #[test]
    fn a_queue_that_was_not_asked_may_have_tasks() {
        let short = short_of(vec![quota(1, 2, 2)], &[Claimed::default()]);
        assert!(short.bounded_left && !short.limited_left);
        let short = short_of(
            vec![quota(0, 2, 2), quota(1, 2, 2)],
            &[Claimed::default(), Claimed::default()],
        );
        assert!(!short.bounded_left && !short.limited_left);
    }

    /// Else a pool that runs until its queue is empty would end before.
    #[test]
    fn a_claim_that_did_not_look_from_the_first_task_may_have_left_some() {
        let quotas = || vec![quota(0, 2, 2), quota(1, 2, 2)];
        let in_part = || Claimed { ready_left: true, ..Claimed::default() };
        assert!(short_of(quotas(), &[Claimed::default(), in_part()]).ready_left);
        assert!(!short_of(quotas(), &[Claimed::default(), Claimed::default()]).ready_left);
    }

    /// Else the leader would claim again and again for the workers that the bound leaves free.
    #[test]
    fn limited_tasks_that_a_bound_leaves_wait_for_a_task_of_their_queue_to_end() {
        let left = || Claimed { limited_left: true, ..Claimed::default() };
        let quotas = || vec![quota(0, 2, 0), quota(1, 2, 2)];
        let bounded = short_of(quotas(), &[left(), Claimed::default()]);
        assert!(bounded.bounded_left && !bounded.limited_left);
        let free = short_of(quotas(), &[Claimed::default(), left()]);
        assert!(free.limited_left && !free.bounded_left);
    }
}
