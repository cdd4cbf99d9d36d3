//! Drives Criterion: it decides how often a round is run and keeps one number of each, the harness
//! keeps the rest.
//!
//! The settings give exactly one discarded and [`ROUNDS`] measured calls of one round each. They
//! are the group's, which `--warm-up-time` and `--measurement-time` do not reach, so that the
//! harness knows which call is the discarded one; `--sample-size` is left to the user. Criterion
//! warns that it cannot complete its samples in a nanosecond: that is the point.

use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode};

use crate::engine::EngineKind;
use crate::error::Result;
use crate::invocation::{Invocation, Mode};
use crate::places;
use crate::profile::{Profile, Scale};
use crate::progress::Progress;
use crate::stage::Stage;

/// Rounds that are measured unless `--sample-size` says otherwise: Criterion's minimum.
pub const ROUNDS: usize = 10;

/// Criterion plans by the time its calls really take, and would plan endless repetitions of one that
/// took none, as a replayed round nearly does.
const SHORTEST_CALL: Duration = Duration::from_micros(50);

/// Bootstrap resamples. Criterion's default of 100 000 takes longer for some sixty benchmarks than many of
/// them do; the ends of an interval over ten rounds are as firm with a fifth of it.
const RESAMPLES: usize = 20_000;
/// What fits into the time of the smoke profile.
const RESAMPLES_SMOKE: usize = 5_000;

/// Criterion, configured from the command line.
///
/// Its own comparison is with the run before, whatever that was. Other engines and profiles do other
/// work under the same ids, so each has a `base` of its own, unless a baseline is named.
#[must_use]
pub fn criterion(stage: &Stage, invocation: &Invocation) -> Criterion {
    let profile = match stage.scale() {
        Scale::Profile(profile) => profile,
        Scale::Trial => Profile::Smoke,
    };
    let resamples = if profile == Profile::Smoke { RESAMPLES_SMOKE } else { RESAMPLES };
    let criterion = Criterion::default()
        .output_directory(&places::criterion_dir())
        .sample_size(ROUNDS)
        .nresamples(resamples)
        .configure_from_args();
    let usual = (EngineKind::default(), Profile::default());
    if invocation.names_baseline() || (stage.kind(), profile) == usual {
        return criterion;
    }
    criterion.save_baseline(format!("base-{}-{}", stage.kind().name(), profile.name()))
}

/// One call of a benchmark by Criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Which call of this benchmark it is, from 0.
    pub index: usize,
    /// Whether Criterion discards its time.
    pub discarded: bool,
}

/// Runs the benchmarks of one suite as one Criterion group.
pub struct Driver<'a> {
    group: BenchmarkGroup<'a, WallTime>,
    invocation: Invocation,
    suite: &'static str,
}

impl<'a> Driver<'a> {
    /// A group named like the suite.
    pub fn new(criterion: &'a mut Criterion, suite: &'static str, invocation: Invocation) -> Self {
        let mut group = criterion.benchmark_group(suite);
        group
            .sampling_mode(SamplingMode::Flat)
            .warm_up_time(Duration::from_nanos(1))
            .measurement_time(Duration::from_nanos(1));
        Self { group, invocation, suite }
    }

    /// What the command line asks for.
    #[must_use]
    pub const fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    /// Lets Criterion call `measure` as often as it wants, which is never if the name is filtered
    /// out. What `measure` returns is what Criterion keeps.
    ///
    /// # Errors
    /// The first error of `measure`. Criterion then keeps nothing of this benchmark.
    pub fn bench(
        &mut self,
        scenario: &str,
        parameter: &str,
        measure: impl FnMut(Call) -> Result<Duration>,
    ) -> Result<()> {
        // A trial is over before anyone could wonder.
        let shown = self.invocation.mode != Mode::Trial;
        self.bench_shown(scenario, parameter, shown, measure)
    }

    /// The same for a benchmark that shows by itself how far it is.
    ///
    /// # Errors
    /// The first error of `measure`.
    pub fn bench_unshown(
        &mut self,
        scenario: &str,
        parameter: &str,
        measure: impl FnMut(Call) -> Result<Duration>,
    ) -> Result<()> {
        self.bench_shown(scenario, parameter, false, measure)
    }

    fn bench_shown(
        &mut self,
        scenario: &str,
        parameter: &str,
        shown: bool,
        mut measure: impl FnMut(Call) -> Result<Duration>,
    ) -> Result<()> {
        let discarded = self.invocation.discarded_calls();
        let rounds = discarded + self.invocation.measured_calls(ROUNDS);
        let id = format!("{}/{scenario}/{parameter}", self.suite);
        let mut progress: Option<Progress> = None;
        let mut calls = 0;
        let mut failure = None;
        let mut call = |_: u64| {
            // Criterion drops a benchmark in which a round took no time, so that a failure leaves
            // no trace in its files.
            if failure.is_some() {
                return Duration::ZERO;
            }
            let progress = progress.get_or_insert_with(|| Progress::begin(&id, rounds, shown));
            let call = Call { index: calls, discarded: calls < discarded };
            calls += 1;
            let answer = measure(call);
            progress.done(calls);
            answer.unwrap_or_else(|error| {
                failure = Some(error);
                Duration::ZERO
            })
        };
        self.group.bench_function(BenchmarkId::new(scenario, parameter), |bencher| {
            bencher.iter_custom(|iterations| {
                let started = Instant::now();
                // Always one, but for `--profile-time`.
                let sum = (0..iterations).map(&mut call).sum();
                thread::sleep(SHORTEST_CALL.saturating_sub(started.elapsed()));
                sum
            });
        });
        if let Some(progress) = progress {
            progress.end(calls);
        }
        failure.map_or(Ok(()), Err)
    }
}
