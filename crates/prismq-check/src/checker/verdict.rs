//! What a check found: figures, and each broken promise with the shortest history that shows it.

use std::fmt;
use std::time::Duration;

use super::counts::Counts;
use crate::history::Event;

/// A promise of a queue, which holds whenever the processes that use it die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Invariant {
    /// What was acknowledged persists.
    NoLoss,
    /// Only enqueued tasks are claimed or stored.
    NoPhantom,
    /// A task ends once, and nothing happens to it afterwards.
    Finality,
    /// A task is held by one lease at a time.
    Exclusion,
    /// Tokens rise, and only the holder of the last one changes anything.
    Fencing,
    /// Attempts are claims less releases, and no more than allowed.
    Attempts,
    /// First in, first out within a priority.
    Order,
    /// No task is given before it is due.
    NeverEarly,
    /// Tasks that can be claimed are.
    Liveness,
    /// The file is sound and its counters agree with its rows and the history.
    Conservation,
    /// No pool holds what another pool's idle worker could run.
    Hoarding,
    /// No task becomes dead because another one kills its process.
    CrashIsolation,
    /// At most one task holds a unique key.
    Unique,
    /// No task starts after its time to live.
    TimeToLive,
    /// A schedule has a task for each slot.
    Slots,
    /// What is cancelled does not run again.
    Cancellation,
    /// What is redriven runs again.
    Redrive,
    /// What is deleted is gone.
    Deletion,
}

impl Invariant {
    /// Every one of them.
    pub const ALL: [Self; 18] = [
        Self::NoLoss,
        Self::NoPhantom,
        Self::Finality,
        Self::Exclusion,
        Self::Fencing,
        Self::Attempts,
        Self::Order,
        Self::NeverEarly,
        Self::Liveness,
        Self::Conservation,
        Self::Hoarding,
        Self::CrashIsolation,
        Self::Unique,
        Self::TimeToLive,
        Self::Slots,
        Self::Cancellation,
        Self::Redrive,
        Self::Deletion,
    ];

    /// Its name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoLoss => "no loss",
            Self::NoPhantom => "no phantom",
            Self::Finality => "finality",
            Self::Exclusion => "exclusion",
            Self::Fencing => "fencing",
            Self::Attempts => "attempts",
            Self::Order => "order",
            Self::NeverEarly => "never early",
            Self::Liveness => "liveness",
            Self::Conservation => "conservation",
            Self::Hoarding => "hoarding",
            Self::CrashIsolation => "crash isolation",
            Self::Unique => "unique",
            Self::TimeToLive => "time to live",
            Self::Slots => "slots",
            Self::Cancellation => "cancellation",
            Self::Redrive => "redrive",
            Self::Deletion => "deletion",
        }
    }
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// How it shows.
    pub what: String,
    /// The shortest history found that shows it.
    pub history: Vec<Event>,
}

/// How long something took, over all times it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spread {
    /// How often it happened.
    pub count: u64,
    /// The median.
    pub p50: Duration,
    /// The 99th percentile.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Spread {
    /// Over these times, in microseconds.
    #[must_use]
    pub fn over(mut micros: Vec<i64>) -> Self {
        micros.sort_unstable();
        let at = |percent: usize| {
            let place = (micros.len() * percent).div_ceil(100).saturating_sub(1);
            let micros = micros.get(place).copied().unwrap_or(0);
            Duration::from_micros(u64::try_from(micros).unwrap_or(0))
        };
        Self {
            count: u64::try_from(micros.len()).unwrap_or(u64::MAX),
            p50: at(50),
            p99: at(99),
            max: at(100),
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The figures.
    pub counts: Counts,
    /// The first broken promises of each kind.
    pub violations: Vec<Violation>,
}

impl Verdict {
    /// Whether every promise was kept.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, p50, p99, max } = self;
        write!(f, "{count} times, p50 {p50:.1?}, p99 {p99:.1?}, max {max:.1?}")
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts.fmt(f)?;
        for Violation { invariant, what, history } in &self.violations {
            writeln!(f, "BROKEN {}: {what}", invariant.name())?;
            for event in history {
                writeln!(f, "    {event}")?;
            }
        }
        Ok(())
    }
}
