//! The thread that claims for the leader and extends leases, where that is done while it settles.

use std::time::Instant;

use super::answers::Answers;
use super::claim::{self, Before};
use super::{ended, failed, heartbeat, report_idle, timeout};
use crate::model::LeaseKey;
use crate::pool::scheduler::{ClaimAction, ClaimRequest, Side};
use crate::pool::shared::Shared;
use crate::time::wake;

/// Claims and extends until the pool ends.
pub(in crate::pool::threads) fn run(shared: &Shared) {
    loop {
        let wakeup = shared.leader_signal.count();
        let work_signal = shared.work.count();
        let clock = shared.core.clock().monotonic();
        // Before the claim, so that work that comes in during it is not missed.
        let before = Before { work_signal, clock };
        let now = Instant::now();
        let mut scheduler = shared.scheduler();
        // The leader may be at the database.
        let woken = scheduler.workers_to_wake_overdue(now);
        let action = scheduler.next_claim_action(now, clock, work_signal);
        drop(scheduler);
        shared.wake_workers(woken);
        match action {
            ClaimAction::Extend(keys) => extend(shared, keys),
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

fn extend(shared: &Shared, keys: Vec<LeaseKey>) {
    let operations = heartbeat::operations(shared, None, &keys).collect();
    let mut answers = Answers::new(shared.core.submit_all(operations));
    heartbeat::accept(shared, None, keys, &mut answers);
    let wakers = shared.scheduler().take_wakers();
    wake(wakers);
    // A success does not end a fault: extensions need not be durable, so they may succeed while results still cannot be
    // committed.
    if let Some(error) = answers.into_failure() {
        failed(shared, Side::Claims, error);
    }
    shared.leader_signal.raise();
}

fn make(shared: &Shared, request: &ClaimRequest, before: Before) {
    let faults = shared.scheduler().faults_at_claim();
    let operation = shared.claim_operation(request);
    let mut answers = Answers::new(shared.core.submit_all(vec![operation]));
    claim::accept(shared, request, before, &mut answers);
    ended(shared, answers, Side::Claims, faults);
}
