//! How a target is decided by the samples of a metric.

use prismq_judge::targets::{
    Answer, Check, Level, Outcome, check, check_scenario, decide, parse, threshold,
};
use prismq_record::RunRecord;

use crate::support::sample;

const ONE: Level = Level { targets: 1, looks: 1 };

fn answer(wanted: &str, rounds: &[f64], level: Level) -> Answer {
    let target = threshold(&format!("latency/open/load=50:figure {wanted} x"), "here").unwrap();
    decide(&target, rounds, level).0
}

/// Ten rounds around a value that vary by two percent of it.
fn around(figure: f64) -> Vec<f64> {
    [-2.7, -2.1, -1.6, -0.8, -0.1, 0.1, 0.8, 1.6, 2.1, 2.7]
        .map(|off| figure * (1.0 + off / 100.0))
        .to_vec()
}

#[test]
fn a_target_is_met_or_missed_only_beyond_chance() {
    for (figure, wanted, expected) in [
        (100.0, ">= 90", Answer::Met),
        (100.0, ">= 99", Answer::Undecided),
        (100.0, ">= 101", Answer::Undecided),
        (100.0, ">= 112", Answer::Missed),
        (100.0, "<= 112", Answer::Met),
        (100.0, "<= 101", Answer::Undecided),
        (100.0, "<= 99", Answer::Undecided),
        (100.0, "<= 90", Answer::Missed),
        (-5.0, "<= 2", Answer::Met),
    ] {
        assert_eq!(answer(wanted, &around(figure), ONE), expected, "{figure} {wanted}");
    }
}

#[test]
fn a_rate_far_above_its_bound_meets_it_however_much_it_varies() {
    let rounds = [40e3, 260e3, 90e3, 110e3, 55e3, 180e3, 75e3, 230e3, 100e3, 120e3];
    assert_eq!(answer("> 50", &rounds, Level { targets: 60, looks: 1 }), Answer::Met);
}

#[test]
fn each_look_and_each_target_widens_the_interval() {
    let rounds = around(100.0);
    let reach = |targets, looks| {
        let target = threshold("latency/open/load=50:figure <= 100 x", "here").unwrap();
        decide(&target, &rounds, Level { targets, looks }).1.unwrap().upper
    };
    assert!(reach(1, 1) < reach(1, 2) && reach(1, 2) < reach(1, 3));
    assert!(reach(1, 1) < reach(2, 1) && reach(2, 1) < reach(60, 1));
    let (wanted, once) = ("<= 94.5", ONE);
    assert_eq!(answer(wanted, &rounds, once), Answer::Missed);
    assert_eq!(answer(wanted, &rounds, Level { looks: 5, ..once }), Answer::Undecided);
}

#[test]
fn more_rounds_decide_an_undecided_target() {
    let many: Vec<f64> = (0..6).flat_map(|_| around(100.0)).collect();
    let level = Level { targets: 60, looks: 3 };
    assert_eq!(answer("<= 94.5", &around(100.0), level), Answer::Undecided);
    assert_eq!(answer("<= 94.5", &many, level), Answer::Missed);
}

#[test]
fn constant_and_single_samples_are_decided_by_their_value() {
    for rounds in [&[7.0; 10][..], &[7.0]] {
        assert_eq!(answer("<= 7", rounds, ONE), Answer::Met);
        assert_eq!(answer("< 7", rounds, ONE), Answer::Missed);
        assert_eq!(answer("= 7", rounds, ONE), Answer::Met);
        assert_eq!(answer("= 0", rounds, ONE), Answer::Missed);
    }
    assert_eq!(answer("= 0", &[0.0, 1.0, 2.0], ONE), Answer::Missed, "an exact bound");
    assert_eq!(answer("< 7", &[], ONE), Answer::Undecided);
}

/// The check of the rate of the sample, which is 1006, known to within 2 %.
fn checked(wanted: &str, run: &RunRecord) -> Check {
    let text = format!("[targets]\n\"latency/drain/workers=5:rate\" = \"{wanted} tasks/s\"");
    check(&parse(&text, "t.toml").unwrap(), run).unwrap().remove(0)
}

#[test]
fn a_check_has_the_interval_that_decided_it() {
    let run = sample::run();
    let check = checked("> 980", &run);
    assert!(matches!(check.outcome, Outcome::Met { value: 1006.0, .. }), "{check:?}");
    let interval = check.interval.unwrap();
    assert!(interval.lower > 980.0 && interval.upper < 1030.0, "{interval:?}");
    let check = checked("> 1010", &run);
    assert!(matches!(check.outcome, Outcome::Undecided { value: 1006.0, .. }), "{check:?}");
    assert!(matches!(checked("> 1030", &run).outcome, Outcome::Missed { .. }));

    let mut once = sample::run();
    once.suites.iter_mut().for_each(|suite| suite.scenarios[0].metrics[0].samples.clear());
    let check = checked("> 1005", &once);
    assert!(matches!(check.outcome, Outcome::Met { .. }), "{check:?}");
    assert_eq!(check.interval, None);
}

#[test]
fn a_check_counts_the_looks_of_its_scenario() {
    let mut run = sample::run();
    let before = checked("> 980", &run).interval.unwrap();
    run.suites.iter_mut().for_each(|suite| suite.scenarios[0].looks = 4);
    assert!(checked("> 980", &run).interval.unwrap().lower < before.lower);
}

/// The harness decides while it measures, and must decide as the verdict does.
#[test]
fn a_single_scenario_is_decided_as_in_its_run() {
    let run = sample::run();
    let targets = parse(sample::TARGETS, "t.toml").unwrap();
    let latency = &run.suites.iter().find(|suite| suite.suite == "latency").unwrap();
    let alone = check_scenario(&targets, true, &latency.scenarios[0]).unwrap();
    assert_eq!(alone, check(&targets, &run).unwrap()[1..]);
    let goals = sample::TARGETS.replace("[targets]", "[goals]");
    let goals = parse(&goals, "t.toml").unwrap();
    assert_eq!(check_scenario(&goals, false, &latency.scenarios[0]).unwrap(), []);
}
