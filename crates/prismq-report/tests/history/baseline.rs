//! Which runs become a baseline, and which are compared with one.

use std::path::Path;

use prismq_judge::verdict::Status;
use prismq_record::baseline;
use prismq_record::files::{Selection, read_run};
use prismq_record::{Known, RunRecord};
use prismq_report::conclude::{Conclusion, Options, conclude};

use crate::support::sample;

fn concluded(
    results: &Path,
    run: &RunRecord,
    save: Option<&str>,
    with: Option<&str>,
) -> Conclusion {
    let targets = results.join("targets.toml");
    std::fs::write(&targets, sample::TARGETS).unwrap();
    sample::write(results, run);
    conclude(&Options {
        results,
        targets: &targets,
        criterion: results,
        run: Selection::Id(run.run_id.clone()),
        save_baseline: save.map(str::to_owned),
        baseline: with.map(str::to_owned),
        baseline_lenient: false,
    })
    .unwrap()
}

fn numbered(mut run: RunRecord, number: i64) -> RunRecord {
    run.run_id = format!("01KAV{number}");
    for suite in &mut run.suites {
        suite.run_id = run.run_id.clone();
        suite.started_at = sample::at(number * 100);
        suite.ended_at = sample::at(number * 100 + 60);
    }
    run
}

#[test]
fn the_first_valid_run_becomes_and_stays_the_baseline() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path();
    let mut incomplete = numbered(sample::run(), 1);
    incomplete.suites.remove(0);
    let conclusion = concluded(results, &incomplete, None, None);
    assert_eq!(conclusion.status, Status::Partial);
    assert!(
        baseline::list(results).unwrap().is_empty(),
        "a partial run does not become the baseline"
    );

    let first = concluded(results, &numbered(sample::run(), 2), None, None);
    assert_eq!(first.status, Status::Pass);
    assert!(first.terminal.contains("kept as its baseline"));
    let names = baseline::list(results).unwrap();
    let [name] = &names[..] else { panic!("{names:?}") };
    assert!(name.ends_with("-prismq-standard"), "{name}");

    let second = concluded(results, &numbered(sample::faster(4.0), 3), None, None);
    assert!(second.terminal.contains("5 improved"), "{}", second.terminal);
    assert_eq!(baseline::load(results, name).unwrap().run_id, "01KAV2");
    assert_eq!(read_run(&second.files[0]).unwrap().run_id, "01KAV3");
}

#[test]
fn the_report_lists_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let conclusion = concluded(folder.path(), &numbered(sample::run(), 1), None, None);
    let [record, report, page, _history, _baseline] = &conclusion.files[..] else {
        panic!("{conclusion:?}")
    };
    let report = std::fs::read_to_string(report).unwrap();
    let (_, files) = report.split_once("<summary>Files</summary>\n\n").unwrap();
    let named = files.lines().filter(|line| line.starts_with("- ")).count();
    assert_eq!(named, 6, "the combined record and five suites");
    assert!(files.contains(record.file_name().unwrap().to_str().unwrap()), "{files}");
    assert!(files.contains("stress_test_results_"), "{files}");
    let page_name = page.file_name().unwrap().to_str().unwrap();
    assert!(page_name.starts_with("benchmark_report_") && page_name.ends_with(".html"));
    let page = std::fs::read_to_string(page).unwrap();
    let record = record.file_name().unwrap().to_str().unwrap();
    assert!(page.contains(&format!("<a href=\"./{record}\">")), "next to the page");
}

#[test]
fn the_page_shows_the_history_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let page = |run: &RunRecord| {
        let conclusion = concluded(folder.path(), run, None, None);
        std::fs::read_to_string(&conclusion.files[2]).unwrap()
    };
    let drawn = |page: &str| page.contains("<figure id=\"history\">");
    assert!(!drawn(&page(&numbered(sample::run(), 1))), "the first run has no history");
    assert!(drawn(&page(&numbered(sample::run(), 2))));
    let mut elsewhere = numbered(sample::run(), 3);
    elsewhere.suites.iter_mut().for_each(|suite| suite.profile = "full".to_owned());
    assert!(!drawn(&page(&elsewhere)), "of another profile");
}

#[test]
fn a_partial_run_is_a_baseline_only_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = numbered(sample::run(), 1);
    run.suites.remove(0);
    let conclusion = concluded(folder.path(), &run, Some("half"), None);
    assert!(
        conclusion.terminal.contains("kept as baseline half, although only a part was measured")
    );
}

#[test]
fn a_named_baseline_is_stored_and_compared_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path();
    concluded(results, &numbered(sample::run(), 1), Some("before"), None);
    concluded(results, &numbered(sample::faster(16.0), 2), Some("before"), None);
    assert_eq!(baseline::list(results).unwrap(), ["before"]);
    let conclusion = concluded(results, &numbered(sample::run(), 3), None, Some("before"));
    assert!(conclusion.terminal.contains("5 regressed"), "{}", conclusion.terminal);
    assert_eq!(conclusion.status, Status::Pass, "cargo bench shows it");
}

/// The same run of a commit on the main branch.
fn on_main(mut run: RunRecord) -> RunRecord {
    for suite in &mut run.suites {
        let git = suite.environment.git.value.as_mut().unwrap();
        git.branch = Known::value("main".to_owned());
        git.dirty = false;
    }
    run
}

/// A lasting change on the main branch is reported only for a few runs.
#[test]
fn a_run_is_compared_with_the_latest_runs_of_the_main_branch() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path();
    concluded(results, &numbered(on_main(sample::faster(16.0)), 1), None, None);
    for number in 2..=6 {
        concluded(results, &numbered(on_main(sample::run()), number), None, None);
    }
    // Not on the main branch.
    concluded(results, &numbered(sample::faster(8.0), 7), None, None);
    let conclusion = concluded(results, &numbered(sample::run(), 8), None, None);
    let said = &conclusion.terminal;
    assert!(said.contains("against the latest 5 runs of the main line"), "{said}");
    assert!(said.contains("0 regressed, 5 unchanged"), "{said}");
    let slower = concluded(results, &numbered(sample::faster(0.25), 9), None, None);
    assert!(slower.terminal.contains("5 regressed"), "{}", slower.terminal);
}
