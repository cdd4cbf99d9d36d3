//! The summary of all changes.

use prismq_record::Direction;

use crate::support::{sample, steady};

#[test]
fn the_summary_has_the_geometric_mean_of_changes() {
    let mut after = sample::run();
    // Rates of the suites: half, twice, four times, and two unchanged.
    for (suite, factor) in after.suites.iter_mut().zip([0.5, 2.0, 4.0, 1.0, 1.0]) {
        let metric = &mut suite.scenarios[0].metrics[0];
        metric.value = metric.value.map(|value| value * factor);
        metric.samples.iter_mut().for_each(|sample| *sample *= factor);
    }
    let summary = steady::compare("old", &sample::run(), &after).summary();
    let (improved, regressed) = (summary.improved.unwrap(), summary.regressed.unwrap());
    assert_eq!((improved.count, regressed.count, summary.all.unwrap().count), (2, 1, 5));
    assert_eq!((improved.range.lower, improved.range.upper), (1.0, 3.0));
    assert!((improved.mean - (8.0_f64.sqrt() - 1.0)).abs() < 1e-12, "{improved:?}");
    assert!((regressed.mean + 0.5).abs() < 1e-12, "{regressed:?}");
    assert!((summary.all.unwrap().mean - (4.0_f64.powf(0.2) - 1.0)).abs() < 1e-12);
}

#[test]
fn a_lower_time_is_an_improvement() {
    let times = |factor: f64| {
        let mut run = sample::faster(factor);
        let scenarios = run.suites.iter_mut().flat_map(|suite| &mut suite.scenarios);
        scenarios.for_each(|scenario| scenario.metrics[0].direction = Direction::Lower);
        run
    };
    let summary = steady::compare("old", &times(1.0), &times(0.5)).summary();
    assert!((summary.improved.unwrap().mean - 1.0).abs() < 1e-12);
    assert_eq!(summary.regressed, None);
}
