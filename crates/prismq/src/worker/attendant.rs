//! The attendant: extends the leases of everything the pool holds, and settles what waited long
//! enough while all workers are busy.

use std::time::{Duration, Instant};

use super::event::{Event, Outcome};
use super::state::Step;
use super::{Crew, dispatch};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::lease::LeaseKey;
use crate::store::{Answer, Operation};

/// A lease is extended this many times before it would run out.
const BEATS_PER_LEASE: u32 = 3;

/// Attends a pool that started at this time until it has ended.
pub(super) fn run(crew: &Crew, started_at: Timestamp) {
    let every = crew.claim.lease / BEATS_PER_LEASE;
    let mut next_beat = started_at.after(every);
    loop {
        let seen = crew.attend.count();
        let now = crew.queue.clock().monotonic();
        // Further away than any beat only if the clock was set back, by which new leases end earlier.
        if now >= next_beat || next_beat > now.after(every) {
            crew.state().attendant_is_away(true);
            beat(crew);
            next_beat = now.after(every);
        }
        let mut state = crew.state();
        state.attendant_is_away(false);
        if state.is_dismissed() {
            return;
        }
        let overdue = state.next_overdue(Instant::now());
        let stuck = state.frees_stuck(Instant::now());
        let overdue_at = state.overdue_at();
        drop(state);
        if stuck {
            crew.changed.notify_all();
        }
        if let Some(Step::Lead { finished, room, idle }) = overdue {
            dispatch::lead(crew, finished, room, idle);
            continue;
        }
        crew.attend.wait(seen, sleep(crew, next_beat, overdue_at));
    }
}

fn sleep(crew: &Crew, next_beat: Timestamp, overdue_at: Option<Instant>) -> Option<Duration> {
    let beat = crew.queue.clock().sleep_until(next_beat);
    let overdue = overdue_at.map(|due| due.saturating_duration_since(Instant::now()));
    beat.into_iter().chain(overdue).min()
}

fn beat(crew: &Crew) {
    let held = crew.state().held();
    if held.is_empty() {
        return;
    }
    let lease = crew.claim.lease;
    let operations = held.iter().map(|key| Operation::Extend { key: *key, lease }).collect();
    let answers = crew.queue.submit_all(operations);
    for (key, answer) in held.into_iter().zip(answers) {
        match answer {
            Ok(Answer::Extended(expires_at)) => crew.state().extended(key, expires_at),
            Err(Error::LeaseLost { .. }) => lost(crew, key),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, task = %key.id, "a lease was not extended"),
        }
    }
}

/// Also the answer for a task that was settled while its extension was on the way: then nobody holds
/// it any more and nothing happens.
fn lost(crew: &Crew, key: LeaseKey) {
    let never_begun = crew.state().lost(key);
    if let Some(lease) = never_begun {
        crew.state().count(Outcome::LeaseLost);
        crew.tell(&Event {
            id: lease.id(),
            worker: None,
            attempt: lease.attempt(),
            outcome: Outcome::LeaseLost,
        });
    }
}
