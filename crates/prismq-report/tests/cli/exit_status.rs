//! The exit status of each command.

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use prismq_record::baseline;

use super::Scene;
use crate::support::sample;

#[test]
fn check_exits_with_the_status_of_the_verdict() {
    let scene = Scene::new();
    scene.check().assert().code(0).stdout(contains("PASS: 2 of 2 targets met"));

    scene.targets("[targets]\n\"latency/drain/workers=5:rate\" = \"> 1e9 tasks/s\"");
    scene.check().assert().code(4).stdout(contains("FAIL: 1 of 1 targets missed"));

    scene.targets("[targets]\n\"latency/drain/workers=5:rate\" = \"fast\"");
    scene.check().assert().code(2).stderr(contains("targets.toml:2:1"));

    scene.targets(sample::TARGETS);
    let latency = scene.path().join("latency_results_20261118_110640.json");
    std::fs::write(&latency, "{").unwrap();
    scene.check().assert().code(1).stderr(contains("latency_results"));
    std::fs::remove_file(&latency).unwrap();
    let part = scene.check().assert().code(0);
    part.stdout(contains("PARTIAL: 1 of 1 targets met, 1 not measured"));
    let all = scene.run(&["check", "--targets", "targets.toml", "--require-all"]).assert();
    all.code(5).stdout(contains("suite latency was not run"));
    scene.run(&["check", "X"]).assert().code(2).stderr(contains("no suite record of run X"));
    scene.run(&["check"]).assert().code(2).stderr(contains("benches/targets.toml"));

    scene.targets("[targets]\n");
    scene.check().assert().code(2).stderr(contains("targets.toml holds no target"));
}

#[test]
#[cfg(target_os = "linux")]
fn unwritable_output_is_an_error_and_a_closed_pipe_is_not() {
    use std::process::{Command, Stdio};
    let scene = Scene::new();
    let check = |stdout: Stdio| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("prismq-report"));
        command.args(["check", "--results", ".", "--targets", "targets.toml"]);
        let output = command.current_dir(scene.path()).stdout(stdout).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = check(std::fs::File::create("/dev/full").unwrap().into());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("error: cannot write to standard output"), "{said}");

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(check(writer.into()), (Some(0), String::new()));
}

#[test]
fn compare_exits_with_the_status_of_the_verdict() {
    let scene = Scene::new();
    let results = scene.path();
    baseline::save(results, "slow", &sample::faster(0.25), false).unwrap();
    baseline::save(results, "fast", &sample::faster(4.0), false).unwrap();
    let mut elsewhere = sample::run();
    elsewhere.suites.iter_mut().for_each(|suite| suite.engine = "pooled".to_owned());
    baseline::save(results, "elsewhere", &elsewhere, false).unwrap();

    scene
        .run(&["compare", "slow"])
        .assert()
        .code(0)
        .stdout(contains("PASS: no regression against slow").and(contains("5 improved")));
    scene.run(&["compare", "fast"]).assert().code(3).stdout(contains("5 regressed"));
    let apart = scene.run(&["compare", "elsewhere"]).assert().code(6);
    apart.stdout(predicates::str::starts_with("INCONCLUSIVE").and(contains("not comparable with")));
    scene.run(&["compare", "slow", "baselines/fast.json"]).assert().code(0);
    let unknown = scene.run(&["compare", "unknown"]).assert().code(2);
    unknown.stderr(contains("existing ones are elsewhere, fast, slow"));
    scene.run(&["compare"]).assert().code(2);
}

#[test]
fn baselines_are_saved_listed_and_shown() {
    let scene = Scene::new();
    scene.run(&["baseline", "list"]).assert().code(0).stdout("");
    scene.run(&["baseline", "save", "mine"]).assert().code(0);
    scene.run(&["baseline", "list"]).assert().code(0).stdout(contains("mine  run 01KAVA"));
    scene.run(&["baseline", "show", "mine"]).assert().code(0).stdout(contains("| rate | 1 006"));
    let taken = scene.run(&["baseline", "save", "mine"]).assert().code(2);
    taken.stderr(contains("exists already"));
    scene.run(&["baseline", "save", "mine", "--force"]).assert().code(0);
    for name in ["../mine", ".mine", "", "a b"] {
        scene.run(&["baseline", "save", name]).assert().code(2).stderr(contains("cannot name"));
    }
}
