//! What a results folder may hold next to the requested run.

use std::path::{Path, PathBuf};

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use prismq_judge::verdict::Status;
use prismq_record::RunRecord;
use prismq_record::files::{FileError, Selection, gather, prune, write_report, write_run};
use prismq_record::{baseline, fingerprint};
use prismq_report::conclude::{Conclusion, Options, conclude};

use crate::support::{command, sample};

const EARLIER: &str = "01KAV900000000000000000000";
const LATER: &str = "01KAVB00000000000000000000";

/// The sample's run under another id, this number of seconds later.
fn other(id: &str, seconds: i64) -> RunRecord {
    let mut run = sample::run();
    run.run_id = id.to_owned();
    run.started_at = sample::at(seconds);
    run.ended_at = sample::at(seconds + 60);
    for suite in &mut run.suites {
        suite.run_id = id.to_owned();
        suite.started_at = sample::at(seconds);
        suite.ended_at = sample::at(seconds + 60);
    }
    run
}

/// A folder with the sample's run and a record of an earlier one that cannot be read.
fn with_damage(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    sample::write(folder.path(), &sample::run());
    std::fs::write(folder.path().join("latency_results_20200101_000000.json"), text).unwrap();
    folder
}

fn cut(id: &str) -> String {
    format!("{{\"schema\": \"prismq/suite\", \"schema_version\": \"1.1.0\", \"run_id\": \"{id}\", ")
}

fn run(results: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    command::in_results(results, arguments).assert()
}

#[test]
fn a_record_of_another_run_that_cannot_be_read_is_a_warning() {
    let of_newer_version =
        cut(EARLIER).replace("1.1.0", "2.0.0").replace("\", \"run_id", "\",\n\"run_id")
            + "\"x\": 1}";
    for text in ["no record at all", &cut(EARLIER), &of_newer_version] {
        let folder = with_damage(text);
        let warned = || {
            contains("warning: skipped an unreadable record of another run")
                .and(contains("latency_results_20200101_000000.json"))
        };
        let threshold = ["check", "--threshold", "latency/drain/workers=5:rate > 1 tasks/s"];
        run(folder.path(), &threshold).code(0).stderr(warned());
        run(folder.path(), &["env", sample::RUN]).code(0).stderr(warned());
    }
}

#[test]
fn a_record_of_the_run_that_is_asked_for_must_be_readable() {
    let folder = with_damage(&cut(sample::RUN));
    let id = Selection::Id(sample::RUN.to_owned());
    for asked in [&id, &Selection::Latest] {
        let error = gather(folder.path(), asked).unwrap_err();
        assert!(matches!(error, FileError::NotARecord { .. }), "{error}");
    }
    // A later run whose records cannot be read is the latest.
    let folder = with_damage(&cut(LATER));
    assert!(gather(folder.path(), &Selection::Latest).is_err());
    assert_eq!(gather(folder.path(), &id).unwrap().run_id, sample::RUN);
}

#[test]
fn an_unreadable_file_belongs_to_a_run_by_the_time_in_its_name() {
    let folder = tempfile::tempdir().unwrap();
    sample::write(folder.path(), &sample::run());
    let named = |second: i64| {
        let stamp = sample::at(second).strftime("%Y%m%d_%H%M%S").to_string();
        folder.path().join(format!("latency_results_{stamp}.json"))
    };
    let (id, latest) = (Selection::Id(sample::RUN.to_owned()), Selection::Latest);
    for (second, id_fails, latest_fails) in
        [(-1, false, false), (1, true, true), (100_000, false, true)]
    {
        std::fs::write(named(second), "no record").unwrap();
        assert_eq!(gather(folder.path(), &id).is_err(), id_fails, "{second}");
        assert_eq!(gather(folder.path(), &latest).is_err(), latest_fails, "{second}");
        std::fs::remove_file(named(second)).unwrap();
    }
}

fn concluded(results: &Path, change: impl FnOnce(&mut Options<'_>)) -> Conclusion {
    let targets = results.join("targets.toml");
    std::fs::write(&targets, sample::TARGETS).unwrap();
    let mut options = Options {
        results,
        targets: &targets,
        criterion: results,
        run: Selection::Id(sample::RUN.to_owned()),
        save_baseline: None,
        baseline: None,
        baseline_lenient: false,
    };
    change(&mut options);
    conclude(&options).unwrap()
}

#[test]
fn unreadable_files_of_an_older_version_are_warnings() {
    let folder = with_damage("no record at all");
    let own = fingerprint::identity(&sample::run()).unwrap();
    let write = |path: PathBuf| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "{\"schema\": \"of another time\"}\n").unwrap();
    };
    write(folder.path().join(format!("baselines/{own}.json")));
    write(folder.path().join(format!("noise/{own}.json")));
    write(folder.path().join("history.jsonl"));
    let conclusion = concluded(folder.path(), |_| {});
    assert_eq!(conclusion.status, Status::Pass);
    for warning in [
        "warning: skipped an unreadable record of another run",
        "warning: nothing was compared, as the machine's baseline cannot be read",
        "warning: compared as if this machine had no history",
    ] {
        assert!(conclusion.terminal.contains(warning), "{warning}: {}", conclusion.terminal);
    }
    let history = std::fs::read_to_string(folder.path().join("history.jsonl")).unwrap();
    assert!(history.contains(sample::RUN), "the run is added: {history}");
    run(folder.path(), &["baseline", "list"])
        .code(0)
        .stdout(contains(&own).and(contains("is not a record")));
    run(folder.path(), &["report", "--targets", "targets.toml"])
        .code(0)
        .stderr(contains("warning: nothing was compared"));
}

#[test]
fn a_lenient_baseline_may_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    sample::write(folder.path(), &sample::run());
    let lenient = |options: &mut Options<'_>| {
        options.baseline = Some("main".to_owned());
        options.baseline_lenient = true;
    };
    let missing = concluded(folder.path(), lenient);
    assert_eq!(missing.status, Status::Pass);
    assert!(missing.terminal.contains("there is no baseline \"main\""), "{}", missing.terminal);
    baseline::save(folder.path(), "main", &other(EARLIER, -100), false).unwrap();
    let there = concluded(folder.path(), lenient);
    assert!(there.terminal.contains("against main: "), "{}", there.terminal);
}

#[test]
fn prune_keeps_the_latest_runs_and_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path();
    let runs = [other(EARLIER, -1000), sample::run(), other(LATER, 1000)];
    for run in &runs {
        sample::write(results, run);
        write_run(results, run).unwrap();
        write_report(results, run.started_at, "html", "page").unwrap();
    }
    let unreadable = results.join("stress_test_results_20200101_000000.json");
    std::fs::write(&unreadable, "of another time").unwrap();
    let kept = ["history.jsonl", "notes_20200101_000000.json", "benchmark_report_mine.html"];
    kept.iter().for_each(|name| std::fs::write(results.join(name), "kept").unwrap());
    baseline::save(results, "before", &runs[0], false).unwrap();
    for name in ["ab/20200101_000000_a/001-before", "ab/20250101_000000_b", "ab/mine"] {
        std::fs::create_dir_all(results.join(name)).unwrap();
    }

    let pruned = prune(results, 1).unwrap();
    assert_eq!((pruned.runs, pruned.files, pruned.comparisons), (2, 15, 1), "{pruned:?}");
    assert_eq!(gather(results, &Selection::Latest).unwrap().run_id, LATER);
    assert!(gather(results, &Selection::Id(EARLIER.to_owned())).is_err());
    assert!(!unreadable.exists());
    assert!(kept.iter().all(|name| results.join(name).exists()));
    assert!(baseline::exists(results, "before").unwrap());
    assert!(!results.join("ab/20200101_000000_a").exists() && results.join("ab/mine").exists());

    let again = prune(results, 1).unwrap();
    assert_eq!((again.files, again.runs), (0, 0), "nothing more: {again:?}");
    run(results, &["prune"]).code(2);
    run(results, &["prune", "--keep", "0"]).code(2);
    run(results, &["prune", "--keep", "1"]).code(0).stdout(contains("removed 0 files"));
}
