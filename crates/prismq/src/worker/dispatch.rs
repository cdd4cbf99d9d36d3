//! A worker's life: ask the state what to do, and do it.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::event::{Event, Outcome};
use super::state::{Drained, End, Finished, Step, Wake};
use super::{Crew, TaskContext};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::lease::{Lease, Payload};
use crate::limits::READ_BYTES_MAX;
use crate::store::{Answer, Claimed, Operation};
use crate::task::State as TaskState;

/// Works until the pool ends.
pub(super) fn work(crew: &Crew, worker: usize) {
    let lost = crew.state().lost_flag(worker);
    let mut done: Option<Done> = None;
    loop {
        let signalled = crew.queue.work().count();
        let clock = crew.queue.clock().monotonic();
        let now = Instant::now();
        let mut state = crew.state();
        if let Some(Done { finished, took }) = done.take() {
            state.finish(finished, took, now);
        }
        match state.next(now, clock, signalled) {
            Step::Run(lease) => {
                state.begin(worker, lease.key, now);
                let wake = state.wake();
                let must_attend = state.must_attend(wake != Wake::Nobody);
                drop(state);
                crew.wake(wake);
                if must_attend {
                    crew.attend.raise();
                }
                done = Some(run(crew, worker, lease, clock, &lost));
            }
            Step::Read(keys) => {
                drop(state);
                let read = crew.queue.read_payloads(keys, READ_BYTES_MAX);
                crew.state().end_read(read, Instant::now());
            }
            Step::Lead { finished, room, idle } => {
                let wake = state.wake();
                let must_attend = state.must_attend(wake != Wake::Nobody);
                drop(state);
                crew.wake(wake);
                if must_attend {
                    crew.attend.raise();
                }
                lead(crew, finished, room, idle);
            }
            Step::Watch { drained, room } => {
                drop(state);
                crew.listen.raise();
                let ticket = crew.queue.leave_waiting(crew.claim.clone().max(room).begun_max(0));
                let found = watch(crew, drained);
                let leases = crew.queue.withdraw(ticket);
                crew.state().end_watch(leases, found);
            }
            Step::Wait(timeout) => {
                state.waits(true);
                crew.wait(state, timeout).waits(false);
            }
            Step::Exit => break,
        }
    }
    crew.changed.notify_all();
}

/// A handler's end.
struct Done {
    finished: Finished,
    took: Duration,
}

fn run(crew: &Crew, worker: usize, mut lease: Lease, clock: Timestamp, lost: &AtomicBool) -> Done {
    let started = Instant::now();
    let end = if lease.expires_at.monotonic <= clock || !begin(crew, &lease) {
        // Held too long in a stopped process: the task is or will be another's.
        End::Release
    } else {
        match crew.registry.run(&TaskContext { lease: &lease, worker, lost }) {
            Ok(()) => End::Complete,
            Err(error) => End::Fail(error),
        }
    };
    let took = started.elapsed();
    // What waits to be settled needs no memory for it.
    lease.payload = Payload::unread();
    Done { finished: Finished { lease, worker: Some(worker), end }, took }
}

/// Notes in the file that a task is begun which may have killed its process before, so that it does so
/// no more often than it has attempts; any other needs no note, and no write. `false` if it cannot be.
fn begin(crew: &Crew, lease: &Lease) -> bool {
    if !lease.is_suspect() {
        return true;
    }
    let mut answers = crew.queue.submit_all(vec![Operation::Begin(lease.key)]);
    matches!(answers.pop(), Some(Ok(Answer::Begun)))
}

/// Waits until work is signalled, something falls due, or there may be more than the last claim knew of,
/// which is the answer's meaning: another process wrote to the file, or the clock was set back.
fn watch(crew: &Crew, drained: Drained) -> bool {
    loop {
        let due = drained.next_due.and_then(|due| crew.queue.clock().sleep_until(due));
        let timeout = due.unwrap_or(Duration::MAX).min(crew.others_interval);
        if crew.queue.work().wait(drained.seen, Some(timeout)) != drained.seen {
            return false;
        }
        match crew.queue.version() {
            Ok(version) if version == drained.version => {}
            // What is wrong will show in the claim.
            Ok(_) | Err(_) => return true,
        }
        let clock = crew.queue.clock().monotonic();
        if clock < drained.clock {
            return true;
        }
        if drained.next_due.is_some_and(|due| due <= clock) {
            return false;
        }
    }
}

/// Settles what is finished and claims up to `room` tasks, in one submission. `idle` workers take what
/// is claimed in hand at once.
pub(super) fn lead(crew: &Crew, finished: Vec<Finished>, room: usize, idle: usize) {
    // Before the claim, so that work that comes during it is not missed.
    let seen = crew.queue.work().count();
    let clock = crew.queue.clock().monotonic();
    let mut operations: Vec<Operation> =
        finished.iter().map(|finished| operation(crew, finished)).collect();
    if room > 0 {
        operations.push(Operation::Claim(crew.claim.clone().max(room).begun_max(idle)));
    }
    let mut answers = crew.queue.submit_all(operations).into_iter();

    let mut trouble = None;
    let mut unsettled = Vec::new();
    let mut outcomes = Vec::with_capacity(finished.len());
    for finished in finished {
        match answers.next().map_or_else(|| Err(Error::unanswered()), outcome) {
            Ok(outcome) => outcomes.push((event(&finished, outcome), outcome)),
            Err(error) => {
                trouble = Some(error);
                unsettled.push(finished);
            }
        }
    }
    for (event, _) in &outcomes {
        crew.tell(event);
    }
    let claimed = (room > 0).then(|| answers.next().unwrap_or_else(|| Err(Error::unanswered())));

    let mut state = crew.state();
    for (_, outcome) in outcomes {
        state.count(outcome);
    }
    match claimed {
        Some(Ok(Answer::Claimed(Claimed { leases, next_due, version }))) => {
            let drained =
                (leases.len() < room).then_some(Drained { seen, clock, version, next_due });
            state.claimed(leases, drained);
        }
        Some(Err(error)) => trouble = Some(error),
        Some(Ok(_)) | None => {}
    }
    let now = Instant::now();
    state.put_back(unsettled, now);
    match trouble {
        None => state.recovered(),
        Some(error) if error.is_final() => state.halt(error),
        Some(error) => {
            tracing::warn!(%error, "the pool tries again");
            state.back_off(now);
        }
    }
    let wake = state.end_lead();
    drop(state);
    crew.wake(wake);
}

fn operation(crew: &Crew, finished: &Finished) -> Operation {
    match &finished.end {
        End::Complete => Operation::Complete(finished.lease.key),
        End::Fail(error) => crew.queue.failure(&finished.lease, error.clone()),
        End::Release => Operation::Release(finished.lease.key),
    }
}

/// How an attempt ended; an error if it must be settled again.
fn outcome(answer: Result<Answer>) -> Result<Outcome> {
    match answer {
        Ok(Answer::Completed) => Ok(Outcome::Completed),
        Ok(Answer::Released) => Ok(Outcome::Released),
        Ok(Answer::Failed(TaskState::Dead)) => Ok(Outcome::Dead),
        Ok(Answer::Failed(_)) => Ok(Outcome::Retried),
        Ok(_) => Err(Error::unanswered()),
        Err(Error::LeaseLost { .. }) => Ok(Outcome::LeaseLost),
        Err(error) => Err(error),
    }
}

const fn event(finished: &Finished, outcome: Outcome) -> Event {
    Event {
        id: finished.lease.id(),
        worker: finished.worker,
        attempt: finished.lease.attempt(),
        outcome,
    }
}
