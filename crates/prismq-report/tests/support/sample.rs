//! Records as a run would write them, to be changed by each test.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use prismq_record::files::write_suite;
use prismq_record::*;

pub(crate) const RUN: &str = "01KAVA00000000000000000000";

/// The suites of a run.
pub(crate) const SUITES: [&str; 5] = ["concurrency", "latency", "memory", "stress", "throughput"];

/// A run of all suites that meets [`TARGETS`].
pub(crate) fn run() -> RunRecord {
    let suites: Vec<SuiteRecord> = SUITES.iter().map(|name| suite(name)).collect();
    RunRecord {
        schema: RUN_SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION.to_owned(),
        run_id: RUN.to_owned(),
        started_at: at(0),
        ended_at: at(60),
        suites,
        missing: Vec::new(),
        verdict: None,
    }
}

pub(crate) const TARGETS: &str = r#"
[targets]
"throughput/drain/workers=5:rate" = "> 200 tasks/s"
"latency/drain/workers=5:rate" = ">= 200 tasks/s"
"#;

pub(crate) fn suite(name: &str) -> SuiteRecord {
    SuiteRecord {
        schema: SUITE_SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION.to_owned(),
        run_id: RUN.to_owned(),
        suite: name.to_owned(),
        started_at: at(0),
        ended_at: at(60),
        profile: "standard".to_owned(),
        engine: "prismq".to_owned(),
        argv: vec!["--bench".to_owned()],
        environment: environment(),
        suites_of_run: SUITES.map(str::to_owned).to_vec(),
        goals: true,
        scenarios: vec![scenario(name)],
    }
}

pub(crate) fn scenario(suite: &str) -> Scenario {
    Scenario {
        id: format!("{suite}/drain/workers=5"),
        parameters: BTreeMap::from([("workers".to_owned(), 5.into())]),
        validity: Validity::Valid,
        metrics: vec![
            metric("rate", (1..=10).map(|n| 1000.0 + f64::from(n)).collect()),
            Metric {
                name: "speed_up".to_owned(),
                unit: "x".to_owned(),
                value: None,
                reason: Some("one worker was not run".to_owned()),
                direction: Direction::Higher,
                samples: Vec::new(),
                interval: None,
                floors: Vec::new(),
                exact_within: None,
            },
        ],
        histograms: BTreeMap::new(),
        model: Some(Model::Closed),
        config_hash: None,
        seed: None,
        rounds: Vec::new(),
        warnings: Vec::new(),
        looks: 1,
    }
}

pub(crate) fn metric(name: &str, samples: Vec<f64>) -> Metric {
    let mut sorted = samples.clone();
    sorted.sort_by(f64::total_cmp);
    Metric {
        name: name.to_owned(),
        unit: "tasks/s".to_owned(),
        value: Some(sorted[sorted.len() / 2]),
        reason: None,
        direction: Direction::Higher,
        samples,
        interval: None,
        floors: Vec::new(),
        exact_within: None,
    }
}

/// The same run with every rate times `factor`.
pub(crate) fn faster(factor: f64) -> RunRecord {
    let mut run = run();
    for suite in &mut run.suites {
        for metric in suite.scenarios.iter_mut().flat_map(|scenario| &mut scenario.metrics) {
            metric.value = metric.value.map(|value| value * factor);
            metric.samples.iter_mut().for_each(|sample| *sample *= factor);
        }
    }
    run
}

/// Writes the suites of a run as a `cargo bench` would.
pub(crate) fn write(results: &Path, run: &RunRecord) {
    for suite in &run.suites {
        write_suite(results, suite).unwrap();
    }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn environment() -> Environment {
    Environment {
        git: Known::value(Git {
            commit: "c0ffee".repeat(6) + "c0ff",
            dirty: true,
            ..Git::default()
        }),
        build: Build {
            version: "0.1.0".to_owned(),
            debug_assertions: false,
            target: "x86_64-linux".to_owned(),
            ..Build::default()
        },
        machine: Machine {
            cpu: Known::value("Example 9000".to_owned()),
            cores: Known::value(2),
            kernel: Known::value("Linux 6.18".to_owned()),
            filesystem: Known::value("ext4".to_owned()),
            memory_filesystem: false,
            memory_bytes: Known::value(24 << 30),
            ..Machine::default()
        },
        sqlite: Sqlite {
            version: "3.53.2".to_owned(),
            pragmas: vec![
                Pragma { name: "journal_mode".to_owned(), value: "wal".to_owned() },
                Pragma { name: "synchronous".to_owned(), value: "2".to_owned() },
            ],
            compile_options: Vec::new(),
        },
        ..Environment::default()
    }
}
