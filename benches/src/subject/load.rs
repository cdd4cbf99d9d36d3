//! Tasks to be enqueued, by whom and how fast, and when each was: plain data that can be written down for
//! another process.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::Time;
use crate::subject::TaskSpec;

/// The tasks of a load, numbered from 0. The same number always gives the same task.
pub trait Tasks: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// Those of these numbers, as far as there are any.
    fn get(&self, numbers: Range<usize>) -> Cow<'_, [TaskSpec]>;
}

impl Tasks for [TaskSpec] {
    fn count(&self) -> usize {
        self.len()
    }

    fn get(&self, numbers: Range<usize>) -> Cow<'_, [TaskSpec]> {
        let numbers = numbers.start.min(self.len())..numbers.end.min(self.len());
        Cow::Borrowed(<[TaskSpec]>::get(self, numbers).unwrap_or_default())
    }
}

impl Tasks for Vec<TaskSpec> {
    fn count(&self) -> usize {
        self.len()
    }

    fn get(&self, numbers: Range<usize>) -> Cow<'_, [TaskSpec]> {
        Tasks::get(self.as_slice(), numbers)
    }
}

/// When tasks are enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace<'a> {
    /// Open: each at its own time since the beginning, whether or not the queue keeps up.
    Scheduled(&'a [Duration]),
    /// Open: one after the other at this interval.
    Every(Duration),
    /// Closed: each caller calls again this long after its last answer.
    Closed(Duration),
}

impl Pace<'_> {
    /// Closed, without a rest between answer and call.
    pub const UNPACED: Self = Self::Closed(Duration::ZERO);

    /// When the task of this number is intended, since the beginning; `None` where the load is closed or has no
    /// such task.
    #[must_use]
    pub fn offset(&self, number: usize) -> Option<Duration> {
        match self {
            Self::Scheduled(offsets) => offsets.get(number).copied(),
            Self::Every(interval) => {
                let number = u64::try_from(number).unwrap_or(u64::MAX);
                let ns = interval.as_nanos().saturating_mul(number.into());
                Some(Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX)))
            }
            Self::Closed(_) => None,
        }
    }

    /// Whether tasks arrive on a schedule.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !matches!(self, Self::Closed(_))
    }
}

/// A load to be offered.
#[derive(Clone, Copy)]
pub struct Load<'a> {
    /// What is enqueued.
    pub tasks: &'a dyn Tasks,
    /// When.
    pub pace: Pace<'a>,
    /// Threads that enqueue: whichever is free takes the next tasks.
    pub callers: usize,
    /// Tasks in one call.
    pub batch: usize,
    /// Ends the load before its last task once it is set.
    pub stop: Option<&'a AtomicBool>,
}

/// One task as its caller saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Its number in the load.
    pub number: usize,
    /// Its id.
    pub id: i64,
    /// When it was meant to be enqueued; in a closed load, when it was.
    pub intended: Time,
    /// Since when its caller had nothing else to do.
    pub free: Time,
    /// When enqueue was called.
    pub called: Time,
    /// When the caller knew that it was committed.
    pub committed: Time,
}

/// A load that was offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// When it began.
    pub began: Time,
    /// Its tasks, by number.
    pub arrivals: Vec<Arrival>,
}

impl Offered {
    /// The ids of its tasks, by number.
    #[must_use]
    pub fn ids(&self) -> Vec<i64> {
        self.arrivals.iter().map(|arrival| arrival.id).collect()
    }

    /// From its beginning to its last answer.
    #[must_use]
    pub fn took(&self) -> Duration {
        let last = self.arrivals.iter().map(|arrival| arrival.committed).max();
        last.unwrap_or(self.began).since(self.began)
    }

    /// Which share of the intended rate was offered.
    #[must_use]
    pub fn achieved(&self) -> f64 {
        let (Some(first), Some(last)) = (self.arrivals.first(), self.arrivals.last()) else {
            return 1.0;
        };
        let planned = last.intended.since(first.intended).as_secs_f64();
        let took = last.called.since(first.intended).as_secs_f64();
        if planned > 0.0 && took > planned { planned / took } else { 1.0 }
    }
}
