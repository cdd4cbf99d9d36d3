//! The thread that hears what other processes commit, while the pool waits for work.
//!
//! It claims for idle workers at once, as a transaction of this process would, so that one switch of threads is
//! enough until a handler begins.

use crate::engine::{Answer, Changes, Operation};
use crate::pool::shared::Shared;

/// Claims what other processes commit, then wakes the leader, until the pool ends.
pub(super) fn run(shared: &Shared, changes: &dyn Changes) {
    let mut version = shared.core.engine().and_then(|engine| engine.version()).ok();
    loop {
        let seen = shared.idle_signal.count();
        let scheduler = shared.scheduler();
        let (idle, ending) = (scheduler.is_idle(), scheduler.is_ending());
        drop(scheduler);
        if ending {
            return;
        }
        if !idle {
            shared.idle_signal.wait(seen, None);
            continue;
        }
        match changes.wait(&mut version, &|| shared.scheduler().is_idle()) {
            Ok(true) => claim(shared),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "watching for commits of other processes failed: polling for them");
                return;
            }
        }
    }
}

/// Claims for idle workers. The leader claims the rest, and handles what failed.
fn claim(shared: &Shared) {
    let mut scheduler = shared.scheduler();
    let (reserved, pauses) = (scheduler.reserve(None), scheduler.pauses());
    drop(scheduler);
    if reserved > 0 {
        let claim = shared.claim.clone().max(reserved).begun_max(0).suspects_max(0);
        let answer = shared.core.submit_all(vec![Operation::Claim(claim)]).pop();
        let leases = match answer {
            Some(Ok(Answer::Claimed(claimed))) => claimed.leases,
            _ => Vec::new(),
        };
        shared.deliver_reserved(reserved, leases, pauses);
    }
    shared.scheduler().end_idle();
    shared.leader_signal.raise();
}
