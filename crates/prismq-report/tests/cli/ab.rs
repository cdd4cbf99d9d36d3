//! The programs are scripts that write the records they were given, one a start.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use prismq_record::SuiteRecord;

use crate::support::simulated::Machine;
use crate::support::{command, sample};

const STARTS: usize = 10;
const SECOND: &str = "concurrency/drain/workers=10";

/// Copies the next record into the results folder.
const SCRIPT: &str = r#"#!/bin/sh
set -e
next=$(cat "$0.next")
echo $((next + 1)) > "$0.next"
cp "$0.$next.json" "$PRISMQ_RESULTS_DIR/concurrency_results_20261118_110640.json"
echo "$PRISMQ_BUDGET $0" "$@" >> "$(dirname "$0")/started"
"#;

fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A program whose starts write these records.
fn program(folder: &Path, name: &str, mut start: impl FnMut() -> SuiteRecord) -> PathBuf {
    let path = script(folder, name, SCRIPT);
    fs::write(folder.join(format!("{name}.next")), "0").unwrap();
    let records = (0..STARTS).map(|_| start());
    for (start, record) in records.enumerate() {
        let json = serde_json::to_vec(&record).unwrap();
        fs::write(folder.join(format!("{name}.{start}.json")), json).unwrap();
    }
    path
}

struct Scene {
    folder: tempfile::TempDir,
    machine: Machine,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, machine: Machine::new(11, 0.01..=0.03) }
    }

    /// A program that is slower by this share.
    fn program(&mut self, name: &str, slower: f64) -> PathBuf {
        let machine = &mut self.machine;
        program(self.folder.path(), name, || machine.run(10, slower).suites.swap_remove(0))
    }

    /// One of two scenarios, of which the second is slower by this share.
    fn program_of_two(&mut self, name: &str, slower: f64) -> PathBuf {
        let machine = &mut self.machine;
        program(self.folder.path(), name, || {
            let mut suite = machine.run(10, 0.0).suites.swap_remove(0);
            let mut second = machine.run(10, slower).suites[0].scenarios.swap_remove(0);
            second.id = SECOND.to_owned();
            suite.scenarios.push(second);
            suite
        })
    }

    fn ab(&self, before: &Path) -> Command {
        let mut command = command::command();
        command.arg("--results").arg(self.folder.path().join("results"));
        command.args(["ab", "--seed", "3", "--before"]).arg(before);
        command
    }
}

#[test]
fn ab_finds_a_slower_program() {
    let mut scene = Scene::new();
    let (before, after) = (scene.program("before", 0.0), scene.program("after", 0.1));
    let mut command = scene.ab(&before);
    command.arg("--after").arg(&after).args(["--rounds", "5", "--filter", "drain/.*=5$"]);
    command.assert().code(3).stdout(
        contains("seed 3")
            .and(contains("REGRESSION"))
            .and(contains("0 improved"))
            .and(contains("minimum effect")),
    );
    let started = fs::read_to_string(scene.folder.path().join("started")).unwrap();
    assert_eq!(started.lines().count(), 10);
    assert!(started.lines().all(|line| line.ends_with("--bench --noplot drain/.*=5$")));
    assert!(
        started.lines().all(|line| line.starts_with("0 /")),
        "no rounds for targets: {started}"
    );
    let first: Vec<bool> =
        started.lines().step_by(2).map(|line| line.contains("/before ")).collect();
    assert!(first.contains(&true) && first.contains(&false), "always the same first: {started}");
}

#[test]
fn ab_names_only_the_slower_scenario() {
    let mut scene = Scene::new();
    let (before, after) = (scene.program_of_two("before", 0.0), scene.program_of_two("after", 0.1));
    let mut command = scene.ab(&before);
    let ended = command.arg("--after").arg(&after).args(["--rounds", "10"]).assert().code(3);
    let text = String::from_utf8(ended.get_output().stdout.clone()).unwrap();
    let regressed = |line: &&str| line.contains(" regressed") && line.contains(":metric_");
    let named: Vec<&str> = text.lines().filter(regressed).collect();
    assert!(named.len() > 100, "{text}");
    assert!(named.iter().all(|line| line.contains(SECOND)), "{text}");
}

#[test]
fn ab_passes_for_the_same_program() {
    let mut scene = Scene::new();
    let (before, after) = (scene.program("before", 0.0), scene.program("after", 0.0));
    let mut command = scene.ab(&before);
    command.arg("--after").arg(&after).args(["--rounds", "5"]);
    command.assert().code(0).stdout(contains("PASS"));
}

#[test]
fn a_control_run_stores_the_noise_it_measured() {
    let mut scene = Scene::new();
    let before = scene.program("before", 0.0);
    let kept = || fs::read_dir(scene.folder.path().join("results/noise")).unwrap().count();
    let mut command = scene.ab(&before);
    command
        .args(["--control", "--rounds", "5"])
        .assert()
        .code(0)
        .stdout(contains("0 false alarms in 120 metrics"));
    assert_eq!(kept(), 1);
}

#[test]
fn programs_that_cannot_be_compared_are_errors_with_advice() {
    let scene = Scene::new();
    let folder = scene.folder.path();
    let nothing = script(folder, "nothing", "#!/bin/sh\n");
    let failing = script(folder, "failing", "#!/bin/sh\necho broken >&2\nexit 9\n");
    let hanging = script(folder, "hanging", "#!/bin/sh\nsleep 600\n");
    let against = |program: &Path| {
        let mut command = scene.ab(program);
        command.arg("--after").arg(program);
        command
    };
    against(&nothing).assert().code(5).stderr(contains("wrote no record"));
    against(&failing)
        .assert()
        .code(1)
        .stderr(contains("exit status: 9").and(contains("output.log")));
    against(&hanging).args(["--timeout", "0"]).assert().code(1).stderr(contains("--timeout"));
    against(&folder.join("absent")).assert().code(2).stderr(contains("cargo bench --no-run"));
    scene.ab(&nothing).assert().code(2).stderr(contains("--after"));
    against(&nothing).args(["--min-effect", "x"]).assert().code(2).stderr(contains("percent"));
}

#[test]
fn ab_does_not_compare_records_of_two_machines() {
    let mut scene = Scene::new();
    let (before, after) = (scene.program("before", 0.0), scene.program("after", 0.0));
    for start in 0..STARTS {
        let path = scene.folder.path().join(format!("after.{start}.json"));
        let mut record = sample::suite("concurrency");
        record.engine = "pooled".to_owned();
        fs::write(path, serde_json::to_vec(&record).unwrap()).unwrap();
    }
    let mut command = scene.ab(&before);
    command.arg("--after").arg(&after).args(["--rounds", "2"]);
    command.assert().stdout(contains("machine, engine or profile differ"));
}
