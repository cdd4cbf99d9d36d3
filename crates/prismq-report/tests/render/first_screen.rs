//! The first screen answers whether a change may be merged.

use prismq_judge::targets::{Target, parse};
use prismq_judge::verdict::{FailOn, Verdict, judge};
use prismq_record::Validity;
use prismq_report::render::html::Input;
use prismq_report::render::{TerminalOptions, View, html, markdown, terminal_as};

use crate::support::full_run::{FullRun, full_run};
use crate::support::page::full;
use crate::support::{sample, steady};

const LOOK: TerminalOptions = TerminalOptions { colour: false, width: None, changes_max: None };

fn position(text: &str, of: &str) -> usize {
    text.find(of).unwrap_or_else(|| panic!("no {of:?} in {text}"))
}

/// The answer to a question in the terminal report.
fn answer<'a>(text: &'a str, question: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix(question));
    line.unwrap_or_else(|| panic!("no {question:?} in {text}")).trim()
}

fn targets(text: &str) -> Vec<Target> {
    parse(&format!("[targets]\n{text}"), "targets.toml").unwrap()
}

fn shown(run: &prismq_record::RunRecord, verdict: &Verdict) -> String {
    terminal_as(&View::new(run, verdict), LOOK)
}

#[test]
fn missed_and_undecided_targets_are_named_with_value_and_bound() {
    let run = full_run().run;
    let scenarios = run.suites.iter().flat_map(|suite| &suite.scenarios);
    let mut drains = scenarios.filter(|found| found.id == "throughput/drain/workers=10");
    let rate = drains.next().unwrap().metric("tasks_per_s").unwrap().value.unwrap();
    let asked = format!(
        "\"latency/open/load=105:p99_ms\" = \"< 5 ms\"\n\
         \"throughput/drain/workers=10:tasks_per_s\" = \"> {rate} tasks/s\""
    );
    let verdict = judge(&run, &targets(&asked), None, FailOn::Never).unwrap();
    let (page, view) = (html(&Input::new(&run, &verdict)).unwrap(), View::new(&run, &verdict));
    let (text, words) = (markdown(&view).unwrap(), terminal_as(&view, LOOK));
    let text = text.replace('\\', "");
    let page = page.replace("<wbr>", "").replace("&#x2f;", "/");
    let open = &page[position(&page, "<section id=\"open\">")..position(&page, "<nav ")];
    for (mark, name, figure, bound) in [
        ("MISSED", "latency/open/load=105:p99_ms", " ms [", "5 ms"),
        ("UNDECIDED", "throughput/drain/workers=10:tasks_per_s", " tasks/s [", " tasks/s"),
    ] {
        for shown in [&text, &words, open] {
            let line = shown.lines().find(|line| line.contains(name));
            let line = line.unwrap_or_else(|| panic!("no {name}: {shown}"));
            assert!(line.contains(mark) && line.contains(figure) && line.contains(bound), "{line}");
            // The interval of an undecided figure contains the bound: a margin would contradict it.
            assert_eq!(
                line.contains("to spare") || line.contains(" short"),
                mark == "MISSED",
                "{line}"
            );
        }
    }
}

#[test]
fn answers_come_first_and_met_targets_are_folded() {
    let page = full();
    let order = [
        "class=\"banner",
        "May I merge?",
        "id=\"open\"",
        "<nav ",
        "id=\"warnings\"",
        "id=\"targets\"",
    ];
    let places: Vec<usize> = order.iter().map(|of| position(&page, of)).collect();
    assert!(places.is_sorted(), "{places:?}");
    let targets = &page[position(&page, "id=\"targets\"")..position(&page, "id=\"comparison\"")];
    let (before, folded) = targets.split_once("<details>").unwrap();
    assert!(
        before.len() < 60
            && folded.starts_with("<summary>")
            && folded[..40].contains(" targets met<"),
        "{targets}"
    );
    for id in ["targets", "comparison", "pictures", "scaling", "figures", "environment", "files"] {
        let (link, place) = (format!("<a href=\"#{id}\">"), format!("id=\"{id}\""));
        assert!(page.contains(&link) && page.contains(&place), "{id}");
    }
}

#[test]
fn each_question_has_an_answer() {
    let FullRun { run, baseline, .. } = full_run();
    let judged = |run: &_, text: &str, compared: bool, fail_on| {
        let comparison = compared.then(|| steady::compare("main", &baseline, run));
        shown(run, &judge(run, &targets(text), comparison, fail_on).unwrap())
    };
    let met = "\"throughput/drain/workers=1:tasks_per_s\" = \"> 50 tasks/s\"\n\
               \"throughput/drain/workers=1:lost\" = \"= 0 tasks\"";
    let text = judged(&run, met, false, FailOn::Never);
    assert_eq!(answer(&text, "May I merge?"), "Yes");
    assert_eq!(
        answer(&text, "Correctness"),
        "1 of 1 targets and invariants hold; every scenario is valid"
    );
    assert_eq!(
        answer(&text, "Performance"),
        "1 of 1 targets and invariants hold; not compared with another run"
    );
    assert_eq!(answer(&text, "Undecided"), "nothing");

    let lost = "\"throughput/drain/workers=1:lost\" = \"= 1 tasks\"";
    let text = judged(&run, lost, true, FailOn::Never);
    assert_eq!(answer(&text, "May I merge?"), "No: a target is missed");
    assert_eq!(answer(&text, "Correctness"), "1 of 1 targets and invariants missed");
    assert!(answer(&text, "Performance").contains("0 worse and 16 better than main"), "{text}");

    let mut invalid = run.clone();
    invalid.suites[0].scenarios[0].validity = Validity::Invalid { reasons: vec!["odd".to_owned()] };
    let text = judged(&invalid, met, false, FailOn::Never);
    assert_eq!(answer(&text, "May I merge?"), "No: the run is invalid");
    assert!(answer(&text, "Correctness").starts_with("1 invalid scenario;"), "{text}");
}

/// As `compare` is inconclusive then.
#[test]
fn a_comparison_that_could_not_find_a_slowdown_is_no_yes() {
    let mut run = sample::run();
    run.suites.iter_mut().for_each(|suite| suite.scenarios[0].metrics[0].samples.clear());
    let comparison = steady::compare("old", &run, &run);
    let verdict = judge(&run, &[], Some(comparison), FailOn::Never).unwrap();
    let words = "Targets are met; a slowdown could not be excluded";
    assert_eq!(answer(&shown(&run, &verdict), "May I merge?"), words);
}

#[test]
fn regressions_are_named_on_the_first_screen() {
    let FullRun { run, baseline, .. } = full_run();
    // The run is faster than its baseline, so the baseline is slower than the run.
    let comparison = steady::compare("main", &run, &baseline);
    let verdict = judge(&baseline, &[], Some(comparison), FailOn::Regression).unwrap();
    let text = shown(&baseline, &verdict);
    assert_eq!(answer(&text, "May I merge?"), "No: it became worse");
    let page = html(&Input::new(&baseline, &verdict)).unwrap();
    let open = &page[position(&page, "id=\"open\"")..position(&page, "<nav ")];
    assert_eq!(open.matches("WORSE").count(), 10, "{open}");
    assert!(open.contains("6 more became worse"), "{open}");
}

#[test]
fn the_printed_page_has_no_compile_options() {
    let page = full();
    let print = &page[position(&page, "@media print {")..];
    let hidden = print.lines().find(|line| line.contains("display: none")).unwrap();
    assert!(hidden.contains(".compiled"), "{hidden}");
    assert!(page.contains("<dt class=\"compiled\">compiled with</dt>"));
}
