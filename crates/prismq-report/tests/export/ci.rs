//! What a CI system shows of a run: test results, annotations, the summary of a step.

use prismq_judge::verdict::{FailOn, judge};
use prismq_report::export::{annotations, cut, junit};

use super::{HOSTILE, judged, run};

#[test]
fn junit_has_one_case_a_target() {
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
                "the run is valid",
                "error: run 01KAVA00000000000000000000 is invalid, for 2 reasons"
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
fn annotations_escape_line_breaks() {
    let mut run = run();
    run.suites[0].scenarios[0].warnings = vec!["the load was 3.1".to_owned()];
    let mut verdict = judged(&run);
    verdict.faults = vec!["throughput/drain: the reference was beaten".to_owned()];
    insta::assert_snapshot!(annotations(&run, &verdict), @r#"
    ::error title=invalid::memory/drain/workers=5: a,"b"%0A<c>&'d' 100%25: ::error::e
    ::error title=invalid::1 of 4 targets have no data
    ::error title=stress/drain/workers=5%3Arate::1006 tasks/s, wanted > 1000000 tasks/s, 99.9 %25 off
    ::error title=stress/drain/workers=5%3Aspeed_up::no figure, wanted > 2 x: one worker was not run
    ::warning title=concurrency/drain/workers=5%3Arate::regressed against before: 2012 then, 1006 tasks/s now (-50.0 %25)
    ::warning title=latency/drain/workers=5%3Arate::regressed against before: 2012 then, 1006 tasks/s now (-50.0 %25)
    ::warning title=stress/drain/workers=5%3Arate::regressed against before: 2012 then, 1006 tasks/s now (-50.0 %25)
    ::warning title=throughput/drain/workers=5%3Arate::regressed against before: 2012 then, 1006 tasks/s now (-50.0 %25)
    ::warning title=measurement::throughput/drain: the reference was beaten
    ::warning title=concurrency/drain/workers=5::the load was 3.1
    "#);
}

#[test]
fn annotations_beyond_the_limit_are_counted() {
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
fn a_summary_is_cut_at_a_line_with_a_note() {
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
