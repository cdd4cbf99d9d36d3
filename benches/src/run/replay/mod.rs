//! Shows Criterion the rounds that were run, so that its figures, charts and baselines are what its users
//! know; in test mode and for profilers it decides itself when a round is run.
//!
//! Criterion plans by the time that its first call took, and warns where a call takes longer than it may.
//! Rounds are replayed, which takes next to no time: the first call, which Criterion discards, sleeps for
//! `FIRST_CALL`; the time it is given for all of its samples is that of the rounds, so that it asks for
//! many iterations in each of its calls and has no reason to warn. A call is answered with one round's
//! figure times the iterations, by which Criterion divides again.

pub mod terminal;

use std::io;
use std::thread;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, PlottingBackend, SamplingMode, Throughput,
};

use crate::base::error::{Error, Result};
use crate::base::number::as_f64;
use crate::base::paths;
use crate::base::profile::{Profile, Scale};
use crate::run::rounds::experiment::{Experiment, View};
use crate::run::rounds::unit::Unit;
use crate::run::settings::invocation::{Invocation, Mode};
use crate::scenario::stage::Stage;
use crate::subject::SubjectKind;

/// Rounds that are measured unless `--sample-size` says otherwise: Criterion's minimum.
pub const ROUNDS: usize = 10;

/// Rounds of a smoke run, of which Criterion is shown some twice. With five, the interval of a rate reached from half a
/// percent of it to a hundred times as much.
pub const ROUNDS_SMOKE: usize = 7;

/// How long the call takes by which Criterion plans.
const FIRST_CALL: Duration = Duration::from_micros(50);
/// The least that Criterion is given for a sample: far above [`FIRST_CALL`], on a busy machine too.
const SAMPLE_MIN: Duration = Duration::from_millis(100);
/// Time that Criterion gives a benchmark whose rounds are run when it asks for them: one round a call.
const ROUND_A_CALL: Duration = Duration::from_nanos(1);

/// By how much, as a share, each figure is shown larger than the one before: Criterion 0.8.2 panics where it compares two
/// runs in which nothing varies, as counts need not, since no t statistic of them is finite. Far below what it prints.
const APART: f64 = 1e-12;

/// Bootstrap resamples. Criterion's default of 100 000 takes longer for some sixty benchmarks than many of
/// them do; the ends of an interval over ten rounds are as firm with a tenth of it.
const RESAMPLES: usize = 10_000;
/// What fits into the time of the smoke profile.
const RESAMPLES_SMOKE: usize = 5_000;

/// A figure that was measured elsewhere.
pub struct Figure {
    unit: Unit,
    time: WallTime,
}

impl Figure {
    /// Figures of this unit.
    #[must_use]
    pub const fn of(unit: Unit) -> Self {
        Self { unit, time: WallTime }
    }
}

impl Measurement for Figure {
    type Intermediate = ();
    type Value = f64;

    fn start(&self) -> Self::Intermediate {}

    fn end(&self, (): Self::Intermediate) -> Self::Value {
        0.0
    }

    fn add(&self, one: &Self::Value, other: &Self::Value) -> Self::Value {
        one + other
    }

    fn zero(&self) -> Self::Value {
        0.0
    }

    fn to_f64(&self, value: &Self::Value) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        match self.unit {
            Unit::Time => self.time.formatter(),
            Unit::Instructions => &INSTRUCTIONS,
            Unit::Bytes => &BYTES,
        }
    }
}

/// The names of a unit that is counted.
struct Count {
    one: &'static str,
    thousand: &'static str,
    of_each: &'static str,
}

const INSTRUCTIONS: Count = Count { one: "instr", thousand: "Kinstr", of_each: "instr/elem" };
const BYTES: Count = Count { one: "B", thousand: "kB", of_each: "B/elem" };

impl ValueFormatter for Count {
    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        let (scale, unit) = if typical < 1e3 { (1.0, self.one) } else { (1e-3, self.thousand) };
        values.iter_mut().for_each(|value| *value *= scale);
        unit
    }

    fn scale_throughputs(
        &self,
        _: f64,
        throughput: &Throughput,
        values: &mut [f64],
    ) -> &'static str {
        if let Throughput::Elements(elements) = throughput {
            values.iter_mut().for_each(|value| *value /= as_f64(*elements));
        }
        self.of_each
    }

    fn scale_for_machines(&self, _: &mut [f64]) -> &'static str {
        self.one
    }
}

/// Criterion, configured from the command line. It draws with Plotters, on every machine alike, unless the command
/// line says otherwise.
///
/// Its own comparison is with the run before. Other subjects and profiles do other
/// work under the same ids, so each has a `base` of its own, unless a baseline is named.
///
/// # Errors
/// [`Error::Start`] if Criterion's output cannot be redirected.
pub fn criterion(stage: &Stage, invocation: &Invocation, unit: Unit) -> Result<Criterion<Figure>> {
    let profile = match stage.scale() {
        Scale::Profile(profile) => profile,
        Scale::Trial => Profile::Smoke,
    };
    let resamples = if profile == Profile::Smoke { RESAMPLES_SMOKE } else { RESAMPLES };
    // It looks for gnuplot at once, also where another backend is set later.
    let criterion = terminal::without_gnuplot(Criterion::default).map_err(redirecting)?;
    let criterion = criterion
        .plotting_backend(PlottingBackend::Plotters)
        .with_measurement(Figure::of(unit))
        .output_directory(&paths::criterion_dir())
        .sample_size(ROUNDS)
        .nresamples(resamples)
        .configure_from_args();
    let usual = (SubjectKind::default(), Profile::default());
    if invocation.names_baseline() || (stage.kind(), profile) == usual {
        return Ok(criterion);
    }
    Ok(criterion.save_baseline(format!("base-{}-{}", stage.kind().name(), profile.name())))
}

const fn redirecting(source: io::Error) -> Error {
    Error::Start { what: "Criterion with its output in a file", source }
}

/// Shows Criterion the experiments of a suite, those of one scenario as one group.
///
/// # Errors
/// The first error of a round that was run because Criterion asked for it.
pub fn show(
    criterion: &mut Criterion<Figure>,
    invocation: &Invocation,
    suite: &str,
    stage: &Stage,
    experiments: &mut [&mut Experiment],
) -> Result<()> {
    let mut shown: Vec<&'static str> = Vec::new();
    for scenario in
        experiments.iter().map(|experiment| experiment.case().scenario).collect::<Vec<_>>()
    {
        if shown.contains(&scenario) {
            continue;
        }
        shown.push(scenario);
        let mut group = || {
            let mut group = criterion.benchmark_group(format!("{suite}/{scenario}"));
            group.sampling_mode(SamplingMode::Flat).warm_up_time(Duration::from_nanos(1));
            let same = experiments.iter_mut().filter(|found| found.case().scenario == scenario);
            for experiment in same {
                for view in experiment.views(suite) {
                    if invocation.mode == Mode::Measure {
                        replay(&mut group, invocation, experiment, &view);
                    } else {
                        on_demand(&mut group, stage, experiment, &view)?;
                    }
                }
            }
            group.finish();
            Ok::<(), Error>(())
        };
        // What is to be read by a program, or was asked for in full, is left as it is.
        if invocation.mode == Mode::Measure && invocation.prints_as_usual() {
            terminal::condensed(group).map_err(redirecting)??;
        } else {
            group()?;
        }
    }
    Ok(())
}

/// Gives Criterion the rounds of an experiment, if there are any.
fn replay(
    group: &mut BenchmarkGroup<'_, Figure>,
    invocation: &Invocation,
    experiment: &Experiment,
    view: &View,
) {
    let rounds = experiment.measured();
    let figures: Vec<f64> =
        rounds.iter().filter_map(|round| experiment.followed(view, round)).collect();
    // Criterion takes a figure of nothing for a mistake in the benchmark. Without any round, it is asked whether
    // it has the baseline that is named.
    let nothing = figures.is_empty() || figures.iter().any(|figure| *figure <= 0.0);
    if nothing && !rounds.is_empty() {
        return;
    }
    let samples = figures.len().max(invocation.measured_calls(ROUNDS)).max(ROUNDS);
    let took = rounds.iter().map(|round| round.took).sum::<Duration>();
    let least = SAMPLE_MIN * u32::try_from(samples).unwrap_or(u32::MAX);
    group.sample_size(samples).measurement_time(if invocation.quick {
        ROUND_A_CALL
    } else {
        took.max(least)
    });
    if let Some(tasks) = experiment.case().elements {
        group.throughput(Throughput::Elements(tasks));
    }
    let discarded = invocation.discarded_calls();
    let mut call = 0_usize;
    group.bench_function(BenchmarkId::from_parameter(&view.parameter), |bencher| {
        bencher.iter_custom(|iterations| {
            if call == 0 {
                thread::sleep(FIRST_CALL);
            }
            let round = call.saturating_sub(discarded);
            call += 1;
            // Fewer rounds than samples are shown again, a single one as often as Criterion asks.
            let shown = round.checked_rem(figures.len()).and_then(|round| figures.get(round));
            let figure = shown.copied().unwrap_or_default();
            let apart = 1.0 + APART * as_f64(u64::try_from(round).unwrap_or(u64::MAX));
            figure * apart * as_f64(iterations)
        });
    });
}

/// Lets Criterion decide when a round is run: once in test mode, for a while under a profiler, never in
/// a list.
fn on_demand(
    group: &mut BenchmarkGroup<'_, Figure>,
    stage: &Stage,
    experiment: &mut Experiment,
    view: &View,
) -> Result<()> {
    let mut failure = None;
    let mut next = 0_usize;
    let mut run = || -> Result<f64> {
        while experiment.measured().len() <= next {
            experiment.run(stage, u64::try_from(next).unwrap_or(u64::MAX), false, None)?;
        }
        let round = experiment.measured().get(next);
        next += 1;
        Ok(round.and_then(|round| experiment.followed(view, round)).unwrap_or_default())
    };
    group.measurement_time(ROUND_A_CALL);
    group.bench_function(BenchmarkId::from_parameter(&view.parameter), |bencher| {
        bencher.iter_custom(|iterations| {
            let mut sum = 0.0;
            for _ in 0..iterations {
                if failure.is_some() {
                    break;
                }
                match run() {
                    Ok(figure) => sum += figure,
                    Err(error) => failure = Some(error),
                }
            }
            sum
        });
    });
    failure.map_or(Ok(()), Err)
}
