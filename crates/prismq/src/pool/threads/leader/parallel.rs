//! The thread that claims for the leader and extends leases, where that is done while it settles.

use std::time::Instant;

use super::answers::Answers;
use super::claim::{self, Before};
use super::{ended, heartbeat, report_idle, timeout};
use crate::model::LeaseKey;
use crate::pool::scheduler::{ClaimAction, ClaimRequest};
use crate::pool::shared::Shared;

/// Claims and extends until the pool ends.
pub(in crate::pool::threads) fn run(shared: &Shared) {
    loop {
        let wakeup = shared.leader_signal.count();
        let work_signal = shared.core.work().count();
        let clock = shared.core.clock().monotonic();
        // Before the claim, so that work that comes in during it is not missed.
        let before = Before { work_signal, clock };
        let action = shared.scheduler().next_claim_action(Instant::now(), clock, work_signal);
        match action {
            ClaimAction::Submit { extend, claim } => submit(shared, extend, claim.as_ref(), before),
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

fn submit(shared: &Shared, extend: Vec<LeaseKey>, claim: Option<&ClaimRequest>, before: Before) {
    let failures = shared.scheduler().failures();
    let operations = heartbeat::operations(shared, None, &extend)
        .chain(claim.map(|request| shared.claim_operation(request)))
        .collect();
    let mut answers = Answers::new(shared.core.submit_all(operations));
    heartbeat::accept(shared, None, extend, &mut answers);
    if let Some(request) = claim {
        claim::accept(shared, request, before, &mut answers);
    }
    ended(shared, answers, failures);
}
