use std::path::Path;

use assert_cmd::Command;
use clap::{CommandFactory as _, Parser as _};
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::{contains, starts_with};
use prismq_record::RunRecord;
use prismq_record::{baseline, files};
use prismq_report::cli;

use crate::support::sample;

fn scene() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    sample::write(folder.path(), &sample::run());
    std::fs::write(folder.path().join("targets.toml"), sample::TARGETS).unwrap();
    folder
}

fn run(scene: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("prismq-report").unwrap();
    command.current_dir(scene).args(["--results", "."]).args(arguments);
    command.env_remove("GITHUB_STEP_SUMMARY");
    command
}

fn report(scene: &Path, arguments: &[&str]) -> Command {
    let mut command = run(scene, &["report", "--targets", "targets.toml", "--format"]);
    command.args(arguments);
    command
}

#[test]
fn every_command_says_what_it_answers_an_example_and_its_exit_statuses() {
    let command = cli::Arguments::command();
    command.clone().debug_assert();
    for command in command.get_subcommands() {
        let name = command.get_name();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(command.get_about().is_some(), "{name}");
        assert!(help.contains(&format!("  prismq-report {name}")), "{name} has no example");
        assert!(help.contains("Exit status"), "{name} says no exit status");
        for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
            assert!(argument.get_help().is_some(), "{name}: {}", argument.get_id());
        }
    }
}

#[test]
fn the_examples_of_the_help_and_the_readme_are_accepted() {
    let mut texts = vec![include_str!("../../README.md").to_owned()];
    for command in cli::Arguments::command().get_subcommands() {
        texts.push(command.get_after_help().unwrap().to_string());
    }
    let lines = texts.iter().flat_map(|text| text.lines()).map(str::trim_start);
    let examples: Vec<&str> =
        lines.filter_map(|line| line.strip_prefix("prismq-report ")).collect();
    assert!(examples.len() > 15, "{examples:?}");
    for example in examples {
        let example = example.split(" > ").next().unwrap().split("     ").next().unwrap();
        // Every second part stands in quotes, which its own ` > ` would not survive above.
        let mut arguments = vec!["prismq-report".to_owned()];
        for (index, part) in example.split('\'').enumerate() {
            match index % 2 {
                0 => arguments.extend(part.split_whitespace().map(str::to_owned)),
                _ => arguments.push(part.to_owned()),
            }
        }
        if let Err(error) = cli::Arguments::try_parse_from(&arguments) {
            panic!("{example}: {error}");
        }
    }
}

#[test]
fn a_run_is_named_by_path_by_id_or_as_the_latest() {
    let scene = scene();
    let mut later = sample::faster(4.0);
    later.run_id = "01KAVB00000000000000000000".to_owned();
    for suite in &mut later.suites {
        suite.run_id = later.run_id.clone();
        suite.started_at = sample::at(100);
    }
    sample::write(scene.path(), &later);
    let path = files::write_run(scene.path(), &sample::run()).unwrap();
    let first = sample::RUN;
    for (named, found) in [
        (None, later.run_id.as_str()),
        (Some("latest"), &later.run_id),
        (Some(first), first),
        (path.to_str(), first),
    ] {
        let mut command = run(scene.path(), &["env"]);
        command.args(named).assert().code(0).stdout(contains(found));
    }
    run(scene.path(), &["env", "nothing"])
        .assert()
        .code(2)
        .stderr(contains("the latest there are"));
    run(scene.path(), &["env", "no.json"]).assert().code(1).stderr(contains("cannot read no.json"));
    run(scene.path(), &["compare", first, "latest"])
        .assert()
        .code(0)
        .stdout(contains("5 improved"));
    run(scene.path(), &["compare", "latest", first])
        .assert()
        .code(3)
        .stdout(contains("5 regressed"));
}

#[test]
fn check_takes_targets_from_the_line() {
    let scene = scene();
    let check = |arguments: &[&str]| {
        let mut command = run(scene.path(), &["check"]);
        command.args(arguments).assert()
    };
    let met = ["--threshold", "latency/drain/workers=5:rate > 200 tasks/s"];
    check(&met).code(0).stdout(contains("1 of 1 targets met"));
    let both = [&met[..], &["--targets", "targets.toml"]].concat();
    check(&both).code(0).stdout(contains("3 of 3 targets met"));
    check(&["--threshold", "latency/drain/workers=5:rate>=1e9 tasks/s"]).code(4);
    check(&["--threshold", "latency/drain/workers=5:rte > 1 tasks/s"]).code(5);
    check(&["--threshold", "latency/drain/workers=5:rate > 200"]).code(2).stderr(
        contains("--threshold: target \"latency/drain/workers=5:rate\"").and(contains("unit")),
    );
    for wrong in ["", "rate > 1 x", "latency/x:rate 1 x", "latency/x:rate > fast x"] {
        check(&["--threshold", wrong]).code(2);
    }
    check(&[]).code(2).stderr(contains("benches/targets.toml"));
}

#[test]
fn compare_counts_what_it_is_asked_to() {
    let scene = scene();
    let save = |name: &str, run: &RunRecord| {
        baseline::save(scene.path(), name, run, false).unwrap();
    };
    save("fast", &sample::faster(4.0));
    let mut elsewhere = sample::faster(4.0);
    elsewhere.suites.iter_mut().for_each(|suite| suite.engine = "pooled".to_owned());
    save("elsewhere", &elsewhere);
    let mut fewer = sample::run();
    fewer.suites[0].scenarios[0].metrics[0].name = "speed".to_owned();
    save("fewer", &fewer);
    let compare = |arguments: &[&str]| {
        let mut command = run(scene.path(), &["compare"]);
        command.args(arguments).assert()
    };
    compare(&["fast"]).code(3);
    compare(&["fast", "--min-effect", "90"]).code(0).stdout(contains("5 unchanged"));
    compare(&["fast", "--fail-on", "never"]).code(0).stdout(contains("5 regressed"));
    compare(&["elsewhere"]).code(6);
    compare(&["elsewhere", "--fail-on", "never"]).code(0);
    compare(&["elsewhere", "--allow-env-mismatch"]).code(3).stdout(contains("5 regressed"));
    compare(&["fewer"]).code(6).stdout(contains("% and more: no history"));
    compare(&["fewer", "--fail-on", "inconclusive"])
        .code(6)
        .stdout(starts_with("INCONCLUSIVE").and(contains("speed: has no figure in this run")));
    for wrong in ["", "%", "-1%", "NaN%", "101%", "5%%"] {
        compare(&["fast", &format!("--min-effect={wrong}")]).code(2);
    }
}

#[test]
fn a_baseline_can_be_removed() {
    let scene = scene();
    baseline::save(scene.path(), "mine", &sample::run(), false).unwrap();
    run(scene.path(), &["baseline", "rm", "mine"]).assert().code(0);
    run(scene.path(), &["baseline", "rm", "mine"]).assert().code(2).stderr(contains("no baseline"));
    run(scene.path(), &["baseline", "rm", "../targets"]).assert().code(2);
    assert!(scene.path().join("targets.toml").exists());
}

#[test]
fn a_baseline_shows_which_targets_it_misses() {
    let scene = scene();
    baseline::save(scene.path(), "slow", &sample::faster(0.1), false).unwrap();
    run(scene.path(), &["baseline", "show", "slow", "--targets", "targets.toml"])
        .assert()
        .code(0)
        .stdout(starts_with("# FAIL").and(contains("latency/drain/workers=5")));
    run(scene.path(), &["baseline", "show", "slow"])
        .assert()
        .code(0)
        .stderr(contains("shown without targets: cannot read the targets in benches/targets.toml"));
    run(scene.path(), &["baseline", "show", "slow", "--targets", "none.toml"]).assert().code(2);
}

#[test]
fn report_draws_for_people_and_for_programs() {
    let scene = scene();
    baseline::save(
        scene.path(),
        &prismq_record::fingerprint::identity(&sample::run()).unwrap(),
        &other_run(),
        false,
    )
    .unwrap();
    report(scene.path(), &["md"]).assert().code(0).stdout(starts_with("# PASS: 2 of 2"));
    report(scene.path(), &["md", "-o", "report.md"]).assert().code(0).stdout("");
    assert!(std::fs::read_to_string(scene.path().join("report.md")).unwrap().starts_with("# PASS"));

    let json = report(scene.path(), &["json", "-o", "run.json"]).assert().code(0);
    json.stdout("");
    let record = files::read_run(&scene.path().join("run.json")).unwrap();
    let verdict = record.verdict.unwrap();
    assert_eq!((verdict.status.as_str(), verdict.thresholds.len()), ("PASS", 2));
    assert_eq!(verdict.comparison.unwrap().metrics.len(), 5, "with the machine's own baseline");
    report(scene.path(), &["junit"]).assert().code(0).stdout(contains("<testsuites"));
}

/// What the machine's baseline would be: the same figures, of another run.
fn other_run() -> RunRecord {
    let mut run = sample::run();
    run.run_id = "01KAV900000000000000000000".to_owned();
    run.suites.iter_mut().for_each(|suite| suite.run_id = run.run_id.clone());
    run
}

#[test]
fn report_adds_to_the_summary_of_a_step_what_has_room() {
    let scene = scene();
    let summary = scene.path().join("summary.md");
    std::fs::write(&summary, "before\n").unwrap();
    let github =
        || report(scene.path(), &["github"]).env("GITHUB_STEP_SUMMARY", &summary).assert().code(0);
    github().stdout("");
    let text = std::fs::read_to_string(&summary).unwrap();
    assert!(text.starts_with("before\n# PASS"), "{text}");

    std::fs::write(
        scene.path().join("targets.toml"),
        "[targets]\n\"latency/drain/workers=5:b\" = \"< 1 s\"",
    )
    .unwrap();
    let full = prismq_report::export::SUMMARY_BYTES_MAX;
    std::fs::write(&summary, "x".repeat(full - 600)).unwrap();
    github().stdout(contains("::error title=latency/drain/workers=5%3Ab::no figure, wanted < 1 s"));
    let text = std::fs::read_to_string(&summary).unwrap();
    assert!(text.len() <= full && text.contains("*Cut here"), "{}", text.len());
}

#[test]
fn history_draws_each_metric_from_run_to_run() {
    use prismq_judge::verdict::{FailOn, judge};
    use prismq_record::history::append;
    let scene = scene();
    run(scene.path(), &["history"]).assert().code(5).stderr(contains("cargo bench"));
    for number in 1..=4_i64 {
        let mut run = sample::faster(number as f64);
        run.run_id = format!("run-{number}");
        run.ended_at = sample::at(number * 60);
        if number == 1 {
            run.suites.iter_mut().for_each(|suite| suite.engine = "pooled".to_owned());
        }
        let verdict = judge(&run, &[], None, FailOn::Never).unwrap();
        append(scene.path(), &verdict.history_line(&run)).unwrap();
    }
    let all = run(scene.path(), &["history"]).assert().code(0);
    all.stdout(
        contains("3 runs of")
            .and(contains("; 1 of other"))
            .and(contains("▁▄█").or(contains("▁▅█"))),
    );
    let metric = "latency/drain/workers=5:rate";
    let one = run(scene.path(), &["history", "--metric", metric, "--limit", "2"]).assert().code(0);
    one.stdout(
        contains("run-4").and(contains("run-3")).and(contains("run-2").not()).and(contains("▁█")),
    );
    let none = run(scene.path(), &["history", "--metric", "latency/x:y"]).assert().code(2);
    none.stderr(contains("no metric \"latency/x:y\" in the 3 latest runs"));
    run(scene.path(), &["history", "--limit", "0"]).assert().code(2);
}

#[test]
fn export_writes_files_and_folders() {
    let scene = scene();
    let export = |arguments: &[&str]| {
        let mut command = run(scene.path(), &["export", "--format"]);
        command.args(arguments).assert()
    };
    export(&["bmf"]).code(0).stdout(contains("\"rate\""));
    export(&["csv", "-o", "figures.csv"]).code(0).stdout("");
    assert!(
        std::fs::read_to_string(scene.path().join("figures.csv")).unwrap().starts_with("run_id,")
    );
    export(&["gha"]).code(2).stderr(contains("--better"));
    export(&["gha", "--better", "bigger"]).code(0).stdout(contains("tasks/s"));
    export(&["gha", "--better", "smaller"]).code(5).stderr(contains("smaller values are better"));
    export(&["hgrm"]).code(5);

    let mut histogram = hdrhistogram::Histogram::<u64>::new(3).unwrap();
    histogram.record_n(7, 9).unwrap();
    let mut run = sample::run();
    let encoded = prismq_record::Histogram::encode(&histogram, "ns").unwrap();
    run.suites[1].scenarios[0].histograms.insert("wait".to_owned(), encoded);
    files::write_run(scene.path(), &run).unwrap();
    let named = "benchmark_results_20261118_110640.json";
    export(&["hgrm", named]).code(0).stdout(contains("Total count    =            9"));
    export(&["hgrm", named, "-o", "distributions"]).code(0).stdout("");
    let file = scene.path().join("distributions/latency_drain_workers=5.wait.hgrm");
    assert!(file.exists());

    // A plotter would take two texts for one distribution.
    let again = run.suites[1].scenarios[0].histograms["wait"].clone();
    run.suites[1].scenarios[0].histograms.insert("service".to_owned(), again);
    let two = files::write_run(scene.path(), &run).unwrap();
    let two = two.to_str().unwrap();
    export(&["hgrm", two]).code(2).stdout("").stderr(contains("2 distributions are 2 files"));
    export(&["hgrm", two, "-o", "both"]).code(0);
}

#[test]
fn env_shows_a_machine_and_what_differs() {
    let scene = scene();
    let shown = run(scene.path(), &["env"]).assert().code(0);
    shown.stdout(
        contains("machine.cpu")
            .and(contains("Example 9000"))
            .and(contains("sqlite.pragmas.synchronous"))
            .and(contains("unknown (not recorded)")),
    );
    let mut other = other_run();
    baseline::save(scene.path(), "same", &other, false).unwrap();
    let same = run(scene.path(), &["env", "latest", "same"]).assert().code(0);
    same.stdout(contains("\ncomparable\n").and(contains("nothing differs")));
    for suite in &mut other.suites {
        suite.environment.machine.cores = prismq_record::Known::value(64);
    }
    baseline::save(scene.path(), "larger", &other, false).unwrap();
    let larger = run(scene.path(), &["env", "latest", "larger"]).assert().code(0);
    larger.stdout(
        contains("not comparable: machine, engine or profile differ")
            .and(contains("machine.cores").and(contains("64")))
            .and(contains("machine.cpu").not()),
    );
}

#[test]
fn validate_tells_records_from_what_is_none() {
    let scene = scene();
    let good = files::write_run(scene.path(), &sample::run()).unwrap();
    let good = good.to_str().unwrap();
    let validate = |arguments: &[&str]| {
        let mut command = run(scene.path(), &["validate"]);
        command.args(arguments).assert()
    };
    validate(&[good]).code(0).stdout(contains("prismq/run 1.2.0, 5 suites, 5 scenarios"));
    validate(&[good, "targets.toml"])
        .code(5)
        .stdout(contains("valid: ").and(contains("INVALID: targets.toml is not a record: at")));
    validate(&[good, "nowhere.json"]).code(1).stderr(contains("cannot read nowhere.json"));
    validate(&["nowhere.json", "targets.toml"]).code(5);
    validate(&[]).code(2);
}

#[test]
fn completions_are_there_for_every_shell() {
    let scene = scene();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(scene.path(), &["completions", shell]).assert().code(0);
        script.stdout(contains("prismq-report").and(contains("compare")));
    }
    run(scene.path(), &["completions", "tcsh"]).assert().code(2);
}
