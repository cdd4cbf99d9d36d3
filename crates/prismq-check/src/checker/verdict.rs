//! What a check found: figures, and each broken promise with the shortest history that shows it.

use std::fmt;
use std::time::Duration;

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
}

impl Invariant {
    /// Every one of them.
    pub const ALL: [Self; 12] = [
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

/// What a history and its snapshots add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Calls of all clients.
    pub calls: u64,
    /// Calls whose answer is unknown.
    pub unknown: u64,
    /// Enqueues that were acknowledged.
    pub acked: u64,
    /// Of these, tasks that were not completed and are not stored.
    pub lost: u64,
    /// Tasks that were given or are stored without having been enqueued.
    pub unexpected: u64,
    /// Tasks whose enqueue has an unknown answer, and that were given or are stored.
    pub recovered: u64,
    /// Completions that were acknowledged.
    pub completed: u64,
    /// Tasks that were given.
    pub deliveries: u64,
    /// Of these, handlers that pools began.
    pub runs: u64,
    /// From a pool's claim to the beginning of the task's handler, where that is known.
    pub held: Spread,
    /// Of all that were given, tasks that had been given before, and were neither failed nor released since.
    pub duplicates: u64,
    /// Calls refused because another lease holds the task, or none.
    pub stale_refused: u64,
    /// Calls refused because another process held the write lock for the whole wait.
    pub busy: u64,
    /// Times a task was held twice at once.
    pub overlaps: u64,
    /// By how many places the order of first claims differs at most from that of enqueues.
    pub reorder_max: u64,
    /// From the expiry of a lease that was not settled to the next claim of its task.
    pub recovery: Spread,
    /// From a claim that was not settled to the next claim of its task.
    pub redelivery: Spread,
    /// Snapshots checked.
    pub snapshots: u64,
}

impl Counts {
    /// Adds what another history counted; spreads keep the greater of each figure.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let spread = |a: Spread, b: Spread| Spread {
            count: a.count + b.count,
            p50: a.p50.max(b.p50),
            p99: a.p99.max(b.p99),
            max: a.max.max(b.max),
        };
        Self {
            calls: self.calls + other.calls,
            unknown: self.unknown + other.unknown,
            acked: self.acked + other.acked,
            lost: self.lost + other.lost,
            unexpected: self.unexpected + other.unexpected,
            recovered: self.recovered + other.recovered,
            completed: self.completed + other.completed,
            deliveries: self.deliveries + other.deliveries,
            runs: self.runs + other.runs,
            held: spread(self.held, other.held),
            duplicates: self.duplicates + other.duplicates,
            stale_refused: self.stale_refused + other.stale_refused,
            busy: self.busy + other.busy,
            overlaps: self.overlaps + other.overlaps,
            reorder_max: self.reorder_max.max(other.reorder_max),
            recovery: spread(self.recovery, other.recovery),
            redelivery: spread(self.redelivery, other.redelivery),
            snapshots: self.snapshots + other.snapshots,
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

/// A count among `of`; none is recorded as what it bounds: none in N means at most 3 in N, with 95 %
/// confidence.
struct Among {
    count: u64,
    of: u64,
}

impl fmt::Display for Among {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, of } = self;
        write!(f, "{count} of {of}")?;
        if *count == 0 && *of > 0 {
            write!(f, " (at most {:.1e} of them, at 95 %)", 3.0 / *of as f64)?;
        }
        Ok(())
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, p50, p99, max } = self;
        write!(f, "{count} times, p50 {p50:.1?}, p99 {p99:.1?}, max {max:.1?}")
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let among = |count, of| Among { count, of };
        writeln!(f, "calls                  {}, answers unknown {}", self.calls, self.unknown)?;
        writeln!(f, "enqueues acknowledged  {}", self.acked)?;
        writeln!(f, "lost                   {}", among(self.lost, self.acked))?;
        writeln!(f, "unexpected             {}", among(self.unexpected, self.deliveries))?;
        writeln!(f, "recovered              {}", self.recovered)?;
        writeln!(f, "completed              {}", self.completed)?;
        writeln!(f, "delivered again        {} of {}", self.duplicates, self.deliveries)?;
        writeln!(f, "run by pools           {}, held before {}", self.runs, self.held)?;
        writeln!(f, "stale calls refused    {}", self.stale_refused)?;
        writeln!(f, "busy surfaced          {}", among(self.busy, self.calls))?;
        writeln!(f, "lease overlaps         {}", among(self.overlaps, self.deliveries))?;
        writeln!(f, "greatest reordering    {} places", self.reorder_max)?;
        writeln!(f, "recovery after expiry  {}", self.recovery)?;
        writeln!(f, "redelivery             {}", self.redelivery)?;
        writeln!(f, "snapshots              {}", self.snapshots)
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
