//! Extending leases, and committing that a suspect is about to run. The leader does both, except extensions where claims are
//! made in parallel.

use std::collections::HashMap;
use std::time::Instant;

use super::answers::{Answers, is_lease_lost};
use crate::engine::{Answer, Operation};
use crate::model::LeaseKey;
use crate::pool::event::{Event, Outcome};
use crate::pool::shared::Shared;

/// The operations for these leases.
pub(super) fn operations(
    shared: &Shared,
    begin: Option<LeaseKey>,
    extend: &[LeaseKey],
) -> impl Iterator<Item = Operation> {
    let lease = shared.lease;
    let extend = extend.iter().map(move |key| Operation::Extend { key: *key, lease });
    begin.map(Operation::Begin).into_iter().chain(extend)
}

/// Reports to the scheduler which leases hold. What was not extended is tried again at the next heartbeat.
pub(super) fn accept(
    shared: &Shared,
    begin: Option<LeaseKey>,
    extend: Vec<LeaseKey>,
    answers: &mut Answers,
) {
    if let Some(key) = begin {
        match answers.take() {
            Ok(_) => shared.scheduler().begin_committed(key),
            Err(error) if is_lease_lost(&error) => lost(shared, key),
            Err(error) => answers.failed(error),
        }
    }
    let mut ends = HashMap::with_capacity(extend.len());
    for key in extend {
        match answers.take() {
            Ok(Answer::Extended(expires_at)) => {
                ends.insert(key, expires_at);
            }
            Ok(_) => {}
            Err(error) if is_lease_lost(&error) => lost(shared, key),
            Err(error) => answers.failed(error),
        }
    }
    if !ends.is_empty() {
        shared.scheduler().extended(&ends);
    }
}

/// A lease was lost. Its task may also have been settled meanwhile: nothing happens then.
fn lost(shared: &Shared, key: LeaseKey) {
    let never_begun = shared.scheduler().lease_lost(key, Instant::now());
    if let Some(lease) = never_begun {
        shared.send_events(vec![Event {
            id: lease.id(),
            queue: lease.queue.clone(),
            task_type: lease.task_type.clone(),
            worker: None,
            attempt: lease.attempt(),
            outcome: Outcome::LeaseLost,
            duration: None,
            error: None,
        }]);
    }
}
