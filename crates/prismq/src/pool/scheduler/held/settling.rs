//! Ended attempts that wait for their commit.
//!
//! They are gathered for [`SETTLE_DELAY`], or for as long as the last commit took, while more tasks are ready: a
//! commit costs the same for one as for a hundred, no worker waits for it, and the next claim finds the database
//! free. With nothing ready there is nothing to gather, and what ended is committed at once; while a claim is made in
//! parallel, after [`SETTLE_DELAY`], as the last handlers of the previous claim are about to return. No worker
//! commits: while one did, it ran nothing, and with handlers of 1 ms and commits of 5 ms it reached 17 % of
//! the ideal throughput.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::Scheduler;
use crate::model::{Error, Lease, TaskError, TaskId};
use crate::pool::event::Outcome;
use crate::pool::handler::{CancelReason, Returned, StopFlags};
use crate::time::Timestamp;

/// How long results are gathered while more tasks are ready; as long as the last commit took if that is longer,
/// up to [`SETTLE_DELAY_MAX`].
pub(crate) const SETTLE_DELAY: Duration = Duration::from_millis(1);
/// See [`SETTLE_DELAY`].
pub(crate) const SETTLE_DELAY_MAX: Duration = Duration::from_millis(10);
/// A commit that takes longer would keep a claim in its transaction waiting for too long.
const SLOW_COMMIT: Duration = Duration::from_millis(2);

/// A task to be settled.
#[derive(Debug)]
pub(crate) struct Settlement {
    pub(crate) lease: Lease,
    /// How its handler ran; `None` if it did not.
    pub(crate) run: Option<Run>,
    pub(crate) action: Settle,
}

/// The run of a handler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// The worker, from 0.
    pub(crate) worker: usize,
    pub(crate) began_at: Instant,
    pub(crate) took: Duration,
}

/// How a task is settled.
#[derive(Debug, Clone)]
pub(crate) enum Settle {
    /// Its handler succeeded, with a result.
    Complete(Option<Arc<[u8]>>),
    /// Its handler completed it in a transaction of its own.
    Completed,
    /// Its handler failed or ran into its limit.
    Fail(TaskError),
    /// It was not run: released without counting an attempt.
    Release,
    /// It was not run, as its payload was not read.
    PayloadUnread(Error),
}

impl Settle {
    /// What becomes of a task whose handler returned this. If the handler has completed it by itself, what it returned
    /// after that changes nothing. To be called with no lock held, as it may log.
    pub(in crate::pool) fn returned(flags: &StopFlags, task: TaskId, returned: Returned) -> Self {
        if flags.completed() {
            if let Err(error) = returned {
                let error = error.text();
                tracing::warn!(%task, error, "a handler completed its task and then returned an error: the task stays completed");
            }
            return Self::Completed;
        }
        match returned {
            Ok(result) => Self::Complete(result),
            Err(error) => Self::Fail(error),
        }
    }

    /// Whether the handler put the task off.
    pub(in crate::pool) const fn is_snooze(&self) -> bool {
        matches!(self, Self::Fail(error) if error.is_snooze())
    }

    /// An attempt that ran into its time limit, with the error of its handler, if it returned.
    pub(super) fn timed_out(limit: Duration, returned: Option<TaskError>) -> Self {
        Self::Fail(match returned {
            None => {
                TaskError::new(format!("timed out after {limit:?}, and the handler did not return"))
            }
            Some(error) => error.in_context(format_args!("timed out after {limit:?}")),
        })
    }
}

impl Settlement {
    /// Whether it is the result of a handler.
    pub(crate) const fn is_result(&self) -> bool {
        !matches!(self.action, Settle::Release | Settle::PayloadUnread(_))
    }

    /// Whether the leader has still to commit it.
    pub(crate) const fn is_uncommitted(&self) -> bool {
        !matches!(self.action, Settle::Completed)
    }
}

/// Settlements that wait, and those that the leader commits.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    waiting: Vec<Settlement>,
    /// When the oldest of them began to wait.
    since: Option<Instant>,
    /// Tasks whose results the leader commits.
    results_in_flight: Vec<TaskId>,
    /// Tasks that were not run and that the leader settles.
    unrun_in_flight: Vec<TaskId>,
    /// When the first lease of both expires.
    first_end_in_flight: Option<Timestamp>,
    /// How long the last commit of results took.
    commit_time: Duration,
}

impl Settling {
    /// Whether commits take so long that claims must not wait for them.
    pub(crate) fn is_slow(&self) -> bool {
        self.commit_time > SLOW_COMMIT
    }

    pub(crate) fn push(&mut self, settlement: Settlement, now: Instant) {
        self.waiting.push(settlement);
        self.since.get_or_insert(now);
    }

    /// All that wait, for the leader to commit them.
    pub(crate) fn take(&mut self) -> Vec<Settlement> {
        self.since = None;
        self.results_in_flight = self.results().collect();
        self.unrun_in_flight = self.unrun().collect();
        self.first_end_in_flight = self.leases().map(|lease| lease.expires_at.monotonic).min();
        std::mem::take(&mut self.waiting)
    }

    /// The leader is back: what it could not commit waits again.
    fn returned(&mut self, unsettled: Vec<Settlement>, now: Instant) {
        self.results_in_flight = Vec::new();
        self.unrun_in_flight = Vec::new();
        self.first_end_in_flight = None;
        for settlement in unsettled {
            self.push(settlement, now);
        }
    }

    /// Whether none waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many wait, or are being committed.
    pub(crate) const fn uncommitted(&self) -> usize {
        self.waiting.len() + self.results_in_flight.len() + self.unrun_in_flight.len()
    }

    /// When the first lease of those that the leader settles expires.
    pub(crate) const fn first_end_in_flight(&self) -> Option<Timestamp> {
        self.first_end_in_flight
    }

    /// The leases of those that wait.
    pub(crate) fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.waiting.iter().map(|settlement| &settlement.lease)
    }

    pub(crate) fn leases_mut(&mut self) -> impl Iterator<Item = &mut Lease> {
        self.waiting.iter_mut().map(|settlement| &mut settlement.lease)
    }

    /// Tasks whose handlers returned and whose results are not committed.
    pub(crate) fn uncommitted_results(&self) -> impl Iterator<Item = TaskId> {
        self.results_in_flight.iter().copied().chain(self.results())
    }

    /// Tasks that were not run and are not settled.
    pub(crate) fn unsettled_unrun(&self) -> impl Iterator<Item = TaskId> {
        self.unrun_in_flight.iter().copied().chain(self.unrun())
    }

    fn results(&self) -> impl Iterator<Item = TaskId> {
        let waiting = self.waiting.iter();
        waiting
            .filter(|waiting| waiting.is_result() && waiting.is_uncommitted())
            .map(|waiting| waiting.lease.id())
    }

    fn unrun(&self) -> impl Iterator<Item = TaskId> {
        let waiting = self.waiting.iter();
        waiting.filter(|waiting| !waiting.is_result()).map(|waiting| waiting.lease.id())
    }

    /// When to commit those that wait, if they are gathered for so long, up to a `full` batch.
    fn due(&self, delay: Duration, full: usize) -> Option<Instant> {
        let since = self.since?;
        Some(if self.waiting.len() < full { since + delay } else { since })
    }

    /// How long to gather them while more tasks are ready.
    fn delay(&self) -> Duration {
        self.commit_time.clamp(SETTLE_DELAY, SETTLE_DELAY_MAX)
    }
}

impl Scheduler {
    /// A worker has ended its task.
    pub(in crate::pool) fn finish(&mut self, mut ended: Settlement, now: Instant) {
        let Some(Run { worker, took, .. }) = ended.run else { return };
        let Some(task) = self.slots.end(worker) else { return };
        self.queue_ended(task.queue, now);
        if ended.is_result() {
            self.handler_times.ended(task.type_index, took);
            if let Some(count) = self.stats.per_worker.get_mut(worker) {
                *count += 1;
            }
        } else {
            ended.run = None;
        }
        self.suspects.ended(task.lease.key);
        // It may have been extended since the handler began.
        ended.lease.expires_at = task.lease.expires_at;
        // Its attempt was recorded already.
        if task.given_up {
            return;
        }
        if self.slots.flags(worker).has(CancelReason::Timeout)
            && let Settle::Fail(returned) = &ended.action
            && returned.is_failure()
        {
            let limit = self.timeouts.limit(task.type_index).unwrap_or_default();
            self.stats.timed_out += 1;
            ended.action = Settle::timed_out(limit, Some(returned.clone()));
        }
        self.settling.push(ended, now);
    }

    /// When the leader must commit what waits.
    pub(crate) fn settle_at(&self) -> Option<Instant> {
        let delay = if !self.lifecycle.is_active() {
            Duration::ZERO
        } else if !self.ready.is_empty() {
            self.settling.delay()
        } else if self.awaits_parallel_claim() {
            SETTLE_DELAY
        } else {
            Duration::ZERO
        };
        self.settling.due(delay, self.prefetch.full_batch())
    }

    /// The leader's transaction is answered: these attempts are settled, each of a task of this queue, and the others wait again.
    /// `commit_time` is how long it took, if it was synced.
    pub(in crate::pool) fn settled(
        &mut self,
        outcomes: &[(Arc<str>, Outcome)],
        unsettled: Vec<Settlement>,
        commit_time: Option<Duration>,
        now: Instant,
    ) {
        for (queue, outcome) in outcomes {
            self.count(queue, *outcome);
        }
        self.settling.returned(unsettled, now);
        if let Some(time) = commit_time {
            self.settling.commit_time = time;
        }
    }
}
