//! Reports start with the verdict.

use prismq_judge::comparison::compare;
use prismq_judge::targets::parse;
use prismq_judge::verdict::{FailOn, judge};
use prismq_record::{RunRecord, Validity};
use prismq_report::render::{View, markdown, terminal};

use crate::support::{sample, steady};

fn view(run: &RunRecord, with_baseline: bool) -> View {
    let targets = parse(sample::TARGETS, "t.toml").unwrap();
    let comparison = with_baseline.then(|| steady::compare("old", &sample::faster(0.5), run));
    let verdict = judge(run, &targets, comparison, FailOn::Never).unwrap();
    View::new(run, &verdict)
}

fn one_suite_lost_tasks() -> RunRecord {
    let mut run = sample::faster(0.15);
    run.suites.retain(|suite| suite.suite == "latency");
    run.missing = vec!["throughput".to_owned()];
    let reasons = vec!["2 tasks lost".to_owned()];
    run.suites[0].scenarios[0].validity = Validity::Invalid { reasons };
    run
}

#[test]
fn the_terminal_report_starts_with_the_verdict() {
    insta::assert_snapshot!("terminal_pass", terminal(&view(&sample::run(), true)));
    insta::assert_snapshot!("terminal_invalid", terminal(&view(&one_suite_lost_tasks(), false)));
}

#[test]
fn the_markdown_report_starts_with_the_verdict() {
    insta::assert_snapshot!("markdown_pass", markdown(&view(&sample::run(), true)).unwrap());
    let invalid = markdown(&view(&one_suite_lost_tasks(), false)).unwrap();
    insta::assert_snapshot!("markdown_invalid", invalid);
}

#[test]
fn an_inconclusive_change_is_explained() {
    let (before, after) = (sample::run(), sample::faster(0.9));
    let said = |comparison| {
        let verdict = judge(&after, &[], Some(comparison), FailOn::Never).unwrap();
        terminal(&View::new(&after, &verdict)).contains("that takes a history of eleven runs")
    };
    assert!(said(compare("old", &before, &after)));
    assert!(!said(steady::compare("old", &before, &after)));
    // More runs do not help where there is one sample.
    let mut once = before.clone();
    let scenarios = once.suites.iter_mut().flat_map(|suite| &mut suite.scenarios);
    scenarios.for_each(|scenario| scenario.metrics[0].samples.clear());
    assert!(!said(compare("old", &once, &after)));
}
