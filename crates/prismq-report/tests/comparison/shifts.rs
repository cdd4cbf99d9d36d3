//! Runs in which every metric moves alike.

use prismq_judge::comparison::{Comparison, KnownNoise, Rules, compare, compare_by};
use prismq_judge::verdict::{FailOn, Status, Verdict, judge};
use prismq_record::RunRecord;
use prismq_report::export::annotations;

use crate::support::recorded::{standard_runs_by_scenario, standard_starts};

/// The verdict of a run compared with the baseline, where a regression counts.
fn judged(run: &RunRecord, comparison: Comparison) -> Verdict {
    judge(run, &[], Some(comparison), FailOn::Regression).unwrap()
}

/// The same run with each value worse by this factor.
fn worse(factor: f64) -> RunRecord {
    standard_runs_by_scenario(1.0 - 1.0 / factor).remove(0)
}

/// A history of a machine whose runs differ by half a percent.
fn quiet() -> Rules {
    let mut noise = KnownNoise::default();
    let figures: Vec<f64> = (0..12).map(|run| if run % 2 == 0 { 1000.0 } else { 1005.0 }).collect();
    for scenario in &worse(1.0).suites[0].scenarios {
        for metric in &scenario.metrics {
            noise.add_history(&scenario.id, &metric.name, &figures);
        }
    }
    (0..11).for_each(|run| noise.add_shift(if run % 2 == 0 { 0.005 } else { -0.005 }));
    Rules { noise, ..Rules::default() }
}

#[test]
fn without_a_history_no_run_passes_and_a_shift_of_a_fifth_is_found() {
    let before = worse(1.0);
    for (factor, expected) in [
        (1.0, Status::Inconclusive),
        (1.05, Status::Inconclusive),
        (1.2, Status::Regression),
        (1.8, Status::Regression),
        (1.0 / 1.2, Status::Inconclusive),
    ] {
        let after = worse(factor);
        let verdict = judged(&after, compare("before", &before, &after));
        assert_eq!(verdict.status, expected, "{factor}: {:?}", verdict.inconclusive);
    }
}

#[test]
fn the_smallest_visible_slowdown_is_reported() {
    let run = worse(1.0);
    let said = judged(&run, compare("before", &run, &run)).inconclusive.join("\n");
    assert!(said.contains("a slowdown of 5 % is not ruled out; detectable is 1"), "{said}");
    assert!(said.contains("headline metrics are inconclusive (") && said.contains("no history"));
}

#[test]
fn with_a_quiet_history_equal_runs_pass_and_a_shift_of_a_twentieth_does_not() {
    let (before, rules) = (worse(1.0), quiet());
    for (factor, expected) in [
        (1.0, &[Status::Pass][..]),
        (1.05, &[Status::Inconclusive, Status::Regression]),
        (1.08, &[Status::Regression]),
        (1.2, &[Status::Regression]),
    ] {
        let after = worse(factor);
        let verdict = judged(&after, compare_by(&rules, "before", &before, &after));
        let status = verdict.status;
        assert!(expected.contains(&status), "{factor}: {status:?} {:?}", verdict.inconclusive);
    }
}

/// Each of the five recorded runs of one program is compared with each other.
#[test]
fn recorded_runs_of_one_program_show_no_shift_and_a_fifth_is_found() {
    let before = standard_runs_by_scenario(0.0);
    for (slower, least, most) in [(0.0, 0, 0), (0.05, 0, 8), (1.0 / 6.0, 16, 20)] {
        let after = standard_runs_by_scenario(slower);
        let pairs = (0..5).flat_map(|one| (0..5).map(move |other| (one, other)));
        let found = pairs.filter(|(one, other)| {
            one != other && compare("it", &before[*one], &after[*other]).has_regression()
        });
        let found = found.count();
        println!("all metrics {slower:.3} slower: found in {found} of 20 pairs of recorded runs");
        assert!((least..=most).contains(&found), "{slower}: {found}");
    }
}

#[test]
fn few_scenarios_give_no_overall_shift() {
    let starts = standard_starts(0.0);
    assert_eq!(compare("it", &starts[0], &starts[1]).overall, None);
}

/// Each suite of the partial run has only its first scenario.
#[test]
fn a_partial_run_compared_with_a_whole_one_is_partial() {
    let (before, mut part) = (worse(1.0), worse(1.0));
    part.suites[0].scenarios.truncate(1);
    let verdict = judged(&part, compare_by(&quiet(), "before", &before, &part));
    assert_eq!(verdict.status, Status::Partial, "{:?}", verdict.inconclusive);
    assert!(verdict.not_measured[0].ends_with("metrics of before were not measured"));
    let alike = judged(&part, compare_by(&quiet(), "part", &part, &part));
    assert_eq!(alike.status, Status::Pass, "{:?}", alike.inconclusive);
}

/// One side reports milliseconds as microseconds.
#[test]
fn a_headline_metric_in_another_unit_is_inconclusive() {
    let (before, mut after) = (worse(1.0), worse(1.0));
    for scenario in &mut after.suites[0].scenarios {
        for metric in scenario.metrics.iter_mut().filter(|metric| metric.name == "p99_ms") {
            metric.unit = "us".to_owned();
        }
    }
    let verdict = judged(&after, compare_by(&quiet(), "before", &before, &after));
    assert_eq!(verdict.status, Status::Inconclusive);
    let said = verdict.inconclusive.join("\n");
    assert!(said.contains("1 headline metrics are not comparable: latency/open/load=50:p99_ms"));
}

#[test]
fn an_overall_slowdown_is_annotated_when_no_single_metric_regressed() {
    let (before, after) = (worse(1.0), worse(1.2));
    let verdict = judged(&after, compare("before", &before, &after));
    let said = annotations(&after, &verdict);
    assert!(said.contains("title=all metrics::20.0 %25 slower than before overall"), "{said}");
}
