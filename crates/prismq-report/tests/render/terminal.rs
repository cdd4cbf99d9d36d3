//! The layout of the terminal report.

use console::{measure_text_width, strip_ansi_codes};
use prismq_judge::verdict::{FailOn, judge};
use prismq_record::{Metric, RunRecord, Scenario};
use prismq_report::render::{TerminalOptions, View, terminal_as};

use crate::support::full_run::full_run;
use crate::support::steady;

fn shown(look: TerminalOptions) -> String {
    let full = full_run();
    terminal_as(&View::new(&full.run, &full.verdict), look)
}

#[test]
fn without_a_terminal_the_report_is_aligned_and_without_colour() {
    let text = shown(TerminalOptions { colour: false, width: None, changes_max: None });
    assert_eq!(strip_ansi_codes(&text), text);
    insta::assert_snapshot!("terminal_rich", text);
}

#[test]
fn lines_fit_a_narrow_terminal() {
    for width in [40, 60, 80] {
        let text = shown(TerminalOptions { colour: false, width: Some(width), changes_max: None });
        // What has no space in it cannot be broken.
        for line in text.lines().filter(|line| line.trim().contains(' ')) {
            let longest = line.split(' ').map(measure_text_width).max().unwrap();
            let room = usize::from(width).max(longest + 8) + " 234],".len();
            assert!(measure_text_width(line) <= room, "{width}: {line}");
        }
    }
    insta::assert_snapshot!(
        "terminal_narrow",
        shown(TerminalOptions { colour: false, width: Some(48), changes_max: None })
    );
}

#[test]
fn colour_does_not_change_the_text() {
    let plain = shown(TerminalOptions { colour: false, width: Some(90), changes_max: None });
    let coloured = shown(TerminalOptions { colour: true, width: Some(90), changes_max: None });
    assert!(coloured.contains("\u{1b}[31m") && coloured.contains("\u{1b}[32m"));
    assert_eq!(strip_ansi_codes(&coloured), plain);
}

/// The changes in a comparison of a full run with one whose metrics were as the function makes them.
fn compared(before: impl Fn(&mut RunRecord), now: impl Fn(&mut RunRecord)) -> String {
    let mut full = full_run();
    before(&mut full.baseline);
    now(&mut full.run);
    let comparison = steady::compare("main", &full.baseline, &full.run);
    let verdict = judge(&full.run, &[], Some(comparison), FailOn::Never).unwrap();
    terminal_as(
        &View::new(&full.run, &verdict),
        TerminalOptions { colour: false, width: None, changes_max: Some(20) },
    )
}

fn scenarios(run: &mut RunRecord) -> impl Iterator<Item = &mut Scenario> {
    run.suites.iter_mut().flat_map(|suite| &mut suite.scenarios)
}

/// A count of which every change counts.
fn lost(run: &mut RunRecord) -> &mut Metric {
    let mut metrics = scenarios(run).flat_map(|scenario| &mut scenario.metrics);
    metrics.find(|metric| metric.name == "lost").unwrap()
}

#[test]
fn what_cannot_be_compared_has_one_line_a_scenario() {
    let text = compared(
        |_| (),
        |run| {
            for scenario in scenarios(run) {
                if scenario.id == "throughput/drain/workers=1" {
                    scenario.metrics.clear();
                }
                if scenario.id == "throughput/drain/workers=2" {
                    scenario.parameters.insert("tasks".to_owned(), 1.into());
                }
            }
        },
    );
    let of = |id: &str| text.lines().filter(|line| line.contains(id)).collect::<Vec<_>>();
    let [missing] = of("throughput/drain/workers=1:")[..] else { panic!("{text}") };
    assert!(missing.contains(": missing (tasks_per_s, "), "{missing}");
    let [not_comparable] = of("throughput/drain/workers=2:")[..] else { panic!("{text}") };
    assert!(
        not_comparable.contains(": not comparable: parameters differ: tasks (tasks_per_s, "),
        "{not_comparable}"
    );
}

#[test]
fn of_many_changes_the_regressions_come_first_and_the_rest_is_counted() {
    let text = compared(
        |run| {
            lost(run).exact_within = Some(0.0);
            for scenario in scenarios(run) {
                let times = match scenario.id.split('/').next() {
                    Some("throughput") => 10.0,
                    Some("latency") => 0.1,
                    _ => continue,
                };
                for metric in &mut scenario.metrics {
                    metric.value = metric.value.map(|value| value * times);
                    metric.samples.iter_mut().for_each(|sample| *sample *= times);
                }
            }
        },
        |run| {
            let lost = lost(run);
            (lost.value, lost.exact_within) = (Some(3.0), Some(0.0));
        },
    );
    let changes = text.lines().filter(|line| {
        let line = line.trim_end();
        line.ends_with(" regressed") || line.ends_with(" improved")
    });
    let changes: Vec<&str> = changes.collect();
    assert_eq!(changes.len(), 20, "{text}");
    assert!(changes[0].contains(":lost "), "{text}");
    let regressed = changes.iter().take_while(|line| line.ends_with("regressed")).count();
    assert!(regressed > 0, "{text}");
    assert!(changes[regressed..].iter().all(|line| line.ends_with("improved")), "{text}");
    assert!(text.contains("  and 8 more, 0 of them regressed: see the report"), "{text}");
}
