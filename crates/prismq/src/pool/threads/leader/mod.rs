//! The leader's thread: it carries out what the scheduler decides, and reports the results to it.
//!
//! A transaction writes what handlers noted ([`notes`]), settles what workers ended ([`settle`]), extends leases
//! ([`heartbeat`]) and claims ([`claim`]): each of these provides its operations and accepts their answers, in the same
//! order. Where claims are made in parallel, a second thread claims and extends ([`parallel`]).

mod answers;
mod claim;
mod heartbeat;
mod notes;
pub(super) mod parallel;
mod settle;

use std::time::{Duration, Instant};

use self::answers::Answers;
use self::claim::Before;
use crate::model::Error;
use crate::pool::scheduler::{Batch, LeaderAction, LogEntry, Side};
use crate::pool::shared::Shared;
use crate::time::{Timestamp, offset, wake};

/// A wall clock that moved against the monotonic time by this much was set: microseconds.
const CLOCK_STEP_MIN: u64 = 1_000_000;

/// Leads until the pool ends.
pub(super) fn run(shared: &Shared) {
    let mut wall_offset = offset(shared.core.clock());
    loop {
        let wakeup = shared.leader_signal.count();
        let work_signal = shared.work.count();
        let clock = shared.core.clock().monotonic();
        let now = Instant::now();
        let mut scheduler = shared.scheduler();
        let woken = scheduler.workers_to_wake_overdue(now);
        let action = scheduler.next_leader_action(now, clock, work_signal);
        let is_ending = scheduler.is_ending();
        let looks = scheduler.take_cancel_look(now);
        let log = scheduler.take_log();
        let wakers = scheduler.take_wakers();
        drop(scheduler);
        wake(wakers);
        if is_ending {
            // A shutdown may wait for less than the leader's end.
            shared.notify_progress();
        }
        log.iter().for_each(LogEntry::write);
        shared.wake_workers(woken);
        if looks {
            look_for_cancel_requests(shared);
        }
        match action {
            LeaderAction::Submit(batch) => submit(shared, batch, clock),
            LeaderAction::Poll => poll(shared, &mut wall_offset),
            LeaderAction::Sleep { until, due, idle } => {
                if idle {
                    report_idle(shared);
                }
                shared.leader_signal.wait(wakeup, timeout(shared, until, due));
            }
            LeaderAction::Exit => break,
        }
    }
    let woken = shared.scheduler().stop();
    shared.wake_workers(woken);
    shared.leader_signal.raise();
    shared.notify_progress();
}

/// The pool waits for new work.
fn report_idle(shared: &Shared) {
    shared.notify_progress();
    shared.idle_signal.raise();
}

fn timeout(shared: &Shared, until: Option<Instant>, due: Option<Timestamp>) -> Option<Duration> {
    let until = until.map(|until| until.saturating_duration_since(Instant::now()));
    let due = due.and_then(|due| shared.core.clock().sleep_until(due));
    until.into_iter().chain(due).min()
}

/// Checks whether another process wrote, whether the file is still the one that was opened, and whether the wall clock
/// was set, which schedules follow.
fn poll(shared: &Shared, wall_offset: &mut i64) {
    let offset = offset(shared.core.clock());
    let was_set = offset.abs_diff(*wall_offset) >= CLOCK_STEP_MIN;
    let version = shared.core.engine().and_then(|engine| engine.version());
    let mut scheduler = shared.scheduler();
    if was_set {
        *wall_offset = offset;
        scheduler.end_idle();
    }
    match version {
        Ok(version) if scheduler.idle_version() == Some(version) => {}
        Ok(_) => scheduler.end_idle(),
        Err(error) => {
            drop(scheduler);
            failed(shared, Side::Leader, error);
        }
    }
    // There may be something to claim.
    shared.leader_signal.raise();
}

/// Notifies handlers of requests that other processes made to cancel their tasks. A failure is the next
/// transaction's to report.
fn look_for_cancel_requests(shared: &Shared) {
    if let Ok(requests) = shared.core.engine().and_then(|engine| engine.cancel_requests())
        && !requests.is_empty()
    {
        shared.scheduler().cancel(&requests, Instant::now());
    }
}

fn submit(shared: &Shared, batch: Batch, clock: Timestamp) {
    let Batch { notes, settle, begin, extend, claim } = batch;
    // Before the claim, so that work that comes in during it is not missed.
    let before = Before { work_signal: shared.work.count(), clock };
    let faults = shared.scheduler().faults();
    let is_synced = settle.iter().any(|each| each.is_result() && each.is_uncommitted());
    let operations = notes::operations(&notes)
        .chain(settle::operations(shared, &settle))
        .chain(heartbeat::operations(shared, begin, &extend))
        .chain(claim.as_ref().map(|request| shared.claim_operation(request)))
        .collect();
    let submitted = Instant::now();
    let mut answers = Answers::new(shared.core.submit_all(operations));
    let commit_time = is_synced.then(|| submitted.elapsed());

    notes::accept(shared, notes, &mut answers);
    settle::accept(shared, settle, commit_time, &mut answers);
    heartbeat::accept(shared, begin, extend, &mut answers);
    if let Some(request) = &claim {
        claim::accept(shared, request, before, &mut answers);
    }
    ended(shared, answers, Side::Leader, faults);
}

/// A transaction is answered that was sent after so many faults, and its answers were accepted.
fn ended(shared: &Shared, answers: Answers, side: Side, faults: u64) {
    match answers.into_failure() {
        Some(error) => failed(shared, side, error),
        None => {
            if shared.scheduler().recover(side, faults) {
                tracing::info!("worker pool resumed: the database accepts transactions again");
            }
        }
    }
    let woken = shared.scheduler().workers_to_wake();
    shared.wake_workers(woken);
    // Where another thread claims, each of the two looks at what the other has changed.
    shared.leader_signal.raise();
}

/// The database refused a transaction or a read: the pool tries again later, or a fault suspends or stops it.
fn failed(shared: &Shared, side: Side, error: Error) {
    // What may have been committed can be repeated here: the token of a lease settles a task once.
    if error.is_transient() || matches!(error, Error::CommitUnknown { .. }) {
        tracing::warn!(%error, "worker pool transaction failed: retrying with a backoff of up to 1 s");
        shared.scheduler().back_off(side, Instant::now());
        return;
    }
    if let Some(fault) = shared.fail(error) {
        fault.log();
    }
}
