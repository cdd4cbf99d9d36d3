//! How targets are read and compared.

use std::path::Path;

use prismq_judge::targets::{check, parse, read_for, read_of, threshold};
use prismq_record::fingerprint::fingerprint;

use crate::support::sample;

#[track_caller]
fn refused(line: &str, place: &str, reason: &str) {
    let text = format!("# targets\n[targets]\n{line}\n");
    let error = parse(&text, "t.toml").unwrap_err().to_string();
    assert!(error.contains(place) && error.contains(reason), "{error}");
}

#[test]
fn an_invalid_target_is_an_error_with_its_position() {
    refused("\"latency/x:p99_ms\" = \"< 10\"", "t.toml:3:1", "must end with a unit");
    refused("\"latency/x:p99_ms\" = \"10 ms\"", "t.toml:3:1", "must begin with one of");
    refused("\"latency/x:p99_ms\" = \"< ten ms\"", "t.toml:3:1", "\"ten\" is not a number");
    refused("\"latency/x:p99_ms\" = \"< inf ms\"", "t.toml:3:1", "not a finite number");
    refused("\"latency/x\" = \"< 10 ms\"", "t.toml:3:1", "suite/scenario/param=value:metric");
    refused("\"latency/x:\" = \"< 10 ms\"", "t.toml:3:1", "names no metric");
    let number = "\"latency/x:p99_ms\" = 10";
    refused(
        number,
        "t.toml:3:1",
        "target \"latency/x:p99_ms\": 10 is not a string: write it as in",
    );
    let twice = "\"latency/x:p\" = \"< 1 ms\"\n\"latency/x:p\" = \"< 2 ms\"";
    refused(twice, "t.toml:4:1", "target \"latency/x:p\" is a duplicate: keep one");
    refused("[wishes]", "t.toml:3:", "unknown field `wishes`");
}

#[test]
fn a_target_of_a_suite_that_the_run_does_not_have_is_an_error_that_says_where() {
    let text = "# targets\n[targets]\n\"speed/x:p99_ms\" = \"< 10 ms\"\n";
    let targets = parse(text, "t.toml").unwrap();
    let error = check(&targets, &sample::run()).unwrap_err().to_string();
    assert!(error.contains("t.toml:3:1"), "{error}");
    assert!(error.contains("there is no suite \"speed\"; the suites are concurrency, "), "{error}");
}

#[test]
fn a_file_without_targets_is_an_error() {
    for text in ["", "# nothing\n", "[targets]\n", "[targets]\n[goals]\n"] {
        let error = parse(text, "t.toml").unwrap_err().to_string();
        assert!(
            error.contains("t.toml holds no target: write them below [targets], [goals] or "),
            "{error}"
        );
    }
}

#[test]
fn a_target_is_read_as_written() {
    let text = "[targets]\n\"latency/a=1/b=2:p99_ms\" = \"<=  1.5e3 ms\"\n";
    let targets = parse(text, "t.toml").unwrap();
    let [target] = &targets[..] else { panic!("{targets:?}") };
    assert_eq!((target.scenario.as_str(), target.metric.as_str()), ("latency/a=1/b=2", "p99_ms"));
    assert_eq!((target.operator.to_string().as_str(), target.bound), ("<=", 1500.0));
    assert_eq!(target.unit, "ms");
}

#[test]
fn the_targets_of_the_project_can_be_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/targets.toml");
    assert!(prismq_judge::targets::read(&path).unwrap().len() > 30);
}

#[test]
fn targets_of_a_machine_apply_only_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("targets.toml");
    std::fs::write(&path, sample::TARGETS).unwrap();
    let run = sample::run();
    let count = || read_for(&path, &run).map(|targets| targets.len());
    assert_eq!(count().unwrap(), 2);

    let machines = folder.path().join("machines");
    std::fs::create_dir(&machines).unwrap();
    let target = "[targets]\n\"latency/drain/workers=5:rate\" = \"> 900 tasks/s\"";
    std::fs::write(machines.join("00000000.toml"), target).unwrap();
    assert_eq!(count().unwrap(), 2, "of another machine");
    let own = machines.join(format!("{}.toml", fingerprint(&run.suites[0].environment)));
    std::fs::write(&own, target).unwrap();
    assert_eq!(count().unwrap(), 3);
    std::fs::write(&own, "fast").unwrap();
    assert!(count().unwrap_err().to_string().contains("machines"), "it is named");
}

#[test]
fn targets_of_an_engine_replace_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("targets.toml");
    std::fs::write(&path, sample::TARGETS).unwrap();
    let engines = folder.path().join("engines");
    std::fs::create_dir(&engines).unwrap();
    let target = "[targets]\n\"latency/drain/workers=5:rate\" = \"> 900 tasks/s\"";
    let mut run = sample::run();
    let count = |run: &_| read_for(&path, run).map(|targets| targets.len());
    std::fs::write(engines.join("another.toml"), target).unwrap();
    assert_eq!((count(&run).unwrap(), read_of(&path, "prismq").unwrap().len()), (2, 2));
    run.suites.iter_mut().for_each(|suite| suite.engine = "another".to_owned());
    assert_eq!((count(&run).unwrap(), read_of(&path, "another").unwrap().len()), (1, 1));
    std::fs::write(engines.join("another.toml"), "fast").unwrap();
    assert!(count(&run).unwrap_err().to_string().contains("engines"), "it is named");
}

fn met(value: &str) -> bool {
    let target = format!("latency/drain/workers=5:rate {value} tasks/s");
    threshold(&target, "here").unwrap().holds(1006.0)
}

#[test]
fn every_operator_compares_as_written() {
    for (operator, below, at, above) in [
        ("<", false, false, true),
        ("<=", false, true, true),
        ("=", false, true, false),
        (">=", true, true, false),
        (">", true, false, false),
    ] {
        let holds = ["1005", "1006", "1007"].map(|bound| met(&format!("{operator} {bound}")));
        assert_eq!(holds, [below, at, above], "{operator}");
    }
}
