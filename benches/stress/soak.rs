//! Ten minutes or more of the same load, while readers, processes and kills come and go.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use prismq_bench::base::error::Result;
use prismq_bench::base::number::as_f64;
use prismq_bench::base::profile::{Profile, Scale};
use prismq_bench::observe::metrics::{
    BUSY_ERRORS, DATABASE_SLOPE_MIB_PER_H, DUPLICATED, KILLED, LOST, MAX_MS, P50_MS, P99_MS,
    RECOVERED, RECOVERY_MS, RSS_SLOPE_MIB_PER_H, Reading, SAMPLES, SCHEDULE_LAG_P99_MS, Spec,
    WAL_PEAK_MIB, WAL_SLOPE_MIB_PER_H,
};
use prismq_bench::observe::round::Round;
use prismq_bench::observe::rss::slope_with_interval;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::rounds::experiment::Experiment;
use prismq_bench::run::settings;
use prismq_bench::run::suite::Suite;
use prismq_bench::scenario::fault::soak::{Phase, Sample, Soak, Soaked, soak};
use prismq_record::{ConfidenceInterval, Metric, Model};

const TASKS_PER_S: u32 = 200;
const MIB: f64 = 1024.0 * 1024.0;
const NS_PER_MS: f64 = 1e6;

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
        .with("handler", "no-op");
    let slopes_found: Rc<RefCell<Vec<Metric>>> = Rc::default();
    let slopes_made = slopes_found.clone();
    let experiment = Experiment::new(case, move |stage| {
        let soaked = soak(stage, load)?;
        *slopes_made.borrow_mut() = slopes(&soaked);
        let p99 = Duration::from_nanos(soaked.end_to_end.value_at_quantile(0.99));
        let round = Round {
            readings: readings(&soaked),
            histograms: vec![
                ("end_to_end", soaked.end_to_end),
                ("schedule_lag", soaked.schedule_lag),
            ],
            faults: soaked.faults,
            course: soaked.course,
            ..Round::default()
        };
        Ok((p99, round))
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

fn readings(soaked: &Soaked) -> Vec<Reading> {
    #[expect(clippy::cast_precision_loss, reason = "a histogram ends at ten minutes")]
    let ms = |ns: u64| ns as f64 / NS_PER_MS;
    let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let quantile = |quantile: f64| ms(soaked.end_to_end.value_at_quantile(quantile));
    let wal_peak = soaked.samples.iter().filter_map(|sample| sample.wal_bytes).max();
    let mut readings = vec![
        P50_MS.reads(quantile(0.50)),
        P99_MS.reads(quantile(0.99)),
        MAX_MS.reads(ms(soaked.end_to_end.max())),
        SAMPLES.counts(soaked.end_to_end.len()),
        SCHEDULE_LAG_P99_MS.reads(ms(soaked.schedule_lag.value_at_quantile(0.99))),
        BUSY_ERRORS.counts(soaked.busy_errors),
        KILLED.counts(size(soaked.deaths.len())),
        RECOVERED.counts(soaked.deaths.iter().map(|death| size(death.recovered.len())).sum()),
        LOST.counts(soaked.audit.lost),
        DUPLICATED.counts(soaked.audit.duplicated),
    ];
    readings.extend(wal_peak.map(|bytes| WAL_PEAK_MIB.reads(as_f64(bytes) / MIB)));
    let deaths = soaked.deaths.iter();
    readings.extend(deaths.map(|death| RECOVERY_MS.reads(1e3 * death.recovery.as_secs_f64())));
    readings
}

/// The first tenth is left out: caches and files then have what they take once. So is, for the WAL, the
/// time of the reader, who makes it grow on purpose.
fn slopes(soaked: &Soaked) -> Vec<Metric> {
    let end = soaked.samples.last().map_or(Duration::ZERO, |sample| sample.at);
    let steady: Vec<&Sample> =
        soaked.samples.iter().filter(|sample| sample.at >= end / 10).collect();
    let reader = soaked.course.phases.iter().find(|phase| phase.name == Phase::LongReader.name());
    let read = |sample: &Sample| {
        let at = sample.at.as_secs_f64();
        reader.is_some_and(|phase| (phase.from_s..=phase.to_s).contains(&at))
    };
    let points = |of: fn(&Sample) -> Option<u64>, beside_reader: bool| -> Vec<(f64, f64)> {
        steady
            .iter()
            .filter(|sample| beside_reader || !read(sample))
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
