//! The thread that claims for the leader, where claims are made while it settles.

use std::time::Instant;

use super::answers::Answers;
use super::claim::{self, Before};
use super::{ended, report_idle, timeout};
use crate::pool::scheduler::{ClaimAction, ClaimRequest};
use crate::pool::shared::Shared;

/// Claims until the pool ends.
pub(in crate::pool::threads) fn run(shared: &Shared) {
    loop {
        let wakeup = shared.leader_signal.count();
        let work_signal = shared.core.work().count();
        let clock = shared.core.clock().monotonic();
        // Before the claim, so that work that comes in during it is not missed.
        let before = Before { work_signal, clock };
        let action = shared.scheduler().next_claim_action(Instant::now(), clock, work_signal);
        match action {
            ClaimAction::Claim(request) => make(shared, &request, before),
            ClaimAction::Sleep { until, due, idle } => {
                if idle {
                    report_idle(shared);
                }
                shared.leader_signal.wait(wakeup, timeout(shared, until, due));
            }
            ClaimAction::Exit => break,
        }
    }
}

fn make(shared: &Shared, request: &ClaimRequest, before: Before) {
    let failures = shared.scheduler().failures();
    let operation = shared.claim_operation(request);
    let mut answers = Answers::new(shared.core.submit_all(vec![operation]));
    claim::accept(shared, request, before, &mut answers);
    ended(shared, answers, failures);
}
