//! Figures and distributions: Bencher Metric Format, github-action-benchmark, CSV, HdrHistogram.

use prismq_record::{Direction, Validity};
use prismq_report::export::{bmf, csv, gha, hgrm};
use serde_json::{Value, json};

use super::{HOSTILE, run};

#[test]
fn bmf_has_one_measure_a_metric() {
    let found: Value = serde_json::from_str(&bmf(&run()).unwrap()).unwrap();
    let benchmarks = found.as_object().unwrap();
    assert_eq!(benchmarks.len(), 4, "memory is invalid");
    let expected = json!({"value": 1006.0, "lower_value": 1002.0, "upper_value": 1009.0});
    assert_eq!(found["latency/drain/workers=5"], json!({ "rate": expected }));
    assert_eq!(found["stress/drain/workers=5"], json!({ "rate": {"value": 1006.0} }));
}

#[test]
fn gha_exports_one_direction_at_a_time() {
    let mut run = run();
    run.suites[3].scenarios[0].metrics[0].direction = Direction::Lower;
    let names = |better| -> Vec<String> {
        let found: Vec<Value> = serde_json::from_str(&gha(&run, better).unwrap()).unwrap();
        found.iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
    };
    let bigger = ["concurrency", "latency", "throughput"];
    assert_eq!(names(Direction::Higher), bigger.map(|s| format!("{s}/drain/workers=5:rate")));
    assert_eq!(names(Direction::Lower), ["stress/drain/workers=5:rate"]);
    let found: Value = serde_json::from_str(&gha(&run, Direction::Higher).unwrap()).unwrap();
    let expected = json!({
        "name": "latency/drain/workers=5:rate",
        "unit": "tasks/s",
        "value": 1006.0,
        "range": "1002 to 1009 at 95 %",
        "extra": "run 01KAVA00000000000000000000, 10 rounds",
    });
    assert_eq!(found[1], expected);
}

#[test]
fn an_export_without_figures_is_an_error() {
    let mut run = run();
    for suite in &mut run.suites {
        suite.scenarios[0].validity = Validity::Invalid { reasons: vec!["lost".to_owned()] };
        suite.scenarios[0].histograms.clear();
    }
    assert!(bmf(&run).unwrap_err().to_string().contains("no valid figure to export"));
    assert!(gha(&run, Direction::Lower).unwrap_err().to_string().contains("smaller"));
    assert!(hgrm(&run).unwrap_err().to_string().contains("no distribution to export"));
}

#[test]
fn csv_has_every_metric_and_escapes_any_text() {
    let text = csv(&run()).unwrap();
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 10, "two metrics of five suites");
    let cell = |row: usize, column: &str| {
        let index = header.iter().position(|name| name == column).unwrap();
        rows[row][index].to_owned()
    };
    assert_eq!(cell(2, "scenario"), "latency/drain/workers=5");
    assert_eq!(
        ["value", "lower", "upper"].map(|name| cell(2, name)),
        ["1006.0", "1002.0", "1009.0"]
    );
    assert_eq!(["better", "rounds", "valid"].map(|name| cell(2, name)), ["higher", "10", "true"]);
    assert_eq!([cell(3, "value"), cell(3, "reason")], ["", "one worker was not run"]);
    assert_eq!([cell(4, "valid"), cell(4, "reason")], ["false", HOSTILE]);
}

#[test]
fn hgrm_matches_the_format_of_hdrhistogram() {
    let found = hgrm(&run()).unwrap();
    let [distribution] = &found[..] else { panic!("{found:?}") };
    assert_eq!(distribution.name, "latency_drain_workers=5.end_to_end");
    let mut lines = distribution.text.lines();
    assert_eq!(lines.next(), Some("       Value     Percentile TotalCount 1/(1-Percentile)"));
    assert_eq!(lines.next(), Some(""));
    let (comments, rows): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with('#'));
    let rows: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| row.split_whitespace().map(|cell| cell.parse().unwrap()).collect())
        .collect();
    assert!(rows.is_sorted_by(|before, after| before[..3] <= after[..3]), "{rows:?}");
    let half = rows.iter().find(|row| row[1] >= 0.5).unwrap();
    assert_eq!((half[0], half[2], half[3]), (500_223.0, 500.0, 2.0));
    let [value, percentile, total] = rows.last().unwrap()[..] else { panic!("{rows:?}") };
    assert_eq!((percentile, total), (1.0, 1000.0));
    assert!((1_000_000.0..1_001_000.0).contains(&value), "{value}");
    assert!(comments[0].starts_with("#[Mean    =   500"), "{comments:?}");
    assert!(comments[1].ends_with("Total count    =         1000]"), "{comments:?}");
    assert_eq!(comments[3], "#[latency/drain/workers=5 end_to_end, in ns]");
}

#[test]
fn hgrm_file_names_are_unique_and_stay_in_their_folder() {
    let mut run = run();
    let latency = run.suites[1].scenarios[0].clone();
    for id in
        ["latency/drain_workers=5", "../../latency/etc", "latency/ä|*", "latency/drain/workers=50"]
    {
        let mut scenario = latency.clone();
        scenario.id = id.to_owned();
        run.suites[1].scenarios.push(scenario);
    }
    let names: Vec<String> = hgrm(&run).unwrap().into_iter().map(|found| found.name).collect();
    assert_eq!(
        names,
        [
            "latency_drain_workers=5.end_to_end",
            "latency_drain_workers=5.end_to_end~1",
            "_.._latency_etc.end_to_end",
            "latency____.end_to_end",
            "latency_drain_workers=50.end_to_end",
        ]
    );
}
