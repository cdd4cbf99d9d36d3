//! The leader's life: settle what workers finished, claim for them, extend leases, and watch the queue
//! while there is nothing to do.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Shared;
use super::event::{Event, Outcome};
use super::scheduler::{Batch, Drained, End, Finished, Plan, Remark, Room};
use crate::engine::{AT_ONCE, Answer, Claimed, Operation};
use crate::model::{Error, LeaseKey, Result, State};
use crate::time::Timestamp;

/// Leads until the pool ends.
pub(super) fn lead(shared: &Shared) {
    loop {
        let seen = shared.signal.count();
        let signalled = shared.core.work().count();
        let clock = shared.core.clock().monotonic();
        let now = Instant::now();
        let mut scheduler = shared.scheduler();
        let stuck = scheduler.free_stuck(now);
        let plan = scheduler.plan(now, clock, signalled);
        if scheduler.ends() {
            // A shutdown may wait for less than the leader's end.
            shared.ended.notify_all();
        }
        let remarks = scheduler.take_remarks();
        drop(scheduler);
        remarks.iter().for_each(Remark::log);
        shared.wake(stuck);
        match plan {
            Plan::Submit(batch) => submit(shared, batch, clock),
            Plan::Look => look(shared),
            Plan::Wait { until, due, idle } => {
                if idle {
                    shared.listen.raise();
                }
                shared.signal.wait(seen, timeout(shared, until, due));
            }
            Plan::Exit => break,
        }
    }
    let woken = shared.scheduler().stop();
    shared.wake(woken);
    shared.ended.notify_all();
}

fn timeout(shared: &Shared, until: Option<Instant>, due: Option<Timestamp>) -> Option<Duration> {
    let until = until.map(|until| until.saturating_duration_since(Instant::now()));
    let due = due.and_then(|due| shared.core.clock().sleep_until(due));
    until.into_iter().chain(due).min()
}

/// Looks whether another process wrote, and whether the file is still the one that was opened.
fn look(shared: &Shared) {
    let version = shared.core.version();
    let mut scheduler = shared.scheduler();
    match version {
        Ok(version) if scheduler.known_version() == Some(version) => {}
        Ok(_) => scheduler.look_again(),
        Err(error) => {
            drop(scheduler);
            refused(shared, error);
        }
    }
}

fn submit(shared: &Shared, batch: Batch, clock: Timestamp) {
    let Batch { finished, begin, extend, claim } = batch;
    // Before the claim, so that work that comes in during it is not missed.
    let seen = shared.core.work().count();
    let syncs =
        finished.iter().any(|finished| !matches!(finished.end, End::Release | End::Unread(_)));
    let operations = operations(shared, &finished, begin, &extend, claim);
    let began = Instant::now();
    let mut answers = shared.core.submit_all(operations).into_iter();
    let mut next = || answers.next().unwrap_or_else(|| Err(Error::unanswered()));
    let took = syncs.then(|| began.elapsed());

    let mut trouble = None;
    settle(shared, finished, took, &mut next, &mut trouble);
    if let Some(key) = begin {
        match next() {
            Ok(_) => shared.scheduler().suspect_begun(key),
            Err(error) if is_gone(&error) => lost(shared, key),
            Err(error) => trouble = Some(error),
        }
    }
    extended(shared, extend, &mut next, &mut trouble);
    if let Some(room) = claim {
        claimed(shared, room, next(), (seen, clock), &mut trouble);
    }
    match trouble {
        None => {
            if shared.scheduler().recover() {
                tracing::info!("worker pool resumed: the queue works again");
            }
        }
        Some(error) => refused(shared, error),
    }
    let woken = shared.scheduler().wake();
    shared.wake(woken);
}

fn operations(
    shared: &Shared,
    finished: &[Finished],
    begin: Option<LeaseKey>,
    extend: &[LeaseKey],
    claim: Option<Room>,
) -> Vec<Operation> {
    let lease = shared.claim.lease;
    let settle = finished.iter().map(|finished| match &finished.end {
        End::Complete => Operation::Complete(finished.lease.key),
        End::Fail(error) => shared.core.failure(&finished.lease, error.clone()),
        End::Release => Operation::Release(finished.lease.key),
        End::Unread(error) => shared.core.settle_unread(&finished.lease, error),
    });
    let begin = begin.map(Operation::Begin);
    let extend = extend.iter().map(|key| Operation::Extend { key: *key, lease });
    let claim = claim.map(|room| {
        let claim = shared.claim.clone().max(room.tasks).begun_max(room.begun);
        Operation::Claim(claim.suspects_max(room.suspects))
    });
    settle.chain(begin).chain(extend).chain(claim).collect()
}

/// Takes in how attempts were settled; those that were not come back to be settled again.
fn settle(
    shared: &Shared,
    finished: Vec<Finished>,
    took: Option<Duration>,
    next: &mut impl FnMut() -> Result<Answer>,
    trouble: &mut Option<Error>,
) {
    if finished.is_empty() {
        return;
    }
    let mut unsettled = Vec::new();
    let mut events = Vec::with_capacity(finished.len());
    for finished in finished {
        match outcome(next()) {
            Ok(outcome) => events.push(Event {
                id: finished.lease.id(),
                worker: finished.worker,
                attempt: finished.lease.attempt(),
                outcome,
            }),
            Err(error) => {
                *trouble = Some(error);
                unsettled.push(finished);
            }
        }
    }
    // Before the results count as settled, so that a shutdown waits for the listener too.
    shared.tell(&events);
    shared.scheduler().settled(&events, unsettled, took, Instant::now());
}

/// How an attempt ended; an error if it must be settled again.
fn outcome(answer: Result<Answer>) -> Result<Outcome> {
    match answer {
        Ok(Answer::Completed) => Ok(Outcome::Completed),
        Ok(Answer::Released) => Ok(Outcome::Released),
        Ok(Answer::Failed(State::Dead)) => Ok(Outcome::Dead),
        Ok(Answer::Failed(_)) => Ok(Outcome::Retried),
        Ok(_) => Err(Error::unanswered()),
        Err(error) if is_gone(&error) => Ok(Outcome::LeaseLost),
        Err(error) => Err(error),
    }
}

/// Whether a lease holds no more; also once another content was restored into its file.
const fn is_gone(error: &Error) -> bool {
    matches!(error, Error::LeaseLost { .. } | Error::ForeignLease { .. })
}

/// Takes in how leases were extended; what was not is tried again at the next heartbeat.
fn extended(
    shared: &Shared,
    keys: Vec<LeaseKey>,
    next: &mut impl FnMut() -> Result<Answer>,
    trouble: &mut Option<Error>,
) {
    let mut ends = HashMap::with_capacity(keys.len());
    for key in keys {
        match next() {
            Ok(Answer::Extended(expires_at)) => {
                ends.insert(key, expires_at);
            }
            Err(error) if is_gone(&error) => lost(shared, key),
            Ok(_) => {}
            Err(error) => *trouble = Some(error),
        }
    }
    if !ends.is_empty() {
        shared.scheduler().extended(&ends);
    }
}

/// Also the answer for a task that was settled while its extension was on the way: then nobody holds it
/// any more and nothing happens.
fn lost(shared: &Shared, key: LeaseKey) {
    let never_begun = shared.scheduler().lost(key);
    if let Some(lease) = never_begun {
        let (id, attempt) = (lease.id(), lease.attempt());
        shared.tell(&[Event { id, worker: None, attempt, outcome: Outcome::LeaseLost }]);
    }
}

/// Takes in what a claim found; `before` is where the signal of new work and the clock stood.
fn claimed(
    shared: &Shared,
    room: Room,
    answer: Result<Answer>,
    before: (u64, Timestamp),
    trouble: &mut Option<Error>,
) {
    let now = Instant::now();
    let claimed = match answer {
        Ok(Answer::Claimed(claimed)) => claimed,
        Ok(_) => return,
        Err(error) => {
            *trouble = Some(error);
            shared.scheduler().claimed(Vec::new(), None, room.suspects > 0, now);
            return;
        }
    };
    let Claimed { leases, next_due, version, paused } = claimed;
    let (seen, clock) = before;
    let without_suspects = room.suspects == 0;
    let short = leases.len() < room.tasks && next_due != Some(AT_ONCE);
    let drained = short.then_some(Drained { seen, clock, version, next_due, without_suspects });
    let leases = shared.with_types(leases);
    let mut scheduler = shared.scheduler();
    scheduler.claimed(leases, drained, room.suspects > 0, now);
    if paused {
        scheduler.paused(now);
    }
}

/// The database refused: later it may not, or the pool ends.
fn refused(shared: &Shared, error: Error) {
    let now = Instant::now();
    if error.is_transient() {
        tracing::warn!(%error, "the worker pool tries again");
        shared.scheduler().back_off(now);
        return;
    }
    let fault = shared.scheduler().fail(error, now);
    if let Some(fault) = fault {
        shared.report(&fault);
    }
}
