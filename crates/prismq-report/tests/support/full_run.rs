//! A run that holds data for every picture, with the shapes that real ones have: throughput that bends,
//! latency with a knee and a stall, a backlog, memory that levels off. Always the same.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use prismq_judge::targets::parse;
use prismq_judge::verdict::{FailOn, Verdict, judge};
use prismq_record::*;
use prismq_report::render::html::HistoryPoint;

use crate::support::steady;

pub(crate) const WORKERS: [u32; 8] = [1, 2, 5, 10, 15, 20, 32, 64];
pub(crate) const LOADS: [u32; 9] = [10, 25, 50, 60, 70, 80, 90, 95, 105];

const TARGETS: &str = r#"
[targets]
"throughput/drain/workers=1:tasks_per_s" = "> 50 tasks/s"
"throughput/drain/workers=1:lost" = "= 0 tasks"
"throughput/drain/workers=5:tasks_per_s" = "> 2000 tasks/s"
"throughput/drain/workers=10:tasks_per_s" = "> 3500 tasks/s"
"latency/open/load=50:p50_ms" = "< 100 ms"
"latency/open/load=50:p99_ms" = "< 1000 ms"
"latency/open/load=105:p99_ms" = "< 5 ms"
"concurrency/drain/workers=10:busy_errors" = "= 0 errors"
"concurrency/drain/workers=64:claim_conflict_percent" = "< 1 %"
"#;

/// The run, its baseline, its verdict, and what else a page is drawn from.
#[derive(Clone)]
pub(crate) struct Rich {
    pub(crate) run: RunRecord,
    pub(crate) baseline: RunRecord,
    pub(crate) verdict: Verdict,
    pub(crate) history: Vec<HistoryPoint>,
}

pub(crate) fn rich() -> Rich {
    static MADE: OnceLock<Rich> = OnceLock::new();
    MADE.get_or_init(made).clone()
}

fn made() -> Rich {
    let run = run(1.0);
    let baseline = run_before();
    let targets = parse(TARGETS, "targets.toml").unwrap();
    let comparison = steady::compare("main", &baseline, &run);
    let verdict = judge(&run, &targets, Some(comparison), FailOn::Never).unwrap();
    Rich { run, baseline, verdict, history: history() }
}

/// Numbers that look like chance (Vigna's splitmix64).
struct Chance(u64);

impl Chance {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A factor near one.
    fn near(&mut self, reach: f64) -> f64 {
        1.0 + reach * (self.share() + self.share() - 1.0)
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.share()).ln()
    }
}

fn run_before() -> RunRecord {
    let mut before = run(0.88);
    before.run_id = "01KAU000000000000000000000".to_owned();
    before
}

fn run(factor: f64) -> RunRecord {
    let chance = &mut Chance(7);
    let scenarios = [
        concurrency(factor, chance),
        latency(factor, chance),
        memory(chance),
        stress(chance),
        throughput(factor, chance),
    ];
    let suites = SUITES.iter().zip(scenarios);
    RunRecord {
        schema: RUN_SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION.to_owned(),
        run_id: "01KAVA00000000000000000000".to_owned(),
        started_at: at(0),
        ended_at: at(412),
        suites: suites.map(|(name, scenarios)| suite(name, scenarios)).collect(),
        missing: Vec::new(),
        verdict: None,
    }
}

fn suite(name: &str, scenarios: Vec<Scenario>) -> SuiteRecord {
    SuiteRecord {
        schema: SUITE_SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION.to_owned(),
        run_id: "01KAVA00000000000000000000".to_owned(),
        suite: name.to_owned(),
        started_at: at(0),
        ended_at: at(80),
        profile: "standard".to_owned(),
        engine: "prismq".to_owned(),
        argv: vec!["--bench".to_owned()],
        environment: environment(),
        scenarios,
    }
}

fn scenario(id: &str, model: Model, metrics: Vec<Metric>) -> Scenario {
    let parameters = id.rsplit('/').next().unwrap().split(',').filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        Some((name.to_owned(), value.into()))
    });
    Scenario {
        id: id.to_owned(),
        parameters: parameters.collect(),
        validity: Validity::Valid,
        metrics,
        histograms: BTreeMap::new(),
        model: Some(model),
        config_hash: None,
        seed: Some(7),
        rounds: Vec::new(),
        warnings: Vec::new(),
        looks: 1,
    }
}

/// A metric of ten rounds around a value.
fn metric(name: &str, unit: &str, value: f64, better: Direction, chance: &mut Chance) -> Metric {
    let mut samples: Vec<f64> = (0..10).map(|_| value * chance.near(0.06)).collect();
    let taken = samples.clone();
    samples.sort_by(f64::total_cmp);
    let several = value != 0.0;
    Metric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        value: Some(if several { f64::midpoint(samples[4], samples[5]) } else { 0.0 }),
        reason: None,
        direction: better,
        samples: if several { taken } else { Vec::new() },
        interval: several.then(|| ConfidenceInterval {
            level: 0.95,
            lower: samples[1],
            upper: samples[8],
            method: "order statistics of the median".to_owned(),
            rounds: 10,
        }),
        floors: Vec::new(),
        exact_within: None,
    }
}

/// The Universal Scalability Law with some contention and a little coherence.
pub(crate) fn usl(workers: f64) -> f64 {
    620.0 * workers / (1.0 + 0.06 * (workers - 1.0) + 0.0009 * workers * (workers - 1.0))
}

fn throughput(factor: f64, chance: &mut Chance) -> Vec<Scenario> {
    let drain = WORKERS.map(|workers| {
        let rate = usl(f64::from(workers)) * factor * chance.near(0.05);
        let mut rate = metric("tasks_per_s", "tasks/s", rate, Direction::Higher, chance);
        let value = rate.value.unwrap();
        rate.floors = vec![
            Floor { name: "sqlite".to_owned(), value: value / 0.86, ratio: 0.86 },
            Floor { name: "disk".to_owned(), value: value / 8.4, ratio: 8.4 },
        ];
        let lost = metric("lost", "tasks", 0.0, Direction::Lower, chance);
        scenario(&format!("throughput/drain/workers={workers}"), Model::Closed, vec![rate, lost])
    });
    let mut all = drain.to_vec();
    let rate = metric("enqueue_tasks_per_s", "tasks/s", 41_250.0, Direction::Higher, chance);
    all.push(scenario("throughput/enqueue/callers=64", Model::Closed, vec![rate]));
    all
}

fn concurrency(factor: f64, chance: &mut Chance) -> Vec<Scenario> {
    let level = |workers: u32| {
        let count = f64::from(workers);
        let rate = 2.0 * usl(count) * factor;
        let mut metrics = vec![
            metric("tasks_per_s", "tasks/s", rate, Direction::Higher, chance),
            metric("busy_errors", "errors", 0.0, Direction::Lower, chance),
        ];
        let conflicts = 0.002 * (count - 1.0) + 0.0001 * count * count;
        for (name, unit, value) in [
            ("claim_conflict_percent", "%", conflicts),
            ("empty_polls", "polls", 2.0 * count),
            ("busy_waits", "waits", 0.4 * count * count),
        ] {
            metrics.push(metric(name, unit, value, Direction::Lower, chance));
        }
        let mut found =
            scenario(&format!("concurrency/drain/workers={workers}"), Model::Closed, metrics);
        found.rounds = (0..3)
            .map(|index| Round {
                index,
                seconds: 1000.0 / rate,
                counters: BTreeMap::from([("completed".to_owned(), 1000)]),
                per_worker: (0..workers)
                    .map(|_| (1000.0 / count * chance.near(0.25)) as u64)
                    .collect(),
                ..Round::default()
            })
            .collect();
        found
    };
    WORKERS.map(level).to_vec()
}

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

    /// One task; `stalled` is the rest of a stall it was meant to be sent in.
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

fn latency(factor: f64, chance: &mut Chance) -> Vec<Scenario> {
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

/// An open loop of half a minute; in the middle of it the disk stands still for a while.
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

fn stress(chance: &mut Chance) -> Vec<Scenario> {
    let mut depth = 0.0;
    let intervals = (0..24).map(|piece| {
        let building = piece < 8;
        let enqueued = if building { 2500.0 * chance.near(0.05) } else { 150.0 * chance.near(0.1) };
        let completed: f64 = if building { 0.0 } else { 1600.0 * chance.near(0.08) };
        let completed = completed.min(depth + enqueued);
        depth += enqueued - completed;
        Interval {
            from_s: f64::from(piece),
            seconds: 1.0,
            enqueued: Some(enqueued as u64),
            completed: Some(completed as u64),
            depth: Some(depth as u64),
            ..Interval::default()
        }
    });
    let phase = |name: &str, from_s, to_s| Phase { name: name.to_owned(), from_s, to_s };
    let round = Round {
        index: 0,
        seconds: 24.0,
        intervals: intervals.collect(),
        phases: vec![phase("build", 0.0, 8.0), phase("drain", 8.0, 24.0)],
        ..Round::default()
    };
    let rate = metric("drain_tasks_per_s", "tasks/s", 1600.0, Direction::Higher, chance);
    let mut found = scenario("stress/backlog/tasks=20000", Model::Backlog, vec![rate]);
    found.rounds = vec![round];
    vec![found]
}

fn memory(chance: &mut Chance) -> Vec<Scenario> {
    const MIB: f64 = 1_048_576.0;
    let intervals = (0..120).map(|piece| {
        let time = f64::from(piece) * 5.0;
        let rss = 38.0 + 9.0 * (1.0 - (-time / 60.0).exp()) + 0.002 * time + chance.share() * 0.6;
        let wal = if (40..60).contains(&piece) { 4.0 + f64::from(piece - 40) * 1.5 } else { 4.0 };
        Interval {
            from_s: time,
            seconds: 5.0,
            rss_bytes: Some((rss * MIB) as u64),
            wal_bytes: Some((wal * chance.near(0.05) * MIB) as u64),
            database_bytes: Some(((12.0 + (time / 80.0).min(3.0).floor() * 4.0) * MIB) as u64),
            ..Interval::default()
        }
    });
    let phase = |name: &str, from_s, to_s| Phase { name: name.to_owned(), from_s, to_s };
    let round = Round {
        index: 0,
        seconds: 600.0,
        intervals: intervals.collect(),
        phases: vec![phase("long reader", 200.0, 300.0)],
        ..Round::default()
    };
    let growth = metric("growth_mib", "MiB", 9.6, Direction::Lower, chance);
    let mut found = scenario("memory/soak/minutes=10", Model::Open, vec![growth]);
    found.rounds = vec![round];
    vec![found]
}

fn history() -> Vec<HistoryPoint> {
    let chance = &mut Chance(99);
    let mut points = Vec::new();
    for (scenario, metric, value) in [
        ("throughput/drain/workers=10", "tasks_per_s", 3900.0),
        ("latency/open/load=50", "p99_ms", 3.1),
    ] {
        for run in 0..24 {
            let step = if run >= 22 { 1.12 } else { 1.0 };
            points.push(HistoryPoint {
                at: at(0) - SignedDuration::from_hours(24 * (23 - run)),
                commit: Some(format!(
                    "{:07x}",
                    0x00ab_12cd_u64.wrapping_mul(run as u64 + 3) & 0xfff_ffff
                )),
                scenario: scenario.to_owned(),
                metric: metric.to_owned(),
                value: value * step * chance.near(0.03),
            });
        }
    }
    points
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn environment() -> Environment {
    let conditions = |load, sync| Conditions {
        load_average: Known::value(load),
        busy_percent: Known::value(1.2),
        steal_percent: Known::value(0.4),
        sync_p50_us: Known::value(sync),
        sync_p99_us: Known::value(sync * 3.1),
    };
    Environment {
        git: Known::value(Git {
            commit: "c0ffee".repeat(6) + "c0ff",
            dirty: false,
            branch: Known::value("main".to_owned()),
            committed_at: Known::value(at(-3600)),
        }),
        build: Build {
            version: "0.1.0".to_owned(),
            debug_assertions: false,
            target: "x86_64-linux".to_owned(),
            rustc: Known::value("rustc 1.95.0".to_owned()),
            profile: Known::value("bench".to_owned()),
            lockfile_hash: Known::value("5e1f0c77".to_owned()),
        },
        machine: Machine {
            cpu: Known::value("Example 9000 @ 3.2 GHz".to_owned()),
            cores: Known::value(4),
            kernel: Known::value("Linux 6.18".to_owned()),
            filesystem: Known::value("ext4".to_owned()),
            memory_filesystem: false,
            memory_bytes: Known::value(24 << 30),
            physical_cores: Known::value(2),
            quota_cores: Known::unknown("no control group limits it"),
            governor: Known::value("powersave".to_owned()),
            turbo: Known::value(true),
            smt: Known::value(true),
            virtualisation: Known::value("none".to_owned()),
            device: Known::value("nvme0n1p2".to_owned()),
            mount_options: Known::value("rw,relatime".to_owned()),
            clock_source: Known::value("tsc".to_owned()),
        },
        sqlite: Sqlite {
            version: "3.53.2".to_owned(),
            pragmas: ["journal_mode=wal", "synchronous=2", "busy_timeout=5000", "page_size=4096"]
                .map(|pragma| {
                    let (name, value) = pragma.split_once('=').unwrap();
                    Pragma { name: name.to_owned(), value: value.to_owned() }
                })
                .to_vec(),
            compile_options: vec![
                "THREADSAFE=1".to_owned(),
                "DEFAULT_WAL_SYNCHRONOUS=2".to_owned(),
            ],
        },
        before: conditions(0.31, 212.0),
        after: conditions(1.9, 231.0),
        ..Environment::default()
    }
}
