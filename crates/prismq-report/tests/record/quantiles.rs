//! Quantiles of all tasks of a scenario, from the histograms of its rounds.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use prismq_judge::comparison::compare;
use prismq_judge::targets::{Check, Outcome, check, parse};
use prismq_record::quantiles::{estimate, of_all, settle};
use prismq_record::{self as record, Direction, Interval, Round, RunRecord};

use crate::support::sample;

const TASKS: u64 = 1000;

fn millis(time: f64) -> u64 {
    (time * 1e6) as u64
}

/// The times of a round's tasks: spread evenly up to 3 ms, and the last `count` of them at `stalled` ms.
fn round(stalled: f64, count: u64) -> Histogram<u64> {
    let mut times = Histogram::new(3).unwrap();
    for task in 0..TASKS {
        let usual = 1.0 + 2.0 * task as f64 / TASKS as f64;
        times.record(millis(if task < TASKS - count { usual } else { stalled })).unwrap();
    }
    times
}

/// A run whose latency suite measured these rounds, as the harness recorded them before 1.2: the value is
/// the median of the rounds' p99s.
fn run(rounds: &[Histogram<u64>]) -> RunRecord {
    let mut all = Histogram::<u64>::new(3).unwrap();
    rounds.iter().for_each(|round| all.add(round).unwrap());
    let encoded = |times: &Histogram<u64>| record::Histogram::encode(times, "ns").unwrap();
    let p99 = |times: &Histogram<u64>| times.value_at_quantile(0.99) as f64 / 1e6;
    let mut run = sample::run();
    let latency = run.suites.iter_mut().find(|suite| suite.suite == "latency").unwrap();
    let scenario = &mut latency.scenarios[0];
    let mut metric = sample::metric("p99_ms", rounds.iter().map(p99).collect());
    (metric.unit, metric.direction) = ("ms".to_owned(), Direction::Lower);
    scenario.metrics = vec![metric];
    scenario.histograms = BTreeMap::from([("end_to_end".to_owned(), encoded(&all))]);
    let course = |(index, times): (usize, &Histogram<u64>)| {
        let piece = |from_s, times| Interval {
            from_s,
            seconds: 1.0,
            end_to_end: Some(encoded(times)),
            ..Interval::default()
        };
        // The warm-up does not count.
        let slow = round(900.0, TASKS);
        let warm_up = piece(-1.0, &slow);
        Round {
            index: index as u64,
            intervals: vec![warm_up, piece(0.0, times)],
            ..Round::default()
        }
    };
    scenario.rounds = rounds.iter().enumerate().map(course).collect();
    run
}

fn checked(run: &RunRecord, wanted: &str) -> Check {
    let text = format!("[targets]\n\"latency/drain/workers=5:p99_ms\" = \"{wanted} ms\"");
    check(&parse(&text, "t.toml").unwrap(), run).unwrap().remove(0)
}

/// In one round of ten a fifth of the tasks wait for 30 ms: 2 % of all.
fn stalled_once() -> Vec<Histogram<u64>> {
    (0..10).map(|index| if index == 3 { round(30.0, TASKS / 5) } else { round(0.0, 0) }).collect()
}

#[test]
fn a_stall_of_one_round_is_in_the_p99_of_all_tasks() {
    let run = run(&stalled_once());
    let check = checked(&run, "<= 5");
    let Outcome::Undecided { value, .. } = check.outcome else { panic!("{check:?}") };
    assert!((value - 30.0).abs() < 0.1, "{value}");
    assert!(matches!(checked(&run, "< 1000").outcome, Outcome::Met { .. }));
}

#[test]
fn a_quantile_present_in_every_round_is_decided() {
    let slow: Vec<_> = (0..10).map(|_| round(30.0, TASKS / 5)).collect();
    assert!(matches!(checked(&run(&slow), "<= 5").outcome, Outcome::Missed { .. }));
    let quick: Vec<_> = (0..10).map(|_| round(0.0, 0)).collect();
    assert!(matches!(checked(&run(&quick), "<= 5").outcome, Outcome::Met { .. }));
}

/// Where each round has its own p99, the p99 of a draw is that of its slowest round, if that holds 1 % of all
/// tasks: it varies less than the rounds do.
#[test]
fn the_bootstrap_resamples_whole_rounds() {
    let rounds: Vec<_> = (0..10).map(|index| round(10.0 + f64::from(index), TASKS / 2)).collect();
    let run = run(&rounds);
    let scenario = &run.suites.iter().find(|suite| suite.suite == "latency").unwrap().scenarios[0];
    let estimate = estimate(scenario, &scenario.metrics[0]).unwrap();
    assert_eq!(estimate.rounds, 10);
    assert!((18.9..19.1).contains(&estimate.figure), "{estimate:?}");
    assert!((0.3..3.0).contains(&estimate.deviation), "{estimate:?}");
}

#[test]
fn a_settled_scenario_has_the_quantiles_of_all_its_tasks() {
    let mut run = run(&stalled_once());
    let latency = run.suites.iter_mut().find(|suite| suite.suite == "latency").unwrap();
    let scenario = &mut latency.scenarios[0];
    assert!(scenario.metrics[0].value.unwrap() < 4.0);
    settle(scenario);
    let metric = &scenario.metrics[0];
    assert_eq!(metric.value, of_all(scenario, metric));
    assert!(metric.value.unwrap() > 29.0 && metric.samples.len() == 10);
    let interval = metric.interval.as_ref().unwrap();
    assert_eq!((interval.method.as_str(), interval.rounds), ("block bootstrap over rounds", 10));
    assert!(interval.lower < metric.value.unwrap() && metric.value.unwrap() < interval.upper);
}

/// A record of before 1.2 and a current one: both hold the p99 of all tasks.
#[test]
fn old_quantiles_are_compared_by_their_name() {
    let old = run(&stalled_once());
    let mut new = old.clone();
    new.suites.iter_mut().for_each(|suite| suite.scenarios.iter_mut().for_each(settle));
    let compared = compare("old", &old, &new);
    let row = compared.rows.iter().find(|row| row.metric == "p99_ms").unwrap();
    assert_eq!((row.delta, row.before), (Some(0.0), row.after));
}

#[test]
fn another_metric_is_not_a_quantile_of_tasks() {
    let run = sample::run();
    let scenario = &run.suites[0].scenarios[0];
    assert_eq!(of_all(scenario, &scenario.metrics[0]), None);
}
