//! Which command lines measure and leave a record, and which do not.

use prismq_bench::run::settings::invocation::{Invocation, Mode};

fn invocation(line: &str) -> Invocation {
    Invocation::parse(line.split_whitespace().map(str::to_owned))
}

#[test]
fn cargo_bench_measures_with_any_filter_or_baseline() {
    for line in ["--bench", "drain --bench", "--save-baseline a --bench", "--baseline=a --bench"] {
        let invocation = invocation(line);
        assert_eq!(invocation.mode, Mode::Measure, "{line}");
        assert_eq!(invocation.discarded_calls(), 1, "{line}");
    }
}

#[test]
fn tests_lists_profiles_and_replays_do_not() {
    for line in ["", "--test --bench", "drain"] {
        assert_eq!(invocation(line).mode, Mode::Trial, "{line}");
    }
    for line in
        ["--list --bench", "--list", "--profile-time 5 --bench", "--load-baseline a --bench"]
    {
        assert_eq!(invocation(line).mode, Mode::Unrecorded, "{line}");
    }
}

#[test]
fn a_quick_run_has_no_discarded_call() {
    assert_eq!(invocation("--quick --bench").discarded_calls(), 0);
}

#[test]
fn the_number_of_rounds_is_the_users() {
    assert_eq!(invocation("--bench").measured_calls(10), 10);
    assert_eq!(invocation("--bench --sample-size 40").measured_calls(10), 40);
    assert_eq!(invocation("--bench --quick").measured_calls(10), 1);
    assert_eq!(invocation("--test").measured_calls(10), 1);
}

#[test]
fn options_are_found_in_all_their_forms() {
    for line in [
        "--save-baseline a --bench",
        "--bench --save-baseline=a",
        "-s a --bench",
        "-sa --bench",
        "-s=a --bench",
        "-ns a --bench",
    ] {
        assert_eq!(invocation(line).option("--save-baseline", "-s"), Some("a"), "{line}");
    }
    assert_eq!(invocation("--baseline-lenient a --bench").option("--baseline", "-b"), None);
}

#[test]
fn a_filter_is_distinguished_from_the_values_of_options() {
    for line in ["drain --bench", "--sample-size 20 drain", "--save-baseline a --exact drain"] {
        assert_eq!(invocation(line).filter(), Some("drain"), "{line}");
    }
    for line in ["--bench", "--save-baseline drain --bench", "--baseline=drain", "-ns drain"] {
        assert_eq!(invocation(line).filter(), None, "{line}");
    }
}

#[test]
fn a_named_baseline_is_left_to_the_user() {
    for line in ["-s a", "-sa", "--save-baseline=a", "--baseline-lenient a", "--discard-baseline"] {
        assert!(invocation(line).names_baseline(), "{line}");
    }
    assert!(!invocation("--bench drain").names_baseline());
}
