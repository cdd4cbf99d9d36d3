//! How often confidence intervals of rounds hold the value of another run.

use prismq_record::RunRecord;
use prismq_report::coverage::{GOAL, coverage};

use crate::support::recorded::standard_runs;
use crate::support::sample;

/// Runs whose rounds do not depend on each other.
fn independent(runs: u64) -> Vec<RunRecord> {
    let run = |seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut run = sample::run();
        let metric = |index: usize| {
            let rounds = (0..10).map(|_| 1000.0 + (0..12).map(|_| rng.f64()).sum::<f64>());
            sample::metric(&format!("metric_{index}"), rounds.collect())
        };
        run.suites.truncate(1);
        run.suites[0].scenarios[0].metrics = (0..60).map(metric).collect();
        run
    };
    (0..runs).map(run).collect()
}

#[test]
fn intervals_of_consecutive_rounds_have_too_little_coverage() {
    let found = coverage(&standard_runs(0.0)).unwrap();
    println!("recorded runs: {found:?}");
    assert!((0.5..0.7).contains(&found.all.held()), "{found:?}");
    assert!((0.1..0.3).contains(&found.all.disjoint()) && found.effect > 2.0, "{found:?}");
    assert_eq!(found.all.pairs, 20 * 76);
}

#[test]
fn intervals_of_independent_rounds_have_their_coverage() {
    let found = coverage(&independent(5)).unwrap();
    println!("independent rounds: {found:?}");
    assert!(found.all.held() > GOAL && found.all.disjoint() < 0.02, "{found:?}");
    assert!((0.5..1.6).contains(&found.effect), "{found:?}");
}

#[test]
fn metrics_are_listed_from_the_least_coverage() {
    let mut runs = independent(3);
    for (run, shift) in runs.iter_mut().zip([0.0, 100.0, 200.0]) {
        // Every other run of this metric lies elsewhere.
        let metric = &mut run.suites[0].scenarios[0].metrics[7];
        metric.samples.iter_mut().for_each(|sample| *sample += shift);
    }
    let found = coverage(&runs).unwrap();
    let (name, share) = &found.metrics[0];
    assert_eq!((name.as_str(), share.held, share.disjoint, share.pairs), ("metric_7", 0, 6, 6));
    assert!(found.metrics.is_sorted_by(|(_, one), (_, next)| one.held() <= next.held()));
    let pairs: usize = found.metrics.iter().map(|(_, share)| share.pairs).sum();
    assert_eq!(pairs, found.all.pairs);
}

#[test]
fn one_run_or_single_samples_have_no_coverage() {
    assert_eq!(coverage(&standard_runs(0.0)[..1]), None);
    let mut once = sample::run();
    once.suites.iter_mut().for_each(|suite| suite.scenarios[0].metrics[0].samples.clear());
    assert_eq!(coverage(&[once.clone(), once]), None);
}
