//! A run with data for every figure, in the shapes that real runs have: throughput that bends, latency with a
//! knee and a stall, a backlog, memory that levels off. Always the same.

mod chance;
mod environment;
pub(crate) mod latency;
mod parts;
mod resources;
pub(crate) mod throughput;

use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use prismq_judge::targets::parse;
use prismq_judge::verdict::{FailOn, Verdict, judge};
use prismq_record::*;
use prismq_report::render::html::HistoryPoint;

use self::chance::Chance;
use self::latency::latency;
use self::parts::suite;
use self::resources::{memory, stress};
use self::throughput::{concurrency, throughput};
use super::sample::SUITES;
use super::steady;

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
pub(crate) struct FullRun {
    pub(crate) run: RunRecord,
    pub(crate) baseline: RunRecord,
    pub(crate) verdict: Verdict,
    pub(crate) history: Vec<HistoryPoint>,
}

pub(crate) fn full_run() -> FullRun {
    static MADE: OnceLock<FullRun> = OnceLock::new();
    MADE.get_or_init(made).clone()
}

fn made() -> FullRun {
    let run = run(1.0);
    let baseline = run_before();
    let targets = parse(TARGETS, "targets.toml").unwrap();
    let comparison = steady::compare("main", &baseline, &run);
    let verdict = judge(&run, &targets, Some(comparison), FailOn::Never).unwrap();
    FullRun { run, baseline, verdict, history: history() }
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
