//! The thread that hears what other processes commit, while the pool waits for work.
//!
//! It claims for idle workers itself, so that one switch of threads is enough until a handler begins.

use std::time::Instant;

use crate::engine::{Answer, Changes};
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
        match changes.wait(&mut version, None, &|| shared.scheduler().is_idle()) {
            Ok(true) => claim(shared),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "watching for commits of other processes failed: polling for them");
                shared.scheduler().poll_alone();
                // It sleeps for the longer interval.
                shared.leader_signal.raise();
                return;
            }
        }
    }
}

/// Claims for idle workers. The leader claims the rest, and handles what failed.
fn claim(shared: &Shared) {
    let mut scheduler = shared.scheduler();
    let (reserved, pauses) = (scheduler.reserve_idle(Instant::now()), scheduler.pauses());
    drop(scheduler);
    if let Some(request) = reserved {
        let answer = shared.core.submit_all(vec![shared.claim_operation(&request)]).pop();
        let claimed = answer.and_then(Result::ok).and_then(Answer::into_claimed);
        let leases = claimed.into_iter().flatten().flat_map(|claimed| claimed.leases).collect();
        shared.deliver_reserved(request.tasks, leases, pauses);
    }
    shared.scheduler().end_idle();
    shared.leader_signal.raise();
}
