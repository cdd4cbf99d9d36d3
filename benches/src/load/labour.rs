//! Handlers that take time, and which share of the workers' time they filled.
//!
//! The efficiency is that of the steady state, which is cut by the handlers' own beginnings. It starts when
//! as many handlers have begun as there are workers, and a tenth of all at least: the pool then knows how
//! long its handlers take. It ends when the last handler begins: until then there was a task for each
//! worker, after it there is not. Of a handler that runs across a cut, the part inside counts.

use std::hint::spin_loop;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::{monotonic, thread_time};
use crate::base::number::as_f64;
use crate::load::pool::Work;

/// One in so many tasks of a mix takes long.
const LONG_EVERY: u64 = 20;
/// Share of the handlers whose beginnings come before the steady state.
const WARM_UP_SHARE: usize = 10;

/// What handlers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labour {
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

impl Labour {
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

    /// Does it; says what it truly took: sleeping by the clock, computing by the thread's processor time.
    fn perform(&self, number: u64) -> Duration {
        let time = self.time_of(number);
        match self.kind {
            Kind::Sleeping => {
                let began = monotonic();
                thread::sleep(time);
                monotonic().saturating_sub(began)
            }
            Kind::Computing => {
                let began = thread_time();
                let mut used = Duration::ZERO;
                while used < time {
                    (0..100).for_each(|_| spin_loop());
                    used = thread_time().saturating_sub(began);
                }
                used
            }
        }
    }
}

/// One handler at work, by [`monotonic`], which all processes share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// When it began.
    pub from: Duration,
    /// When it ended.
    pub to: Duration,
    /// How long it worked in between: for computing, its processor time.
    pub worked: Duration,
}

/// The spans of a pool, noted by its handlers.
#[derive(Debug, Clone, Default)]
pub struct Spans {
    noted: Arc<Mutex<Vec<Span>>>,
}

impl Spans {
    /// A handler's work that notes its spans; without any labour there are none.
    #[must_use]
    pub fn record(&self, labour: Option<Labour>) -> Work {
        let Some(labour) = labour else { return Arc::new(|_| {}) };
        let noted = self.noted.clone();
        Arc::new(move |number| {
            let from = monotonic();
            let worked = labour.perform(number);
            let span = Span { from, to: monotonic(), worked };
            noted.lock().unwrap_or_else(PoisonError::into_inner).push(span);
        })
    }

    /// Takes out what was noted, in no certain order.
    #[must_use]
    pub fn take(&self) -> Vec<Span> {
        mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Which share of the time of so many slots the handlers of all workers filled in steady state, in percent;
/// `None` if there was no steady state.
#[must_use]
pub fn efficiency_percent(spans: &[Span], workers: usize, slots: usize) -> Option<f64> {
    let mut begins: Vec<Duration> = spans.iter().map(|span| span.from).collect();
    begins.sort_unstable();
    let from = *begins.get(workers.max(begins.len() / WARM_UP_SHARE))?;
    let to = *begins.last()?;
    let whole = to.checked_sub(from).filter(|whole| !whole.is_zero())?;
    let worked: f64 = spans.iter().map(|span| worked_within(span, from, to)).sum();
    let slots = as_f64(u64::try_from(slots).unwrap_or(u64::MAX));
    Some(100.0 * worked / (slots * whole.as_secs_f64()))
}

/// The seconds of a handler's work that lie between two times, as its whole time does.
fn worked_within(span: &Span, from: Duration, to: Duration) -> f64 {
    let length = span.to.saturating_sub(span.from);
    let inside = span.to.min(to).saturating_sub(span.from.max(from));
    if length.is_zero() {
        return 0.0;
    }
    span.worked.as_secs_f64() * inside.div_duration_f64(length)
}
