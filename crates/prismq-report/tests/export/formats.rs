use prismq_judge::targets::parse;
use prismq_judge::verdict::{FailOn, Verdict, judge};
use prismq_record::{ConfidenceInterval, Direction, Histogram, RunRecord, Validity};
use prismq_report::export::{annotations, bmf, csv, cut, gha, hgrm, junit};
use serde_json::{Value, json};

use crate::support::{sample, steady};

/// What would break a format that does not escape it.
const HOSTILE: &str = "a,\"b\"\n<c>&'d' 100%: ::error::e";

/// A run of which latency has an interval and a distribution, and memory is invalid.
fn run() -> RunRecord {
    let mut run = sample::run();
    let latency = &mut run.suites[1].scenarios[0];
    let method = "order statistics of the median".to_owned();
    let interval =
        ConfidenceInterval { level: 0.95, lower: 1002.0, upper: 1009.0, method, rounds: 10 };
    latency.metrics[0].interval = Some(interval);
    let mut histogram = hdrhistogram::Histogram::<u64>::new(3).unwrap();
    for value in 1..=1000 {
        histogram.record(value * 1000).unwrap();
    }
    let encoded = Histogram::encode(&histogram, "ns").unwrap();
    latency.histograms.insert("end_to_end".to_owned(), encoded);
    let memory = &mut run.suites[2].scenarios[0];
    memory.validity = Validity::Invalid { reasons: vec![HOSTILE.to_owned()] };
    run
}

fn judged(run: &RunRecord) -> Verdict {
    let text = format!(
        "{}{}",
        sample::TARGETS,
        "\"stress/drain/workers=5:rate\" = \"> 1e6 tasks/s\"\n\
         \"stress/drain/workers=5:speed_up\" = \"> 2 x\"\n"
    );
    let targets = parse(&text, "t.toml").unwrap();
    judge(run, &targets, Some(steady::compare("before", &sample::faster(2.0), run)), FailOn::Never)
        .unwrap()
}

#[test]
fn bencher_gets_a_measure_a_metric() {
    let found: Value = serde_json::from_str(&bmf(&run()).unwrap()).unwrap();
    let benchmarks = found.as_object().unwrap();
    assert_eq!(benchmarks.len(), 4, "memory cannot be trusted");
    let expected = json!({"value": 1006.0, "lower_value": 1002.0, "upper_value": 1009.0});
    assert_eq!(found["latency/drain/workers=5"], json!({ "rate": expected }));
    assert_eq!(found["stress/drain/workers=5"], json!({ "rate": {"value": 1006.0} }));
}

#[test]
fn github_action_benchmark_gets_each_direction_by_itself() {
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
fn nothing_to_export_is_an_error_and_no_empty_file() {
    let mut run = run();
    for suite in &mut run.suites {
        suite.scenarios[0].validity = Validity::Invalid { reasons: vec!["lost".to_owned()] };
        suite.scenarios[0].histograms.clear();
    }
    assert!(bmf(&run).unwrap_err().to_string().contains("no trusted figure to export"));
    assert!(gha(&run, Direction::Lower).unwrap_err().to_string().contains("smaller"));
    assert!(hgrm(&run).unwrap_err().to_string().contains("no distribution to export"));
}

#[test]
fn csv_has_every_metric_and_survives_any_text() {
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
fn a_distribution_reads_as_hdrhistogram_writes_it() {
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
fn distributions_have_names_of_their_own_and_none_leads_elsewhere() {
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

#[test]
fn junit_has_a_case_a_target() {
    let run = run();
    let xml = junit(&run, &judged(&run)).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let root = document.root_element();
    let count = |name: &str| root.attribute(name).unwrap().to_owned();
    assert_eq!(["tests", "failures", "errors"].map(count), ["5", "1", "2"]);
    let cases: Vec<(String, String)> = document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
        .map(|case| {
            let problem = case
                .children()
                .find(|node| node.has_tag_name("failure") || node.has_tag_name("error"));
            let said = problem.map_or_else(String::new, |problem| {
                let name = problem.tag_name().name();
                format!("{name}: {}", problem.attribute("message").unwrap())
            });
            (case.attribute("name").unwrap().to_owned(), said)
        })
        .collect();
    let case = |name: &str, said: &str| (name.to_owned(), said.to_owned());
    assert_eq!(
        cases,
        [
            case(
                "the figures can be trusted",
                "error: run 01KAVA00000000000000000000 cannot be trusted, for 2 reasons"
            ),
            case("latency/drain/workers=5:rate", ""),
            case(
                "stress/drain/workers=5:rate",
                "failure: 1006 tasks/s, wanted > 1000000 tasks/s, 99.9 % off"
            ),
            case(
                "stress/drain/workers=5:speed_up",
                "error: no figure, wanted > 2 x: one worker was not run"
            ),
            case("throughput/drain/workers=5:rate", ""),
        ]
    );
    let reasons = document.descendants().find(|node| node.has_tag_name("error")).unwrap();
    assert!(reasons.text().unwrap().contains(HOSTILE), "{xml}");
}

#[test]
fn annotations_are_one_line_each_whatever_they_say() {
    let mut run = run();
    run.suites[0].scenarios[0].warnings = vec!["the load was 3.1".to_owned()];
    insta::assert_snapshot!(annotations(&run, &judged(&run)), @r#"
    ::error title=invalid::memory/drain/workers=5: a,"b"%0A<c>&'d' 100%25: ::error::e
    ::error title=invalid::1 of 4 targets have no data
    ::error title=stress/drain/workers=5%3Arate::1006 tasks/s, wanted > 1000000 tasks/s, 99.9 %25 off
    ::error title=stress/drain/workers=5%3Aspeed_up::no figure, wanted > 2 x: one worker was not run
    ::warning title=concurrency/drain/workers=5%3Arate::regressed against before: 2012 then, 1006 tasks/s now (-50.0 %25)
    ::warning title=latency/drain/workers=5%3Arate::regressed against before: 2012 then, 1006 tasks/s now (-50.0 %25)
    ::warning title=stress/drain/workers=5%3Arate::regressed against before: 2012 then, 1006 tasks/s now (-50.0 %25)
    ::warning title=throughput/drain/workers=5%3Arate::regressed against before: 2012 then, 1006 tasks/s now (-50.0 %25)
    ::warning title=concurrency/drain/workers=5::the load was 3.1
    "#);
}

#[test]
fn annotations_beyond_those_shown_are_counted() {
    let mut run = run();
    for number in 0..30 {
        run.suites[0].scenarios[0].warnings.push(format!("warning {number}"));
    }
    let verdict = judge(&run, &[], None, FailOn::Never).unwrap();
    let text = annotations(&run, &verdict);
    let warnings: Vec<&str> = text.lines().filter(|line| line.starts_with("::warning")).collect();
    assert_eq!(warnings.len(), 10);
    assert_eq!(warnings[9], "::warning title=prismq::21 more: see the summary of this step");
}

#[test]
fn a_summary_is_cut_after_a_line_and_says_so() {
    let text = "a line of the report, über alles\n".repeat(1000);
    assert_eq!(cut(&text, text.len()), text);
    for limit in 500..600 {
        let short = cut(&text, limit);
        assert!(short.len() <= limit, "{limit}");
        let (kept, note) = short.split_once("\n\n*Cut here").unwrap();
        assert!(kept.lines().all(|line| line == "a line of the report, über alles"), "{kept}");
        assert!(note.contains("prismq-report report"), "{note}");
        assert!(short.len() > limit - 40, "{limit}");
    }
    assert_eq!(cut(&text, 10), "", "not even the note has room");
}
