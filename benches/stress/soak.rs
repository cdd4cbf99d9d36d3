//! Ten minutes or more of the same load, while readers, processes and kills come and go.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::number::as_f64;
use prismq_bench::base::profile::{Profile, Scale};
use prismq_bench::observe::metrics::{
    DATABASE_SLOPE_MIB_PER_H, RSS_SLOPE_MIB_PER_H, Spec, WAL_SLOPE_MIB_PER_H,
};
use prismq_bench::observe::rss::slope_with_interval;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::settings;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::fault::soak::{Phase, Sample, Soak, SoakRound, soak};
use prismq_record::{ConfidenceInterval, Metric, Model};

const TASKS_PER_S: u32 = 200;
const MIB: f64 = 1024.0 * 1024.0;

/// Only in the full profile, whose time it is worth.
pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    let scale = suite.stage().scale();
    if !matches!(scale, Scale::Trial | Scale::Profile(Profile::Full)) {
        return Ok(());
    }
    let minutes = settings::soak_minutes()?;
    let load = load(minutes, suite.is_trial());
    let case = Case::new("soak", "minutes", minutes)
        .model(Model::Open)
        .with("seconds", load.length.as_secs_f64())
        .with("rate_per_s", TASKS_PER_S)
        .with("arrivals", "constant rate")
        .with("callers", load.callers)
        .with("workers", load.workers)
        .with("handler", "no-op")
        // How fast a trial is says nothing.
        .overload(suite.is_trial());
    let slopes_found: Rc<RefCell<Vec<Metric>>> = Rc::default();
    let slopes_made = slopes_found.clone();
    let experiment = Experiment::new(case, move |stage| {
        let soaked = soak(stage, load)?;
        *slopes_made.borrow_mut() = slopes(&soaked);
        Ok(soaked.round())
    });
    suite.add(experiment.single().figures(move |_| slopes_found.borrow().clone()))
}

fn load(minutes: usize, trial: bool) -> Soak {
    let minutes = u64::try_from(minutes).unwrap_or(u64::MAX);
    let of = |trial_ms: u64, measured: Duration| {
        if trial { Duration::from_millis(trial_ms) } else { measured }
    };
    Soak {
        length: of(
            1_200,
            Duration::from_secs(60).saturating_mul(u32::try_from(minutes).unwrap_or(1)),
        ),
        gap: Duration::from_secs(1) / TASKS_PER_S,
        callers: 4,
        workers: 10,
        interval: of(100, Duration::from_secs(5)),
        held_lease: of(200, Duration::from_secs(2)),
        kill_every: of(100, Duration::from_secs(10)),
    }
}

/// The first tenth is left out: caches and files then have what they take once. So is, for the WAL, the
/// time of the reader, who makes it grow on purpose.
fn slopes(soaked: &SoakRound) -> Vec<Metric> {
    let end = soaked.samples.last().map_or(Duration::ZERO, |sample| sample.at);
    let steady: Vec<&Sample> =
        soaked.samples.iter().filter(|sample| sample.at >= end / 10).collect();
    let reader = soaked.course.phases.iter().find(|phase| phase.name == Phase::LongReader.name());
    let read = |sample: &Sample| {
        let at = sample.at.as_secs_f64();
        reader.is_some_and(|phase| (phase.from_s..=phase.to_s).contains(&at))
    };
    let points = |of: fn(&Sample) -> Option<u64>, with_reader: bool| -> Vec<(f64, f64)> {
        steady
            .iter()
            .filter(|sample| with_reader || !read(sample))
            .filter_map(|sample| {
                Some((sample.at.as_secs_f64() / 3600.0, as_f64(of(sample)?) / MIB))
            })
            .collect()
    };
    vec![
        slope(RSS_SLOPE_MIB_PER_H, &points(|sample| sample.rss_bytes, true)),
        slope(WAL_SLOPE_MIB_PER_H, &points(|sample| sample.wal_bytes, false)),
        slope(DATABASE_SLOPE_MIB_PER_H, &points(|sample| sample.database_bytes, true)),
    ]
}

fn slope(spec: Spec, points: &[(f64, f64)]) -> Metric {
    let Some(line) = slope_with_interval(points) else {
        return spec.once(Err(format!("{} readings determine no slope", points.len())));
    };
    let interval = ConfidenceInterval {
        level: 0.95,
        lower: line.lower,
        upper: line.upper,
        method: "least squares, 1.96 standard errors".to_owned(),
        rounds: u64::try_from(points.len()).unwrap_or(u64::MAX),
    };
    Metric { interval: Some(interval), ..spec.once(Ok(line.slope)) }
}
