use prismq_report::record::{ConfidenceInterval, RunRecord};
use prismq_report::statistics::Bounds;
use prismq_report::targets::{Check, Outcome, check, parse};

use crate::sample;

/// The rate of the sample is 1006, between 1002 and 1009.
fn checked(wanted: &str, run: &RunRecord) -> Check {
    let text = format!("[targets]\n\"latency/drain/workers=5:rate\" = \"{wanted} tasks/s\"");
    check(&parse(&text, "t.toml").unwrap(), run).unwrap().remove(0)
}

#[test]
fn a_target_met_by_chance_is_uncertain() {
    let run = sample::run();
    for (wanted, met, uncertain) in [
        ("> 1000", true, false),
        ("> 1005", true, true),
        ("> 1007", false, true),
        ("> 1010", false, false),
        ("< 1008", true, true),
        ("< 1010", true, false),
    ] {
        let check = checked(wanted, &run);
        assert_eq!(matches!(check.outcome, Outcome::Met { .. }), met, "{wanted}");
        assert_eq!(check.is_uncertain(), uncertain, "{wanted}");
        assert_eq!(check.interval, Some(Bounds { lower: 1002.0, upper: 1009.0 }));
    }
}

#[test]
fn a_recorded_interval_counts_before_one_of_the_rounds() {
    let mut run = sample::run();
    for suite in &mut run.suites {
        suite.scenarios[0].metrics[0].interval = Some(ConfidenceInterval {
            level: 0.95,
            lower: 900.0,
            upper: 1100.0,
            method: "bootstrap".to_owned(),
            rounds: 10,
        });
    }
    assert!(checked("> 1000", &run).is_uncertain());
}

#[test]
fn a_figure_taken_once_or_not_at_all_is_not_uncertain() {
    let mut run = sample::run();
    run.suites.iter_mut().for_each(|suite| suite.scenarios[0].metrics[0].samples.clear());
    let check = checked("> 1005", &run);
    assert_eq!((check.interval, check.is_uncertain()), (None, false));
    run.suites.iter_mut().for_each(|suite| suite.scenarios[0].metrics[0].value = None);
    assert!(!checked("> 1005", &run).is_uncertain());
}
