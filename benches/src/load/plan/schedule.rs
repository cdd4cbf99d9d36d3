//! Every single task of a workload: when it arrives and what it does. Drawn from a plan by its seed,
//! the same on every machine, or taken from a trace as it is.

use std::collections::HashMap;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_distr::{Distribution as _, Exp1};

use super::limits::{SERVICE_MAX, TASKS_MAX};
use super::{Arrivals, Choice, Kind, Plan, Service, Sizes, TracedTask};
use crate::base::number::as_f64;
use crate::subject::DEFAULT_PRIORITY;

/// A trial does no more than this.
const TRIAL_TASKS: usize = 40;
pub(super) const TRIAL_TIME: Duration = Duration::from_millis(100);
const TRIAL_SERVICE: Duration = Duration::from_millis(2);
const TRIAL_PAYLOAD_BYTES: usize = 4096;

/// A type of task in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TaskKind {
    /// The queue.
    pub queue: String,
    /// The type, which decides on the handler.
    pub task_type: String,
}

/// One task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedTask {
    /// When it is to be enqueued, since the beginning.
    pub at: Duration,
    /// Which of the schedule's kinds it is of.
    pub kind: usize,
    /// Its priority, lower numbers first.
    pub priority: i32,
    /// Bytes of its payload.
    pub payload_bytes: usize,
    /// How long its handler takes.
    pub service: Duration,
    /// Attempts that fail before one succeeds.
    pub failures: u32,
    /// Attempts it is given.
    pub max_attempts: u32,
}

/// All tasks of a workload, in the order of their arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The kinds of task, each once.
    pub kinds: Vec<TaskKind>,
    /// The tasks.
    pub tasks: Vec<PlannedTask>,
    /// Whether they arrive at their times, rather than as fast as callers are answered.
    pub open: bool,
}

impl PlannedTask {
    /// Whether it fails until it has no attempt left.
    #[must_use]
    pub const fn dies(&self) -> bool {
        self.failures >= self.max_attempts
    }
}

impl Schedule {
    /// Draws the tasks of a plan. A plan whose arrivals are in a trace has none of its own.
    #[must_use]
    pub fn draw(plan: &Plan) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(plan.settings.seed);
        let Some(mix) = &plan.mix else {
            return Self { kinds: Vec::new(), tasks: Vec::new(), open: true };
        };
        let kinds: Vec<&Kind> = mix.values().iter().collect();
        let tasks = times(&plan.arrivals, &mut random)
            .into_iter()
            .filter_map(|at| {
                let index = mix.place(&mut random);
                kinds.get(index).map(|kind| kind.draw(index, at, &mut random))
            })
            .collect();
        let open = !matches!(plan.arrivals, Arrivals::Closed { .. });
        Self { kinds: kinds.into_iter().map(|kind| kind.name.clone()).collect(), tasks, open }
    }

    /// The tasks of a trace. None fails: a trace has no failures.
    #[must_use]
    pub fn replay(traced: &[TracedTask]) -> Self {
        let mut known: HashMap<&TaskKind, usize> = HashMap::new();
        let mut kinds = Vec::new();
        let tasks = traced
            .iter()
            .map(|task| {
                let kind = *known.entry(&task.kind).or_insert_with(|| {
                    kinds.push(task.kind.clone());
                    kinds.len() - 1
                });
                PlannedTask {
                    at: task.at,
                    kind,
                    priority: task.priority,
                    payload_bytes: task.payload_bytes,
                    service: task.service,
                    failures: 0,
                    max_attempts: 1,
                }
            })
            .collect();
        Self { kinds, tasks, open: true }
    }

    /// The beginning of it, so small that a test can do it: fewer tasks, sooner, shorter, smaller.
    #[must_use]
    pub fn for_trial(mut self) -> Self {
        self.tasks.truncate(TRIAL_TASKS);
        let last = self.tasks.last().map_or(Duration::ZERO, |task| task.at);
        let squeeze = (TRIAL_TIME.as_secs_f64() / last.as_secs_f64().max(1e-9)).min(1.0);
        for task in &mut self.tasks {
            task.at = task.at.mul_f64(squeeze);
            task.service = task.service.min(TRIAL_SERVICE);
            task.payload_bytes = task.payload_bytes.min(TRIAL_PAYLOAD_BYTES);
        }
        self
    }

    /// All the time handlers take, those of attempts that fail included.
    #[must_use]
    pub fn service(&self) -> Duration {
        let times = self.tasks.iter().map(|task| {
            let attempts = task.failures.saturating_add(1).min(task.max_attempts);
            task.service.saturating_mul(attempts)
        });
        times.fold(Duration::ZERO, Duration::saturating_add)
    }
}

/// When tasks arrive, in order.
fn times(arrivals: &Arrivals, random: &mut impl Rng) -> Vec<Duration> {
    let after = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    match arrivals {
        Arrivals::Constant { rate_per_s, duration } => numbers()
            .map(|number| after(number / rate_per_s))
            .take_while(|at| at < duration)
            .take(TASKS_MAX)
            .collect(),
        Arrivals::Poisson { rate_per_s, duration } => {
            let mut now = 0.0;
            let gaps = std::iter::repeat_with(|| {
                let gap: f64 = Exp1.sample(random);
                now += gap / rate_per_s;
                after(now)
            });
            gaps.take_while(|at| at < duration).take(TASKS_MAX).collect()
        }
        Arrivals::Burst { size, every, duration } => numbers()
            .map(|number| every.mul_f64(number))
            .take_while(|at| at < duration)
            .flat_map(|at| std::iter::repeat_n(at, *size))
            .take(TASKS_MAX)
            .collect(),
        Arrivals::Closed { tasks } => vec![Duration::ZERO; *tasks],
        Arrivals::Trace { .. } => Vec::new(),
    }
}

fn numbers() -> impl Iterator<Item = f64> {
    (0_u64..).map(as_f64)
}

impl Kind {
    fn draw(&self, index: usize, at: Duration, random: &mut impl Rng) -> PlannedTask {
        PlannedTask {
            at,
            kind: index,
            priority: self.priority.draw(random).copied().unwrap_or(DEFAULT_PRIORITY),
            payload_bytes: self.payload.draw(random),
            service: self.service.draw(random),
            failures: {
                let mut failures = 0;
                while failures < self.max_attempts && random.random_bool(self.failure_probability) {
                    failures += 1;
                }
                failures
            },
            max_attempts: self.max_attempts,
        }
    }
}

impl<T> Choice<T> {
    pub(super) fn values(&self) -> &[T] {
        match self {
            Self::Only(value) => std::slice::from_ref(value),
            Self::Weighted { values, .. } => values,
        }
    }

    fn place(&self, random: &mut impl Rng) -> usize {
        match self {
            Self::Only(_) => 0,
            Self::Weighted { index, .. } => index.sample(random),
        }
    }

    /// One of the values; there is a weight for each, so that the place is always one of theirs.
    fn draw(&self, random: &mut impl Rng) -> Option<&T> {
        self.values().get(self.place(random))
    }

    /// The mean of what each value gives.
    pub(super) fn mean(&self, of: impl Fn(&T) -> f64) -> f64 {
        match self {
            Self::Only(value) => of(value),
            Self::Weighted { values, weights, .. } => {
                let weighted = values.iter().zip(weights).map(|(value, weight)| of(value) * weight);
                weighted.sum::<f64>() / weights.iter().sum::<f64>()
            }
        }
    }
}

impl Sizes {
    fn draw(&self, random: &mut impl Rng) -> usize {
        match self {
            Self::Fixed(bytes) => *bytes,
            Self::Uniform { min, max } => random.random_range(*min..=*max),
            Self::Choice(choice) => choice.draw(random).copied().unwrap_or_default(),
        }
    }

    pub(super) fn mean(&self) -> f64 {
        let bytes = |bytes: &usize| as_f64(u64::try_from(*bytes).unwrap_or(u64::MAX));
        match self {
            Self::Fixed(fixed) => bytes(fixed),
            Self::Uniform { min, max } => f64::midpoint(bytes(min), bytes(max)),
            Self::Choice(choice) => choice.mean(bytes),
        }
    }
}

impl Service {
    fn draw(&self, random: &mut impl Rng) -> Duration {
        let ms = match self {
            Self::Fixed(ms) => *ms,
            Self::Exponential { mean } => {
                let unit: f64 = Exp1.sample(random);
                mean * unit
            }
            Self::Lognormal(distribution) => distribution.sample(random),
            Self::Empirical(values) => {
                // A list has a value: it was checked.
                let place = random.random_range(0..values.len().max(1));
                values.get(place).copied().unwrap_or_default()
            }
        };
        Duration::try_from_secs_f64(ms / 1e3).unwrap_or(SERVICE_MAX).min(SERVICE_MAX)
    }
}
