//! `baseline` and `history`: the runs before.

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::{contains, starts_with};
use prismq_record::baseline;

use super::Scene;
use crate::support::sample;

#[test]
fn a_baseline_can_be_removed() {
    let scene = Scene::new();
    baseline::save(scene.path(), "mine", &sample::run(), false).unwrap();
    scene.run(&["baseline", "rm", "mine"]).assert().code(0);
    scene.run(&["baseline", "rm", "mine"]).assert().code(2).stderr(contains("no baseline"));
    scene.run(&["baseline", "rm", "../targets"]).assert().code(2);
    assert!(scene.path().join("targets.toml").exists());
}

#[test]
fn a_baseline_shows_which_targets_it_misses() {
    let scene = Scene::new();
    baseline::save(scene.path(), "slow", &sample::faster(0.1), false).unwrap();
    scene
        .run(&["baseline", "show", "slow", "--targets", "targets.toml"])
        .assert()
        .code(0)
        .stdout(starts_with("# FAIL").and(contains("latency/drain/workers=5")));
    scene
        .run(&["baseline", "show", "slow"])
        .assert()
        .code(0)
        .stderr(contains("shown without targets: cannot read the targets in benches/targets.toml"));
    scene.run(&["baseline", "show", "slow", "--targets", "none.toml"]).assert().code(2);
}

#[test]
fn history_shows_each_metric_over_runs() {
    use prismq_judge::verdict::{FailOn, judge};
    use prismq_record::history::append;
    let scene = Scene::new();
    scene.run(&["history"]).assert().code(5).stderr(contains("cargo bench"));
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
    let all = scene.run(&["history"]).assert().code(0);
    all.stdout(
        contains("3 runs of")
            .and(contains("; 1 of other"))
            .and(contains("▁▄█").or(contains("▁▅█"))),
    );
    let metric = "latency/drain/workers=5:rate";
    let one = scene.run(&["history", "--metric", metric, "--limit", "2"]).assert().code(0);
    one.stdout(
        contains("run-4").and(contains("run-3")).and(contains("run-2").not()).and(contains("▁█")),
    );
    let none = scene.run(&["history", "--metric", "latency/x:y"]).assert().code(2);
    none.stderr(contains("no metric \"latency/x:y\" in the 3 latest runs"));
    scene.run(&["history", "--limit", "0"]).assert().code(2);
}
