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
            .with_reference(TASKS_PER_S, "sqlite", sqlite)
            .with_reference(TASKS_PER_S, "disk", 10.0)
    };
    // The ratio of the medians would be 80 / 100.
    let rounds = [round(80.0, 100.0), round(90.0, 100.0), round(50.0, 500.0)];
    let scenario = scenario("suite", Case::variant("drain", "x"), &rounds, Vec::new()).unwrap();
    let floors = &scenario.metric("tasks_per_s").unwrap().floors;
    let floor = |name: &str, value, ratio| Floor { name: name.to_owned(), value, ratio };
    assert_eq!(*floors, [floor("sqlite", 100.0, 0.8), floor("disk", 10.0, 8.0)]);
    assert!(scenario.metric("lost").unwrap().floors.is_empty());
}
