//! `report` and `export`: the files they write.

use predicates::str::{contains, starts_with};
use prismq_record::{baseline, files};

use super::{Scene, other_run};
use crate::support::sample;

#[test]
fn report_writes_every_format() {
    let scene = Scene::new();
    baseline::save(
        scene.path(),
        &prismq_record::fingerprint::identity(&sample::run()).unwrap(),
        &other_run(),
        false,
    )
    .unwrap();
    scene.report(&["md"]).assert().code(0).stdout(starts_with("# PASS: 2 of 2"));
    scene.report(&["md", "-o", "report.md"]).assert().code(0).stdout("");
    assert!(std::fs::read_to_string(scene.path().join("report.md")).unwrap().starts_with("# PASS"));

    let json = scene.report(&["json", "-o", "run.json"]).assert().code(0);
    json.stdout("");
    let record = files::read_run(&scene.path().join("run.json")).unwrap();
    let verdict = record.verdict.unwrap();
    assert_eq!((verdict.status.as_str(), verdict.thresholds.len()), ("PASS", 2));
    assert_eq!(verdict.comparison.unwrap().metrics.len(), 5, "with the machine's own baseline");
    scene.report(&["junit"]).assert().code(0).stdout(contains("<testsuites"));
}

#[test]
fn report_appends_to_the_step_summary_what_fits() {
    let scene = Scene::new();
    let summary = scene.path().join("summary.md");
    std::fs::write(&summary, "before\n").unwrap();
    let github = || scene.report(&["github"]).env("GITHUB_STEP_SUMMARY", &summary).assert().code(0);
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
fn export_writes_files_and_folders() {
    let scene = Scene::new();
    let export = |arguments: &[&str]| {
        let mut command = scene.run(&["export", "--format"]);
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

    // A plotter would read two texts as one distribution.
    let again = run.suites[1].scenarios[0].histograms["wait"].clone();
    run.suites[1].scenarios[0].histograms.insert("service".to_owned(), again);
    let two = files::write_run(scene.path(), &run).unwrap();
    let two = two.to_str().unwrap();
    export(&["hgrm", two]).code(2).stdout("").stderr(contains("2 distributions need 2 files"));
    export(&["hgrm", two, "-o", "both"]).code(0);
}
