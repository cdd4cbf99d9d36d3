//! Reads a workload from TOML. Types that carry the place of each value in the file are checked and
//! become those of a [`Plan`].

mod raw;

use std::collections::HashSet;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use rand::distr::weighted::WeightedIndex;
use rand_distr::LogNormal;
use toml::Spanned;

use super::error::Source;
use super::{Arrivals, Choice, Kind, Plan, PlanError, Service, Settings, Sizes, TaskKind};
use super::{limits, size};
use crate::base::number::as_f64;
use crate::subject::{DEFAULT_PRIORITY, DEFAULT_QUEUE, Durability, Order};

/// Reads a workload; `file` is what errors call it.
///
/// # Errors
/// [`PlanError`] with the place of the first thing that is wrong, and what is allowed there.
pub fn parse_workload(file: &str, text: &str) -> Result<Plan, PlanError> {
    let source = Source { file, text };
    let raw: raw::File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        source.refuse(at, error.message())
    })?;
    Checker { source }.plan(&raw)
}

/// What a workload may be called: it becomes part of an id and of the name of a directory.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '_';
    if !name.is_empty() && name.chars().count() <= limits::NAME_CHARS_MAX && name.chars().all(plain)
    {
        return Ok(());
    }
    Err(format!(
        "{name:?} is not a name; allowed are 1 to {} letters, digits, - and _",
        limits::NAME_CHARS_MAX
    ))
}

/// What a queue or a type may be called.
pub(super) fn check_queue_name(name: &str) -> Result<(), String> {
    if !name.is_empty()
        && name.len() <= limits::NAME_BYTES_MAX
        && !name.chars().any(char::is_control)
    {
        return Ok(());
    }
    Err(format!(
        "{name:?} is not a name; allowed are 1 to {} bytes without control characters",
        limits::NAME_BYTES_MAX
    ))
}

struct Checker<'a> {
    source: Source<'a>,
}

type Checked<T> = Result<T, PlanError>;

impl Checker<'_> {
    fn plan(&self, raw: &raw::File) -> Checked<Plan> {
        let usual = Settings::usual(raw.name.get_ref().clone());
        self.named(&raw.name, check_name)?;
        let threads = |name, given: &Option<Spanned<i64>>, usual, max| match given {
            None => Ok(usual),
            Some(given) => self.whole(name, given, 1..=max),
        };
        let settings = Settings {
            version: match &raw.version {
                None => usual.version,
                Some(given) => self.whole("version", given, 1..=limits::VERSION_MAX)?,
            },
            seed: raw.seed,
            callers: threads("callers", &raw.callers, usual.callers, limits::CALLERS_MAX)?,
            workers: threads("workers", &raw.workers, usual.workers, limits::WORKERS_MAX)?,
            durability: match raw.durability {
                raw::Durability::Full => Durability::Full,
                raw::Durability::Normal => Durability::Normal,
            },
            order: self.order(&raw.order)?,
            reader: raw.reader.as_ref().map(|reader| self.reader(reader)).transpose()?,
            ..usual
        };
        let arrivals = self.arrivals(&raw.arrivals)?;
        let mix = self.mix(raw)?;
        if let Some((mix, tasks)) = mix.as_ref().zip(expected_tasks(&arrivals)) {
            let bytes = tasks * mix.mean(|kind| kind.payload.mean());
            self.sized(size::too_large(bytes), raw.arrivals.span())?;
        }
        Ok(Plan { settings, arrivals, mix })
    }

    fn order(&self, raw: &raw::Order) -> Checked<Order> {
        Ok(match raw {
            raw::Order::Priority => Order::Priority,
            raw::Order::FirstInFirstOut => Order::FirstInFirstOut,
            raw::Order::LastInFirstOut => Order::LastInFirstOut,
            raw::Order::WeightedRandom => Order::WeightedRandom,
            raw::Order::Ageing { step_ms } => {
                let longest = limits::AGEING_STEP_MAX.as_secs_f64() * 1e3;
                let step = self.number("step_ms", step_ms, 0.001..=longest)?;
                Order::Ageing { step: Duration::from_secs_f64(step / 1e3) }
            }
        })
    }

    fn reader(&self, raw: &raw::Reader) -> Checked<Range<Duration>> {
        let longest = limits::DURATION_MAX.as_secs_f64();
        let seconds = |name, value| self.number(name, value, 0.0..=longest);
        let (from, to) = (seconds("from_s", &raw.from_s)?, seconds("to_s", &raw.to_s)?);
        if from >= to {
            let problem = format!("to_s is {to}; allowed is what is more than from_s, {from}");
            return Err(self.refuse(raw.to_s.span(), problem));
        }
        Ok(Duration::from_secs_f64(from)..Duration::from_secs_f64(to))
    }

    fn arrivals(&self, raw: &Spanned<raw::Arrivals>) -> Checked<Arrivals> {
        let rate =
            |rate| self.number("rate_per_s", rate, limits::RATE_PER_S_MIN..=limits::RATE_PER_S_MAX);
        let arrivals = match raw.get_ref() {
            raw::Arrivals::Constant { rate_per_s, duration_s } => Arrivals::Constant {
                rate_per_s: rate(rate_per_s)?,
                duration: self.span_of_time("duration_s", duration_s)?,
            },
            raw::Arrivals::Poisson { rate_per_s, duration_s } => Arrivals::Poisson {
                rate_per_s: rate(rate_per_s)?,
                duration: self.span_of_time("duration_s", duration_s)?,
            },
            raw::Arrivals::Burst { size, every_s, duration_s } => Arrivals::Burst {
                size: self.whole("size", size, 1..=limits::TASKS_MAX)?,
                every: self.span_of_time("every_s", every_s)?,
                duration: self.span_of_time("duration_s", duration_s)?,
            },
            raw::Arrivals::Closed { tasks } => {
                Arrivals::Closed { tasks: self.whole("tasks", tasks, 1..=limits::TASKS_MAX)? }
            }
            raw::Arrivals::Trace { file } => Arrivals::Trace { file: file.clone() },
        };
        let too_many = expected_tasks(&arrivals).and_then(size::too_many);
        self.sized(too_many, raw.span())?;
        Ok(arrivals)
    }

    /// What arrives: nothing with a trace, at least something otherwise.
    fn mix(&self, raw: &raw::File) -> Checked<Option<Choice<Kind>>> {
        let traced = matches!(raw.arrivals.get_ref(), raw::Arrivals::Trace { .. });
        let at = raw.tasks.first().map_or(raw.arrivals.span(), Spanned::span);
        match (traced, raw.tasks.is_empty()) {
            (true, true) => return Ok(None),
            (true, false) => {
                return Err(self.refuse(at, "a trace says itself what arrives: remove [[tasks]]"));
            }
            (false, true) => {
                return Err(self.refuse(at, "nothing arrives: at least one [[tasks]] is needed"));
            }
            (false, false) => {}
        }
        if raw.tasks.len() > limits::KINDS_MAX {
            let problem = format!("allowed are at most {} [[tasks]]", limits::KINDS_MAX);
            return Err(self.refuse(at, problem));
        }
        let kinds =
            raw.tasks.iter().map(|task| self.kind(task.get_ref())).collect::<Checked<Vec<_>>>()?;
        let mut names = HashSet::new();
        let mut queues = HashSet::new();
        for (kind, task) in kinds.iter().zip(&raw.tasks) {
            if !names.insert(&kind.name) {
                let problem = format!(
                    "the type {:?} of the queue {:?} is described twice; merge the two",
                    kind.name.task_type, kind.name.queue
                );
                return Err(self.refuse(task.get_ref().task_type.span(), problem));
            }
            queues.insert(&kind.name.queue);
            if queues.len() > limits::QUEUES_MAX {
                let problem = format!("allowed are at most {} queues", limits::QUEUES_MAX);
                return Err(self.refuse(task.span(), problem));
            }
        }
        let weights = raw.tasks.iter().map(|task| &task.get_ref().weight);
        self.choice(kinds, weights.map(Option::as_ref), at).map(Some)
    }

    fn kind(&self, raw: &raw::Task) -> Checked<Kind> {
        self.named(&raw.task_type, check_queue_name)?;
        if let Some(queue) = &raw.queue {
            self.named(queue, check_queue_name)?;
        }
        let queue = raw.queue.as_ref().map_or(DEFAULT_QUEUE, |queue| queue.get_ref());
        Ok(Kind {
            name: TaskKind { queue: queue.to_owned(), task_type: raw.task_type.get_ref().clone() },
            priority: self.priority(raw.priority.as_ref())?,
            payload: self.sizes(&raw.payload_bytes)?,
            service: self.service(&raw.service_ms)?,
            failure_probability: match &raw.failure_probability {
                None => 0.0,
                Some(given) => self.number("failure_probability", given, 0.0..=1.0)?,
            },
            max_attempts: match &raw.max_attempts {
                None => limits::ATTEMPTS_USUAL,
                Some(given) => self.whole("max_attempts", given, 1..=limits::ATTEMPTS_MAX)?,
            },
        })
    }

    fn priority(&self, raw: Option<&Spanned<raw::Priority>>) -> Checked<Choice<i32>> {
        let Some(raw) = raw else { return Ok(Choice::Only(DEFAULT_PRIORITY)) };
        let allowed = limits::PRIORITY_MIN..=limits::PRIORITY_MAX;
        match raw.get_ref() {
            raw::Priority::Fixed(priority) => {
                Ok(Choice::Only(self.whole("a priority", priority, allowed)?))
            }
            raw::Priority::Choice(values) => {
                let check =
                    |value: &raw::Weighted| self.whole("a priority", &value.value, allowed.clone());
                self.weighted(values, raw.span(), check)
            }
        }
    }

    fn sizes(&self, raw: &Spanned<raw::Sizes>) -> Checked<Sizes> {
        let bytes = |value: &Spanned<i64>| {
            self.whole("payload_bytes", value, 0..=limits::PAYLOAD_BYTES_MAX)
        };
        Ok(match raw.get_ref() {
            raw::Sizes::Fixed(value) => Sizes::Fixed(bytes(value)?),
            raw::Sizes::Uniform { min, max } => {
                let (min, max_bytes) = (bytes(min)?, bytes(max)?);
                if min > max_bytes {
                    let problem =
                        format!("max is {max_bytes}; allowed is what is at least min, {min}");
                    return Err(self.refuse(max.span(), problem));
                }
                Sizes::Uniform { min, max: max_bytes }
            }
            raw::Sizes::Choice(values) => {
                Sizes::Choice(self.weighted(values, raw.span(), |value| bytes(&value.value))?)
            }
        })
    }

    fn service(&self, raw: &Spanned<raw::Service>) -> Checked<Service> {
        let longest = limits::SERVICE_MAX.as_secs_f64() * 1e3;
        let time = |value: &Spanned<f64>| self.number("a service time in ms", value, 0.0..=longest);
        Ok(match raw.get_ref() {
            raw::Service::Fixed(value) => Service::Fixed(time(value)?),
            raw::Service::Exponential { mean } => Service::Exponential { mean: time(mean)? },
            raw::Service::Lognormal { median, sigma } => {
                let median_ms = self.number("median", median, 1e-6..=longest)?;
                let sigma = self.number("sigma", sigma, 0.0..=limits::SIGMA_MAX)?;
                let distribution = LogNormal::new(median_ms.ln(), sigma);
                Service::Lognormal(
                    distribution.map_err(|error| self.refuse(raw.span(), error.to_string()))?,
                )
            }
            raw::Service::Empirical(values) => {
                self.listed(values.len(), raw.span())?;
                Service::Empirical(values.iter().map(time).collect::<Checked<_>>()?)
            }
        })
    }

    fn weighted<T>(
        &self,
        raw: &[raw::Weighted],
        at: Range<usize>,
        check: impl Fn(&raw::Weighted) -> Checked<T>,
    ) -> Checked<Choice<T>> {
        self.listed(raw.len(), at.clone())?;
        let values = raw.iter().map(check).collect::<Checked<Vec<_>>>()?;
        self.choice(values, raw.iter().map(|value| value.weight.as_ref()), at)
    }

    /// Without a weight, a value has that of 1.
    fn choice<'w, T>(
        &self,
        values: Vec<T>,
        weights: impl Iterator<Item = Option<&'w Spanned<f64>>>,
        at: Range<usize>,
    ) -> Checked<Choice<T>> {
        let weights = weights
            .map(|weight| match weight {
                None => Ok(1.0),
                Some(weight) => self.number("weight", weight, 0.0..=limits::WEIGHT_MAX),
            })
            .collect::<Checked<Vec<f64>>>()?;
        let index = WeightedIndex::new(&weights).map_err(|_| {
            self.refuse(at, "the weights add up to 0; at least one must be more than 0")
        })?;
        Ok(Choice::Weighted { values, weights, index })
    }

    fn listed(&self, values: usize, at: Range<usize>) -> Checked<()> {
        if (1..=limits::VALUES_MAX).contains(&values) {
            return Ok(());
        }
        let most = limits::VALUES_MAX;
        Err(self.refuse(at, format!("the list has {values} values; allowed are 1 to {most}")))
    }

    fn span_of_time(&self, name: &str, value: &Spanned<f64>) -> Checked<Duration> {
        let allowed = limits::DURATION_MIN.as_secs_f64()..=limits::DURATION_MAX.as_secs_f64();
        self.number(name, value, allowed).map(Duration::from_secs_f64)
    }

    /// Neither NaN nor infinity is within any range.
    fn number(
        &self,
        name: &str,
        value: &Spanned<f64>,
        allowed: RangeInclusive<f64>,
    ) -> Checked<f64> {
        let number = *value.get_ref();
        if allowed.contains(&number) {
            return Ok(number);
        }
        let problem =
            format!("{name} is {number}; allowed is {} to {}", allowed.start(), allowed.end());
        Err(self.refuse(value.span(), problem))
    }

    fn whole<T: TryFrom<i64> + PartialOrd + std::fmt::Display>(
        &self,
        name: &str,
        value: &Spanned<i64>,
        allowed: RangeInclusive<T>,
    ) -> Checked<T> {
        let number = *value.get_ref();
        match T::try_from(number) {
            Ok(number) if allowed.contains(&number) => Ok(number),
            _ => {
                let (least, most) = (allowed.start(), allowed.end());
                let problem = format!("{name} is {number}; allowed is {least} to {most}");
                Err(self.refuse(value.span(), problem))
            }
        }
    }

    fn named(&self, name: &Spanned<String>, check: fn(&str) -> Result<(), String>) -> Checked<()> {
        check(name.get_ref()).map_err(|problem| self.refuse(name.span(), problem))
    }

    fn sized(&self, problem: Option<String>, at: Range<usize>) -> Checked<()> {
        problem.map_or(Ok(()), |problem| Err(self.refuse(at, problem)))
    }

    fn refuse(&self, at: Range<usize>, problem: impl Into<String>) -> PlanError {
        self.source.refuse(at.start, problem)
    }
}

/// How many tasks will arrive, if the file itself says so.
fn expected_tasks(arrivals: &Arrivals) -> Option<f64> {
    let count = |count: usize| as_f64(u64::try_from(count).unwrap_or(u64::MAX));
    match arrivals {
        Arrivals::Constant { rate_per_s, duration }
        | Arrivals::Poisson { rate_per_s, duration } => Some(rate_per_s * duration.as_secs_f64()),
        Arrivals::Burst { size, every, duration } => {
            Some(count(*size) * (duration.as_secs_f64() / every.as_secs_f64()).ceil())
        }
        Arrivals::Closed { tasks } => Some(count(*tasks)),
        Arrivals::Trace { .. } => None,
    }
}
