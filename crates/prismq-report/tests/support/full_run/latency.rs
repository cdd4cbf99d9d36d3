//! Latencies of open loops, one of them with a stall of the disk.

use std::collections::BTreeMap;

use prismq_record::*;

use super::chance::Chance;
use super::parts::{metric, scenario};

pub(crate) const LOADS: [u32; 9] = [10, 25, 50, 60, 70, 80, 90, 95, 105];

const NS: f64 = 1e9;

fn empty() -> hdrhistogram::Histogram<u64> {
    hdrhistogram::Histogram::new_with_bounds(1_000, 10_000_000_000, 2).unwrap()
}

fn encoded(histogram: &hdrhistogram::Histogram<u64>) -> Histogram {
    Histogram::encode(histogram, "ns").unwrap()
}

/// Latencies of an open loop at a load, in seconds.
struct Latencies {
    publish: hdrhistogram::Histogram<u64>,
    wait: hdrhistogram::Histogram<u64>,
    service: hdrhistogram::Histogram<u64>,
    settle: hdrhistogram::Histogram<u64>,
    lag: hdrhistogram::Histogram<u64>,
    end_to_end: hdrhistogram::Histogram<u64>,
    uncorrected: hdrhistogram::Histogram<u64>,
}

impl Latencies {
    fn new() -> Self {
        Self {
            publish: empty(),
            wait: empty(),
            service: empty(),
            settle: empty(),
            lag: empty(),
            end_to_end: empty(),
            uncorrected: empty(),
        }
    }

    /// One task; `stalled` is what remains of the stall at the time it was due.
    fn task(&mut self, busy: f64, stalled: f64, chance: &mut Chance) -> f64 {
        let publish = 0.000_25 * chance.near(0.5) + chance.exponential(0.000_05);
        let wait = chance.exponential(0.000_2 / (1.0 - busy)) + 0.000_02;
        let begun = 0.000_6 * chance.near(0.3) + chance.exponential(0.000_05);
        let (service, settle) = (0.7 * begun, 0.3 * begun);
        let sent = publish + wait + begun;
        for (histogram, seconds) in [
            (&mut self.publish, publish),
            (&mut self.lag, stalled),
            (&mut self.wait, wait),
            (&mut self.service, service),
            (&mut self.settle, settle),
            (&mut self.end_to_end, sent + stalled),
            (&mut self.uncorrected, sent),
        ] {
            histogram.record((seconds * NS) as u64).unwrap();
        }
        sent + stalled
    }
}

pub(super) fn latency(factor: f64, chance: &mut Chance) -> Vec<Scenario> {
    let mut all = LOADS.map(|load| open(load, factor, chance)).to_vec();
    let mut few = open(50, factor, chance);
    few.id = "latency/end_to_end/workers=1".to_owned();
    few.rounds.clear();
    let mut latencies = Latencies::new();
    for _ in 0..200 {
        latencies.task(0.1, 0.0, chance);
    }
    few.histograms = BTreeMap::from([("end_to_end".to_owned(), encoded(&latencies.end_to_end))]);
    all.push(few);
    all
}

/// An open loop of half a minute; in the middle of it the disk stalls.
fn open(load: u32, factor: f64, chance: &mut Chance) -> Scenario {
    let busy = (f64::from(load) / 100.0).min(0.995);
    let per_second = 3000.0 * f64::from(load) / 100.0;
    let sampled = if load == 50 { 400 } else { 120 };
    let mut all = Latencies::new();
    let mut intervals = Vec::new();
    for second in -3..27 {
        let mut piece = Latencies::new();
        for task in 0..sampled {
            let moment = f64::from(task) / f64::from(sampled);
            let stalled = if second == 14 { (0.2 - moment).max(0.0) } else { 0.0 };
            piece.task(busy, stalled / factor, chance);
        }
        if second >= 0 {
            all.publish.add(&piece.publish).unwrap();
            all.wait.add(&piece.wait).unwrap();
            all.service.add(&piece.service).unwrap();
            all.settle.add(&piece.settle).unwrap();
            all.lag.add(&piece.lag).unwrap();
            all.end_to_end.add(&piece.end_to_end).unwrap();
            all.uncorrected.add(&piece.uncorrected).unwrap();
        }
        if load != 50 {
            continue;
        }
        let stall = if second == 14 { 0.8 } else { 1.0 };
        intervals.push(Interval {
            from_s: f64::from(second),
            seconds: 1.0,
            enqueued: Some((per_second * chance.near(0.02)) as u64),
            completed: Some((per_second * stall * chance.near(0.03)) as u64),
            busy_waits: Some((8.0 * busy * chance.near(0.9)) as u64),
            depth: Some((per_second * (0.002 + (1.0 - stall)) * chance.near(0.4)) as u64),
            end_to_end: Some(encoded(&piece.end_to_end)),
            ..Interval::default()
        });
    }
    let quantile = |quantile| all.end_to_end.value_at_quantile(quantile) as f64 / 1e6;
    let metrics = [("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)]
        .map(|(name, of)| metric(name, "ms", quantile(of), Direction::Lower, chance));
    let mut metrics = metrics.to_vec();
    metrics.push(metric("offered_tasks_per_s", "tasks/s", per_second, Direction::Higher, chance));
    let mut found = scenario(&format!("latency/open/load={load}"), Model::Open, metrics);
    found.histograms = BTreeMap::from([
        ("publish".to_owned(), encoded(&all.publish)),
        ("wait".to_owned(), encoded(&all.wait)),
        ("service".to_owned(), encoded(&all.service)),
        ("settle".to_owned(), encoded(&all.settle)),
        ("schedule_lag".to_owned(), encoded(&all.lag)),
        ("stage_publish".to_owned(), encoded(&all.publish)),
        ("end_to_end".to_owned(), encoded(&all.end_to_end)),
        ("end_to_end_uncorrected".to_owned(), encoded(&all.uncorrected)),
    ]);
    if load == 105 {
        found.warnings.push("the backlog grew throughout: the rate cannot be sustained".to_owned());
    }
    if load == 50 {
        let phase = |name: &str, from_s, to_s| Phase { name: name.to_owned(), from_s, to_s };
        found.rounds = vec![Round {
            index: 0,
            seconds: 27.0,
            warm_up_seconds: 3.0,
            intervals,
            phases: vec![
                phase("steady", 0.0, 14.0),
                phase("disk stands still", 14.0, 16.0),
                phase("steady", 16.0, 27.0),
            ],
            ..Round::default()
        }];
    }
    found
}
