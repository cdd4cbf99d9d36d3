//! A figure is recorded with what disk and SQLite did in the same rounds.

use prismq_bench::observe::metrics::{LOST, TASKS_PER_S};
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::record::recorder::scenario;
use prismq_record::Floor;

#[test]
fn a_floor_has_the_median_of_the_ratios() {
    let round = |rate: f64, sqlite: f64| {
        let readings = vec![TASKS_PER_S.reads(rate), LOST.counts(0)];
        Round { readings, ..Round::default() }
            .with_upper_bound(TASKS_PER_S, "sqlite", sqlite)
            .with_reference(TASKS_PER_S, "disk", 10.0)
    };
    // The ratio of the medians would be 80 / 100.
    let rounds = [round(80.0, 100.0), round(90.0, 100.0), round(50.0, 500.0)];
    let scenario = scenario("suite", Case::variant("drain", "x"), &rounds, Vec::new()).unwrap();
    let floors = &scenario.metric("tasks_per_s").unwrap().floors;
    let floor = |name: &str, value, ratio, upper_bound| {
        let (name, interval) = (name.to_owned(), None);
        Floor { name, value, ratio, interval, upper_bound }
    };
    assert_eq!(*floors, [floor("sqlite", 100.0, 0.8, true), floor("disk", 10.0, 8.0, false)]);
    assert!(scenario.metric("lost").unwrap().floors.is_empty());
}

#[test]
fn a_ratio_has_the_interval_of_its_rounds() {
    let round = |rate: f64| {
        let readings = vec![TASKS_PER_S.reads(rate)];
        Round { readings, ..Round::default() }.with_upper_bound(TASKS_PER_S, "sqlite", 100.0)
    };
    let rounds: Vec<Round> = (0..10).map(|n| round(101.0 + f64::from(n))).collect();
    let scenario = scenario("suite", Case::variant("drain", "x"), &rounds, Vec::new()).unwrap();
    let [floor] = &scenario.metric("tasks_per_s").unwrap().floors[..] else { panic!() };
    let interval = floor.interval.as_ref().unwrap();
    assert_eq!((interval.lower, interval.upper, interval.rounds), (1.02, 1.09, 10));
    assert!(floor.is_beaten());
}
