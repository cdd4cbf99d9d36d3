//! A scenario as a suite hands it over: what a round of it does, how its rounds are spread over the run, and what
//! Criterion is shown of them.

use std::fmt;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use prismq_record::{self as record, Metric, Scenario};

use crate::base::error::Result;
use crate::observe::metrics::{BYTES_PER_TASK, Spec};
use crate::observe::round::Round;
use crate::run::quiet::Budget;
use crate::run::record::case::Case;
use crate::run::record::recorder;
use crate::run::rounds::order::Spread;
use crate::run::rounds::unit::Unit;
use crate::scenario::stage::Stage;

type RoundFn = Box<dyn FnMut(&Stage) -> Result<(Duration, Round)>>;
type FiguresFn = Box<dyn Fn(&Measurements<'_>) -> Vec<Metric>>;

/// A scenario, and the rounds of it that were run so far.
pub struct Experiment {
    case: Case,
    spread: Spread,
    shown: Shown,
    round: RoundFn,
    figures: Option<FiguresFn>,
    discarded: Option<Measured>,
    measured: Vec<Measured>,
    looks: u64,
}

/// What Criterion follows of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// The duration that a round gives.
    Duration,
    /// Percentiles of a distribution, each a benchmark of its own over the same rounds.
    Percentiles(&'static str, &'static [u8]),
    /// The first of these readings that a round has. They are not times.
    Reading(&'static [Spec]),
}

/// What one benchmark of Criterion's follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its id: that of the scenario, with the percentile where there are several.
    pub id: String,
    /// The last part of that.
    pub parameter: String,
    percentile: Option<u8>,
}

/// A round that was run.
#[derive(Debug, Clone)]
pub struct Measured {
    /// What Criterion follows where it follows a time.
    followed: Duration,
    /// What it read.
    pub round: Round,
    /// How long all of it took, with what is not measured.
    pub took: Duration,
}

impl Experiment {
    /// A scenario whose rounds Criterion follows by the duration each gives.
    pub fn new(
        case: Case,
        round: impl FnMut(&Stage) -> Result<(Duration, Round)> + 'static,
    ) -> Self {
        Self {
            case,
            spread: Spread::Run,
            shown: Shown::Duration,
            round: Box::new(round),
            figures: None,
            discarded: None,
            measured: Vec::new(),
            looks: 0,
        }
    }

    /// Whose rounds are run one after the other; see [`Spread::OnePiece`].
    #[must_use]
    pub fn in_one_piece(mut self) -> Self {
        self.spread = Spread::OnePiece;
        self
    }

    /// Whose rounds warm up by themselves; see [`Spread::WarmedUp`].
    #[must_use]
    pub fn warmed_up(mut self) -> Self {
        self.spread = Spread::WarmedUp;
        self
    }

    /// Which has a single round; see [`Spread::Single`].
    #[must_use]
    pub fn single(mut self) -> Self {
        self.spread = Spread::Single;
        self
    }

    /// Of which Criterion is shown percentiles of a distribution, each as a benchmark of its own.
    #[must_use]
    pub fn percentiles(mut self, histogram: &'static str, percentiles: &'static [u8]) -> Self {
        self.shown = Shown::Percentiles(histogram, percentiles);
        self
    }

    /// Of which Criterion follows the first of these readings that its rounds have; they are not times. A round
    /// without any is not shown.
    #[must_use]
    pub fn following(mut self, readings: &'static [Spec]) -> Self {
        self.shown = Shown::Reading(readings);
        self
    }

    /// With figures that belong to no single round. They are made of the rounds run so far after each pass over
    /// the scenarios, and last when all were run.
    #[must_use]
    pub fn figures(mut self, figures: impl Fn(&Measurements<'_>) -> Vec<Metric> + 'static) -> Self {
        self.figures = Some(Box::new(figures));
        self
    }

    /// What defines it.
    #[must_use]
    pub const fn case(&self) -> &Case {
        &self.case
    }

    /// How its rounds are spread over the run.
    #[must_use]
    pub const fn spread(&self) -> Spread {
        self.spread
    }

    /// The unit of what Criterion follows.
    #[must_use]
    pub fn unit(&self) -> Unit {
        let Shown::Reading(specs) = self.shown else { return Unit::Time };
        let read = self.measured.first().and_then(|round| first_read(specs, &round.round));
        match read.or(specs.first().map(|spec| (*spec, 0.0))) {
            Some((spec, _)) if spec.unit == BYTES_PER_TASK.unit => Unit::Bytes,
            _ => Unit::Instructions,
        }
    }

    /// Its benchmarks in Criterion.
    #[must_use]
    pub fn views(&self, suite: &str) -> Vec<View> {
        let view = |percentile: Option<u8>| {
            let of = |percentile| format!("{},percentile={percentile}", self.case.parameter);
            let parameter = percentile.map_or_else(|| self.case.parameter.clone(), of);
            let id = format!("{suite}/{}/{parameter}", self.case.scenario);
            View { id, parameter, percentile }
        };
        match self.shown {
            Shown::Percentiles(_, percentiles) => {
                percentiles.iter().copied().map(Some).map(view).collect()
            }
            Shown::Duration | Shown::Reading(_) => vec![view(None)],
        }
    }

    /// Runs one round, which has this place in the order of all rounds of the suite. With a budget, what others
    /// did to the machine meanwhile is recorded, and a disturbed round is repeated as far as it goes.
    ///
    /// # Errors
    /// What the round gives.
    pub fn run(
        &mut self,
        stage: &Stage,
        sequence: u64,
        discarded: bool,
        budget: Option<&mut Budget>,
    ) -> Result<()> {
        let mut once = || -> Result<_> {
            let (started_at, started) = (Timestamp::now(), Instant::now());
            let (followed, round) = (self.round)(stage)?;
            Ok((followed, round, started_at, started.elapsed()))
        };
        let ((followed, mut round, started_at, took), disturbance) = match budget {
            Some(budget) => {
                let (measured, disturbance) = budget.undisturbed(once)?;
                (measured, Some(disturbance))
            }
            None => (once()?, None),
        };
        if round.course == record::Round::default() {
            round.course.seconds = took.as_secs_f64();
        }
        round.course.disturbance = disturbance;
        round.course.sequence = Some(sequence);
        round.course.started_at = Some(started_at);
        let measured = Measured { followed, round, took };
        if discarded {
            self.discarded = Some(measured);
        } else {
            self.measured.push(measured);
        }
        Ok(())
    }

    /// The rounds that count.
    #[must_use]
    pub fn measured(&self) -> &[Measured] {
        &self.measured
    }

    /// Counts a look at its targets by the rounds so far.
    pub const fn look(&mut self) {
        self.looks += 1;
    }

    /// Its part of the record, with figures that belong to no single round.
    ///
    /// # Errors
    /// If distributions cannot be merged or written.
    pub fn scenario(&self, suite: &str, once: Vec<Metric>) -> Result<Scenario> {
        let rounds = self.measured.iter().map(|measured| &measured.round);
        let mut scenario = recorder::scenario(suite, self.case.clone(), rounds, once)?;
        if let Some(discarded) = &self.discarded {
            recorder::object(&mut scenario, &discarded.round.faults);
        }
        // The verdict looks at them in any case.
        scenario.looks = self.looks.max(1);
        scenario.warnings.extend(scenario.disturbed());
        Ok(scenario)
    }

    /// How long a round takes, by the latest.
    #[must_use]
    pub fn lasts(&self) -> Option<Duration> {
        self.measured.last().or(self.discarded.as_ref()).map(|round| round.took)
    }

    /// What a benchmark of Criterion's follows in a round: nanoseconds, or the reading it counts.
    #[must_use]
    pub fn followed(&self, view: &View, round: &Measured) -> Option<f64> {
        match (self.shown, view.percentile) {
            (Shown::Reading(specs), _) => {
                first_read(specs, &round.round).map(|(_, reading)| reading)
            }
            (Shown::Percentiles(name, _), Some(percentile)) => {
                let histograms = &round.round.histograms;
                let (_, histogram) = histograms.iter().find(|(other, _)| *other == name)?;
                let value = histogram.value_at_quantile(f64::from(percentile) / 100.0);
                Some(crate::base::number::as_f64(value))
            }
            _ => Some(round.followed.as_secs_f64() * 1e9),
        }
    }

    /// Claims nothing but correctness, as in test mode.
    pub(crate) fn claim_nothing(&mut self) {
        self.case.untimed = true;
    }

    /// Its part of the record by the rounds run so far, with its figures that belong to no single round.
    ///
    /// # Errors
    /// If distributions cannot be merged or written.
    pub fn so_far(&self, suite: &str, measurements: &Measurements<'_>) -> Result<Scenario> {
        let once = self.figures.as_ref().map(|figures| figures(measurements));
        self.scenario(suite, once.unwrap_or_default())
    }
}

/// The first of these that a round read.
fn first_read(specs: &[Spec], round: &Round) -> Option<(Spec, f64)> {
    specs.iter().find_map(|spec| Some((*spec, round.reading(*spec)?)))
}

impl fmt::Debug for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Experiment")
            .field("case", &self.case)
            .field("spread", &self.spread)
            .field("shown", &self.shown)
            .field("measured", &self.measured.len())
            .finish_non_exhaustive()
    }
}

/// All rounds that a suite has run.
#[derive(Debug, Clone, Copy)]
pub struct Measurements<'a> {
    experiments: &'a [Experiment],
}

impl<'a> Measurements<'a> {
    /// Of these scenarios.
    #[must_use]
    pub const fn of(experiments: &'a [Experiment]) -> Self {
        Self { experiments }
    }

    /// The figure of a metric over the rounds of a scenario, if that was measured.
    #[must_use]
    pub fn figure(&self, case: &Case, spec: Spec) -> Option<f64> {
        let same = |found: &&Experiment| {
            (found.case.scenario, &found.case.parameter) == (case.scenario, &case.parameter)
        };
        let rounds = &self.experiments.iter().find(same)?.measured;
        let readings = rounds.iter().flat_map(|round| &round.round.readings);
        let samples = readings.filter(|reading| reading.spec == spec);
        spec.fold(samples.map(|reading| reading.value).collect()).value
    }
}
