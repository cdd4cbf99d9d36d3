//! How the readings of several rounds become the figures of a record.

use hdrhistogram::Histogram;
use prismq_bench::observe::metrics::{LOST, MAX_MS, P99_MS, RECOVERED, SPEED_UP, median};
use prismq_bench::observe::round::Round;
use prismq_bench::observe::rss::slope;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::record::recorder::scenario;
use prismq_record::Validity;

fn round(p99: f64, lost: u64, faults: &[&str]) -> Round {
    Round {
        readings: vec![P99_MS.reads(p99), LOST.counts(lost), MAX_MS.reads(p99 * 2.0)],
        faults: faults.iter().map(ToString::to_string).collect(),
        ..Round::default()
    }
}

#[test]
fn what_varies_is_a_median_and_what_must_not_happen_a_sum() {
    let rounds = [round(5.0, 0, &[]), round(9.0, 1, &["a task was lost"]), round(7.0, 0, &[])];
    let once = vec![SPEED_UP.once(Err("not measured".to_owned()))];
    let scenario =
        scenario("suite", Case::new("name", "workers", 3).with("tasks", 8), &rounds, once).unwrap();
    assert_eq!(scenario.id, "suite/name/workers=3");
    assert_eq!(scenario.parameters.len(), 2);
    let p99 = scenario.metric("p99_ms").unwrap();
    assert_eq!((p99.value, p99.samples.as_slice()), (Some(7.0), [5.0, 9.0, 7.0].as_slice()));
    let lost = scenario.metric("lost").unwrap();
    assert_eq!((lost.value, lost.samples.len()), (Some(1.0), 0));
    assert_eq!(scenario.metric("max_ms").unwrap().value, Some(18.0));
    let speed_up = scenario.metric("speed_up").unwrap();
    assert_eq!((speed_up.value, speed_up.reason.as_deref()), (None, Some("not measured")));
    let reasons = vec!["round 2: a task was lost".to_owned()];
    assert_eq!(scenario.validity, Validity::Invalid { reasons });
}

#[test]
fn a_scenario_without_any_figure_says_why() {
    let above = || Err("above the capacity".to_owned());
    let of = |rounds: &[Round]| {
        let once = vec![P99_MS.once(above()), SPEED_UP.once(above())];
        scenario("suite", Case::new("name", "rate", 3), rounds, once).unwrap()
    };
    assert_eq!(of(&[Round::default()]).unmeasured(), Some("above the capacity"));
    let counted = Round { readings: vec![LOST.counts(0)], ..Round::default() };
    assert_eq!(of(&[counted]).unmeasured(), None);
}

/// In one round of ten all tasks wait for 50 ms: a tenth of all, and in no typical round.
#[test]
fn a_percentile_is_that_of_the_tasks_of_all_rounds() {
    let with_tasks = |time: u64| {
        let mut tasks = Histogram::<u64>::new(3).unwrap();
        tasks.record_n(time * 1_000_000, 100).unwrap();
        Round { histograms: vec![("end_to_end", tasks)], ..round(time as f64, 0, &[]) }
    };
    let rounds: Vec<Round> = [1, 1, 1, 50, 1, 1, 1, 1, 1, 1].map(with_tasks).to_vec();
    let scenario = scenario("suite", Case::new("name", "workers", 3), &rounds, Vec::new()).unwrap();
    let p99 = scenario.metric("p99_ms").unwrap();
    assert!((p99.value.unwrap() - 50.0).abs() < 0.1, "{p99:?}");
    assert_eq!(median(&p99.samples), Some(1.0), "the rounds' own stand next to it");
}

#[test]
fn the_worst_reading_depends_on_which_way_is_better() {
    assert_eq!(RECOVERED.fold(vec![5.0, 3.0, 4.0]).value, Some(3.0));
    assert_eq!(MAX_MS.fold(vec![5.0, 3.0, 4.0]).value, Some(5.0));
}

/// Ten samples of one and the same figure would be taken for certainty.
#[test]
fn what_was_given_to_the_rounds_is_one_figure_without_samples() {
    let metric = P99_MS.given().fold(vec![5.0; 10]);
    assert_eq!((metric.value, metric.samples.len(), metric.interval), (Some(5.0), 0, None));
}

#[test]
fn a_scenario_without_rounds_has_no_figure() {
    let metric = LOST.fold(Vec::new());
    assert_eq!((metric.value, metric.reason.is_some()), (None, true));
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[4.0, 1.0]), Some(2.5));
}

#[test]
fn a_slope_needs_two_different_points() {
    assert_eq!(slope(&[]), None);
    assert_eq!(slope(&[(1.0, 5.0), (1.0, 6.0)]), None);
    assert_eq!(slope(&[(0.0, 1.0), (10.0, 6.0), (20.0, 11.0)]), Some(0.5));
}
