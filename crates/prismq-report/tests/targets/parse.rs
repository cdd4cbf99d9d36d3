use prismq_judge::targets::parse;

#[track_caller]
fn refused(line: &str, place: &str, reason: &str) {
    let text = format!("# targets\n[targets]\n{line}\n");
    let error = parse(&text, "t.toml").unwrap_err().to_string();
    assert!(error.contains(place) && error.contains(reason), "{error}");
}

#[test]
fn a_target_that_says_nothing_checkable_is_an_error_that_says_where() {
    refused("\"latency/x:p99_ms\" = \"< 10\"", "t.toml:3:1", "must end with a unit");
    refused("\"latency/x:p99_ms\" = \"10 ms\"", "t.toml:3:1", "must begin with one of");
    refused("\"latency/x:p99_ms\" = \"< ten ms\"", "t.toml:3:1", "\"ten\" is not a number");
    refused("\"latency/x:p99_ms\" = \"< inf ms\"", "t.toml:3:1", "not a finite number");
    refused("\"latency/x\" = \"< 10 ms\"", "t.toml:3:1", "suite/scenario/param=value:metric");
    refused("\"latency/x:\" = \"< 10 ms\"", "t.toml:3:1", "names no metric");
    refused("\"speed/x:p99_ms\" = \"< 10 ms\"", "t.toml:3:1", "there is no suite \"speed\"");
    let number = "\"latency/x:p99_ms\" = 10";
    refused(number, "t.toml:3:1", "target \"latency/x:p99_ms\": 10 is no string: write it as in");
    let twice = "\"latency/x:p\" = \"< 1 ms\"\n\"latency/x:p\" = \"< 2 ms\"";
    refused(twice, "t.toml:4:1", "target \"latency/x:p\" stands here a second time: keep one");
    refused("[wishes]", "t.toml:3:", "unknown field `wishes`");
}

#[test]
fn a_file_without_targets_is_an_error_since_any_run_would_meet_it() {
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
