//! The history file: its lines, what each holds, and damage to it.

use std::path::Path;

use prismq_judge::targets::parse;
use prismq_judge::verdict::{FailOn, judge};
use prismq_record::files::FileError;
use prismq_record::history::{HistoryLine, append, before, read};
use prismq_record::{RunRecord, Validity};
use prismq_report::trend::series;

use crate::support::sample;

fn line_of(run: &RunRecord) -> HistoryLine {
    let targets = parse(sample::TARGETS, "t.toml").unwrap();
    judge(run, &targets, None, FailOn::Never).unwrap().history_line(run)
}

fn line(number: i64) -> HistoryLine {
    let mut run = sample::faster(number as f64);
    run.run_id = format!("run-{number}");
    run.ended_at = sample::at(number);
    line_of(&run)
}

fn ids(results: &Path) -> Vec<String> {
    read(results).unwrap().into_iter().map(|line| line.run_id).collect()
}

fn text(results: &Path) -> Vec<u8> {
    std::fs::read(results.join("history.jsonl")).unwrap()
}

#[test]
fn each_run_is_appended_once() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("not there yet");
    assert!(read(&results).unwrap().is_empty());
    for number in [1, 2, 1, 2, 2] {
        append(&results, &line(number)).unwrap();
    }
    assert_eq!(ids(&results), ["run-1", "run-2"]);
    assert_eq!(read(&results).unwrap()[0], line(1), "it comes back as it was written");
    assert_eq!(text(&results).iter().filter(|byte| **byte == b'\n').count(), 2);
}

#[test]
fn a_line_cut_short_at_any_byte_damages_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path();
    append(results, &line(1)).unwrap();
    let first = text(results);
    append(results, &line(2)).unwrap();
    let both = text(results);
    let step = 97;
    for length in (first.len() + 1..both.len() - 1).step_by(step) {
        std::fs::write(results.join("history.jsonl"), &both[..length]).unwrap();
        assert_eq!(ids(results), ["run-1"], "cut at {length}");
        append(results, &line(3)).unwrap();
        append(results, &line(2)).unwrap();
        assert_eq!(ids(results), ["run-1", "run-2", "run-3"], "cut at {length}");
    }
}

#[test]
fn a_line_cut_within_a_character_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &line(1)).unwrap();
    let mut bytes = text(folder.path());
    bytes.extend(b"{\"schema\":\"prismq/history\",\"branch\":\"\xc3");
    std::fs::write(folder.path().join("history.jsonl"), bytes).unwrap();
    assert_eq!(ids(folder.path()), ["run-1"]);
}

#[test]
fn concurrent_appends_keep_every_line() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            for number in 1..=8 {
                scope.spawn(move || append(results, &line(number)).unwrap());
            }
        }
    });
    let expected: Vec<String> = (1..=8).map(|number| format!("run-{number}")).collect();
    assert_eq!(ids(results), expected);
}

#[test]
fn a_line_that_is_not_history_is_an_error_with_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |second: &str| {
        let text = format!("{}\n{second}\n", serde_json::to_string(&line(1)).unwrap());
        std::fs::write(folder.path().join("history.jsonl"), text).unwrap();
        read(folder.path()).unwrap_err()
    };
    assert!(refused("{\"schema\": 7}").to_string().contains("at line 2"));
    let mut newer = line(2);
    newer.schema_version = "2.0.0".to_owned();
    let error = refused(&serde_json::to_string(&newer).unwrap());
    assert!(matches!(error, FileError::Version { .. }), "{error}");
    assert!(error.to_string().contains("history.jsonl:2"), "{error}");
}

#[test]
fn a_line_holds_the_valid_metrics() {
    let mut run = sample::run();
    run.suites[0].scenarios[0].validity = Validity::Invalid { reasons: vec!["lost".to_owned()] };
    let line = line_of(&run);
    let ids: Vec<&str> = line.metrics.iter().map(|metric| metric.id.as_str()).collect();
    let expected = ["latency", "memory", "stress", "throughput"];
    assert_eq!(ids, expected.map(|suite| format!("{suite}/drain/workers=5:rate")));
    assert_eq!(line.status, "INVALID");
    assert_eq!(line.dirty, Some(true));
    assert_eq!(line.identity().unwrap().1, "prismq");

    run.suites[1].profile = "smoke".to_owned();
    assert_eq!(line_of(&run).identity(), None);
}

#[test]
fn a_series_has_a_gap_where_a_run_has_no_value() {
    let (mut first, second) = (line(1), line(2));
    first.metrics.remove(0);
    let found = series(&[&first, &second]);
    assert_eq!(found.len(), 5);
    assert_eq!(found[0].values, [None, Some(2.0 * 1006.0)]);
    assert_eq!(found[1].values, [Some(1006.0), Some(2.0 * 1006.0)]);
}

#[test]
fn a_value_of_other_work_is_a_gap() {
    let mut other = line(1);
    other.metrics[1].config_hash = Some("of other work".to_owned());
    let found = series(&[&other, &line(2)]);
    assert_eq!(found[0].values, [Some(1006.0), Some(2.0 * 1006.0)]);
    assert_eq!(found[1].values, [None, Some(2.0 * 1006.0)], "the latest run's work counts");
}

#[test]
fn the_history_before_a_run_holds_only_its_own_work() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &line(1)).unwrap();
    let mut run = sample::run();
    run.ended_at = sample::at(2);
    let known = |run: &RunRecord| before(folder.path(), run).unwrap()[0].metrics.len();
    assert_eq!(known(&run), 5);
    run.suites[0].scenarios[0].parameters.insert("workers".to_owned(), 6.into());
    assert_eq!(known(&run), 4, "with six workers it is other work");
    run.suites.pop();
    assert_eq!(known(&run), 3, "what the run has not measured is not its history");
}
