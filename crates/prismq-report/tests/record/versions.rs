//! Records of every version.

use std::path::{Path, PathBuf};

use prismq_judge::targets::parse;
use prismq_judge::verdict::{FailOn, judge};
use prismq_record::files::{FileError, read_run, read_suite, write_suite};
use prismq_record::history;
use prismq_record::{Model, SuiteRecord, Validity};
use prismq_report::validate::validate;

use crate::support::sample;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// What the fixtures of both versions hold.
fn assert_common(suite: &SuiteRecord) {
    assert_eq!((suite.suite.as_str(), suite.profile.as_str()), ("latency", "standard"));
    let machine = &suite.environment.machine;
    assert_eq!(machine.cores.value, Some(2));
    assert_eq!(machine.memory_bytes.reason.as_deref(), Some("no /proc/meminfo"));
    let [drain, lost] = &suite.scenarios[..] else { panic!("{suite:?}") };
    assert_eq!(drain.metric("p99_ms").unwrap().samples, [2.9, 3.1, 3.4]);
    assert_eq!(drain.metric("speed_up").unwrap().value, None);
    let end_to_end = drain.histograms["end_to_end"].decode().unwrap();
    assert_eq!((end_to_end.len(), end_to_end.value_at_quantile(0.99)), (1000, 5));
    let reasons = vec!["2 tasks lost".to_owned()];
    assert_eq!(lost.validity, Validity::Invalid { reasons });
}

#[test]
fn a_record_of_1_0_is_read_without_later_fields() {
    let suite = read_suite(&golden("suite-1.0.json")).unwrap();
    assert_common(&suite);
    let not_recorded = Some("not recorded");
    let environment = &suite.environment;
    assert_eq!(environment.machine.governor.reason.as_deref(), not_recorded);
    assert_eq!(environment.before.load_average.reason.as_deref(), not_recorded);
    assert_eq!(environment.git.value.as_ref().unwrap().branch.reason.as_deref(), not_recorded);
    let drain = &suite.scenarios[0];
    assert_eq!((drain.model, drain.config_hash.as_ref(), drain.seed), (None, None, None));
    assert!(drain.rounds.is_empty() && drain.metrics[0].interval.is_none());

    let run = read_run(&golden("run-1.0.json")).unwrap();
    assert_eq!((run.verdict, &run.suites[0]), (None, &suite));
}

#[test]
fn facts_that_older_versions_do_not_state_are_added() {
    let suite = read_suite(&golden("suite-1.1.json")).unwrap();
    assert_eq!(suite.scenarios[1].metric("lost").unwrap().exact_within, Some(0.0));
    assert_eq!(suite.scenarios[0].metric("p99_ms").unwrap().exact_within, None);
    assert!(suite.goals);
    assert_eq!(suite.suites_of_run, sample::SUITES);
    let [floor] = &suite.scenarios[0].metric("p99_ms").unwrap().floors[..] else { panic!() };
    assert!(floor.upper_bound && floor.is_beaten(), "raw SQLite is one: {floor:?}");

    let of = |version: &str| {
        let text = std::fs::read_to_string(golden("suite-1.1.json")).unwrap();
        let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
        record["schema_version"] = version.into();
        record["profile"] = "smoke".into();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        std::fs::write(&path, record.to_string()).unwrap();
        read_suite(&path).unwrap()
    };
    assert!(!of("1.0.0").goals && !of("1.2.0").goals, "a smoke run was not asked for goals");
    assert!(of("1.3.0").goals, "it says so itself");
    assert_eq!(of("1.2.0").scenarios[1].metric("lost").unwrap().exact_within, None);
}

#[test]
fn a_record_of_1_0_can_be_judged() {
    let run = read_run(&golden("run-1.0.json")).unwrap();
    let target = "[targets]\n\"latency/drain/workers=5:p99_ms\" = \"< 1000 ms\"";
    let verdict = judge(&run, &parse(target, "t.toml").unwrap(), None, FailOn::Never).unwrap();
    assert!(verdict.record(&run).thresholds[0].ok);
}

#[test]
fn a_record_of_1_1_is_read_with_every_field() {
    let suite = read_suite(&golden("suite-1.1.json")).unwrap();
    assert_common(&suite);
    assert_eq!(suite.environment.after.load_average.value, Some(1.9));
    let drain = &suite.scenarios[0];
    assert_eq!((drain.model, drain.seed), (Some(Model::Open), Some(7)));
    assert_eq!(drain.metrics[0].floors[0].ratio, 2.07);
    assert_eq!(drain.metrics[0].interval.as_ref().unwrap().upper, 3.4);
    let interval = &drain.rounds[0].intervals[0];
    assert_eq!(interval.end_to_end.as_ref().unwrap().decode().unwrap().len(), 1000);

    let run = read_run(&golden("run-1.1.json")).unwrap();
    let verdict = run.verdict.unwrap();
    assert_eq!((verdict.status.as_str(), verdict.thresholds.len()), ("INVALID", 2));
    assert_eq!(verdict.comparison.unwrap().metrics[0].noise_floor, Some(0.05));
}

#[test]
fn records_of_every_version_are_valid() {
    for name in ["suite-1.0.json", "run-1.0.json", "suite-1.1.json", "run-1.1.json"] {
        let found = validate(&golden(name)).unwrap();
        assert!(found.problems.is_empty(), "{found:?}");
        let distributions = if name.contains("1.0") { 1 } else { 2 };
        assert!(found.what.ends_with(&format!("{distributions} distributions")), "{found:?}");
    }
}

#[test]
fn a_newer_minor_version_is_read_and_another_major_version_refused() {
    let text = std::fs::read_to_string(golden("suite-1.1.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.json");
    let read = |version: &str| {
        let mut newer: serde_json::Value = serde_json::from_str(&text).unwrap();
        newer["schema_version"] = version.into();
        newer["scenarios"][0]["a_field_of_the_future"] = 7.into();
        std::fs::write(&path, newer.to_string()).unwrap();
        read_suite(&path)
    };
    assert_common(&read("1.9.3").unwrap());
    for version in ["2.0.0", "10.0.0", "0.9.0", "one"] {
        let error = read(version).unwrap_err();
        assert!(matches!(error, FileError::Version { .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains(version) && said.contains("prismq-report that wrote it"), "{said}");
    }
}

#[test]
fn a_config_hash_that_differs_from_its_parameters_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut suite = sample::suite("latency");
    let parameters = &suite.scenarios[0].parameters;
    suite.scenarios[0].config_hash = Some(prismq_record::fingerprint::config_hash(parameters));
    read_suite(&write_suite(folder.path(), &suite).unwrap()).unwrap();

    suite.scenarios[0].parameters.insert("workers".to_owned(), 6.into());
    let error = read_suite(&write_suite(folder.path(), &suite).unwrap()).unwrap_err().to_string();
    assert!(error.contains("latency/drain/workers=5: its config_hash is"), "{error}");
}

#[test]
fn a_history_of_1_0_has_no_config_hash() {
    let work = |name: &str| {
        let line = history::read_file(&golden(name)).unwrap().remove(0);
        let [idle, claim] = &line.metrics[..] else { panic!("{line:?}") };
        assert_eq!((idle.id.as_str(), claim.value), (IDLE, 1.0377734669314527));
        [idle.config_hash.clone(), claim.config_hash.clone()]
    };
    const IDLE: &str = "concurrency/idle/workers=10:cpu_percent";
    assert_eq!(work("history-1.0.jsonl"), [None, None]);
    let hashes = ["5b1d7c0a9e3f2468", "0c93be7741da85f2"].map(|hash| Some(hash.to_owned()));
    assert_eq!(work("history-1.1.jsonl"), hashes);
}

/// It is not known to be the same work.
#[test]
fn values_of_a_history_of_1_0_are_not_compared_with_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = sample::run();
    run.ended_at = sample::at(1);
    let verdict = judge(&run, &[], None, FailOn::Never).unwrap();
    let line = verdict.history_line(&run);
    let mut old = line.clone();
    old.run_id = "of 1.0".to_owned();
    old.metrics.iter_mut().for_each(|metric| metric.config_hash = None);
    for line in [&old, &line] {
        history::append(folder.path(), line).unwrap();
    }
    run.ended_at = sample::at(2);
    let known: Vec<usize> = history::before(folder.path(), &run)
        .unwrap()
        .iter()
        .map(|line| line.metrics.len())
        .collect();
    assert_eq!(known, [0, line.metrics.len()]);
}
