//! Ended attempts that wait for their commit.
//!
//! They are gathered for [`SETTLE_DELAY`], or as long as the last commit took, while another task is ready
//! for the worker that ended one: a commit costs the same for one as for a hundred, nobody waits for it,
//! and the next claim finds the database free. With nothing ready there is nothing to gather, and what
//! ended is committed at once. No worker ever commits: while one did, it ran
//! nothing, which at handlers of 1 ms and commits of 5 ms cost five sixths of its time.

use std::time::{Duration, Instant};

use crate::model::limits::{SETTLE_DELAY, SETTLE_DELAY_MAX};
use crate::model::{Error, Lease, TaskError};

/// A commit that takes longer would keep a claim in its transaction for too long.
const SLOW_COMMIT: Duration = Duration::from_millis(2);

/// An attempt that ended.
#[derive(Debug)]
pub(in crate::pool) struct Finished {
    pub(in crate::pool) lease: Lease,
    /// Who ran it, from 0; `None` where no worker had begun.
    pub(in crate::pool) worker: Option<usize>,
    pub(in crate::pool) end: End,
}

/// How an attempt ended, before it is committed.
#[derive(Debug, Clone)]
pub(in crate::pool) enum End {
    Complete,
    Fail(TaskError),
    /// Not run, or in vain: given back without counting an attempt.
    Release,
    /// Not run, as its payload was not read.
    Unread(Error),
}

impl Finished {
    /// Whether a handler ran to its end and its result is not in the file yet.
    pub(in crate::pool) const fn is_result(&self) -> bool {
        !matches!(self.end, End::Release | End::Unread(_))
    }
}

/// The attempts that wait.
#[derive(Debug, Default)]
pub(in crate::pool) struct Settling {
    finished: Vec<Finished>,
    /// When the oldest of them ended.
    since: Option<Instant>,
    /// How long the last commit of results took.
    commit: Duration,
}

impl Settling {
    /// A commit of results took so long.
    pub(in crate::pool) const fn committed(&mut self, took: Duration) {
        self.commit = took;
    }

    /// Whether commits take so long that claims must not wait for them.
    pub(in crate::pool) fn is_slow(&self) -> bool {
        self.commit > SLOW_COMMIT
    }

    pub(in crate::pool) fn push(&mut self, finished: Finished, now: Instant) {
        self.finished.push(finished);
        self.since.get_or_insert(now);
    }

    pub(in crate::pool) fn take(&mut self) -> Vec<Finished> {
        self.since = None;
        std::mem::take(&mut self.finished)
    }

    pub(in crate::pool) fn is_empty(&self) -> bool {
        self.finished.is_empty()
    }

    pub(in crate::pool) fn iter(&self) -> impl Iterator<Item = &Finished> {
        self.finished.iter()
    }

    pub(in crate::pool) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Finished> {
        self.finished.iter_mut()
    }

    /// When they are to be committed, if there are any; `more_to_come` while others will soon have ended
    /// too, up to `enough` of them.
    pub(in crate::pool) fn due(&self, more_to_come: bool, enough: usize) -> Option<Instant> {
        let since = self.since?;
        let gathers = more_to_come && self.finished.len() < enough;
        Some(if gathers {
            since + self.commit.clamp(SETTLE_DELAY, SETTLE_DELAY_MAX)
        } else {
            since
        })
    }
}
