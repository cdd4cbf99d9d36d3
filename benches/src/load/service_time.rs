//! Handlers that take time, and which share of the workers' time they filled.
//!
//! The efficiency is that of the steady state, which is cut by the beginnings of handlers. It starts when
//! as many handlers have begun as there are workers, and a tenth of all at least: the pool then knows how
//! long its handlers take. It ends when the last handler begins: until then there was a task for each
//! worker, after it there is not. Of a handler that runs across a cut, the part inside counts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::Time;
use crate::base::number::as_f64;
use crate::subject::{Cycle, Run, Work};

/// One in this many tasks of a mix takes long.
const LONG_EVERY: u64 = 20;
/// Share of the handlers whose beginnings come before the steady state.
const WARM_UP_SHARE: usize = 10;

/// What handlers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceTime {
    /// How they spend their time.
    pub kind: Kind,
    /// How much.
    pub time: Duration,
    /// How much one in twenty takes instead, spread evenly; all alike if `None`.
    pub long: Option<Duration>,
}

/// How a handler spends its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// It sleeps, as one that waits for an answer does.
    Sleeping,
    /// It computes for so much processor time.
    Computing,
}

impl Kind {
    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sleeping => "sleeping",
            Self::Computing => "computing",
        }
    }

    /// How many handlers make progress at once: a sleeping one needs no core.
    #[must_use]
    pub fn slots(self, workers: usize, cores: usize) -> usize {
        match self {
            Self::Sleeping => workers,
            Self::Computing => workers.min(cores),
        }
    }
}

impl ServiceTime {
    /// What the task of this number takes.
    #[must_use]
    pub fn time_of(&self, number: u64) -> Duration {
        match self.long {
            Some(long) if number % LONG_EVERY == LONG_EVERY - 1 => long,
            _ => self.time,
        }
    }

    /// What a task takes in the mean.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let sum: Duration = (0..LONG_EVERY).map(|number| self.time_of(number)).sum();
        sum.div_f64(as_f64(LONG_EVERY))
    }

    /// As a handler's work.
    #[must_use]
    pub fn work(&self) -> Work {
        let times: Cycle<Duration> = (0..LONG_EVERY).map(|number| self.time_of(number)).collect();
        match self.kind {
            Kind::Sleeping => Work::Sleep(times),
            Kind::Computing => Work::Spin(times),
        }
    }
}

/// Which share of the time of this many slots the handlers of all workers filled in steady state, in percent;
/// `None` if there was no steady state.
#[must_use]
pub fn efficiency_percent(runs: &[Run], workers: usize, slots: usize) -> Option<f64> {
    let mut begins: Vec<Time> = runs.iter().map(|run| run.started).collect();
    begins.sort_unstable();
    let from = *begins.get(workers.max(begins.len() / WARM_UP_SHARE))?;
    let to = *begins.last()?;
    let whole = to.since(from);
    if whole.is_zero() {
        return None;
    }
    let worked: f64 = runs.iter().map(|run| worked_within(run, from, to)).sum();
    let slots = as_f64(u64::try_from(slots).unwrap_or(u64::MAX));
    Some(100.0 * worked / (slots * whole.as_secs_f64()))
}

/// The seconds of a handler's work between two times, in proportion to its run.
fn worked_within(run: &Run, from: Time, to: Time) -> f64 {
    let length = run.ended.since(run.started);
    let inside = run.ended.min(to).since(run.started.max(from));
    if length.is_zero() {
        return 0.0;
    }
    run.worked.as_secs_f64() * inside.div_duration_f64(length)
}
