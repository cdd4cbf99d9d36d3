//! `env`, `check`, `compare` and `validate`: how runs are named and judged.

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::{contains, starts_with};
use prismq_record::{RunRecord, SCHEMA_VERSION, baseline, files};

use super::{Scene, other_run};
use crate::support::sample;

#[test]
fn a_run_is_named_by_path_by_id_or_as_the_latest() {
    let scene = Scene::new();
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
        let mut command = scene.run(&["env"]);
        command.args(named).assert().code(0).stdout(contains(found));
    }
    scene.run(&["env", "nothing"]).assert().code(2).stderr(contains("its latest runs are"));
    scene.run(&["env", "no.json"]).assert().code(1).stderr(contains("cannot read no.json"));
    scene.run(&["compare", first, "latest"]).assert().code(0).stdout(contains("5 improved"));
    scene.run(&["compare", "latest", first]).assert().code(3).stdout(contains("5 regressed"));
}

#[test]
fn check_takes_targets_from_the_line() {
    let scene = Scene::new();
    let check = |arguments: &[&str]| {
        let mut command = scene.run(&["check"]);
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
fn compare_fails_as_its_options_say() {
    let scene = Scene::new();
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
        let mut command = scene.run(&["compare"]);
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
fn env_shows_a_machine_and_what_differs() {
    let scene = Scene::new();
    let shown = scene.run(&["env"]).assert().code(0);
    shown.stdout(
        contains("machine.cpu")
            .and(contains("Example 9000"))
            .and(contains("sqlite.pragmas.synchronous"))
            .and(contains("unknown (not recorded)")),
    );
    let mut other = other_run();
    baseline::save(scene.path(), "same", &other, false).unwrap();
    let same = scene.run(&["env", "latest", "same"]).assert().code(0);
    same.stdout(contains("\ncomparable\n").and(contains("nothing differs")));
    for suite in &mut other.suites {
        suite.environment.machine.cores = prismq_record::Known::value(64);
    }
    baseline::save(scene.path(), "larger", &other, false).unwrap();
    let larger = scene.run(&["env", "latest", "larger"]).assert().code(0);
    larger.stdout(
        contains("not comparable: machine, engine or profile differ")
            .and(contains("machine.cores").and(contains("64")))
            .and(contains("machine.cpu").not()),
    );
}

#[test]
fn validate_accepts_records_and_refuses_other_files() {
    let scene = Scene::new();
    let good = files::write_run(scene.path(), &sample::run()).unwrap();
    let good = good.to_str().unwrap();
    let validate = |arguments: &[&str]| {
        let mut command = scene.run(&["validate"]);
        command.args(arguments).assert()
    };
    validate(&[good])
        .code(0)
        .stdout(contains(format!("prismq/run {SCHEMA_VERSION}, 5 suites, 5 scenarios")));
    validate(&[good, "targets.toml"])
        .code(5)
        .stdout(contains("valid: ").and(contains("INVALID: targets.toml is not a record: at")));
    validate(&[good, "nowhere.json"]).code(1).stderr(contains("cannot read nowhere.json"));
    validate(&["nowhere.json", "targets.toml"]).code(5);
    validate(&[]).code(2);
}
