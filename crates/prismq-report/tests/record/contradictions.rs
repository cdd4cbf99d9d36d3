//! Values that contradict their samples or their distribution.

use prismq_record::files::read_suite;
use prismq_record::{self as record, ConfidenceInterval, Metric, Scenario};
use prismq_report::validate::validate;

use crate::support::sample;

/// The result of reading a suite with this scenario.
fn read(change: impl FnOnce(&mut Scenario)) -> Result<(), String> {
    let mut suite = sample::suite("latency");
    change(&mut suite.scenarios[0]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latency_results_20261118_110640.json");
    std::fs::write(&path, serde_json::to_string(&suite).unwrap()).unwrap();
    let result = read_suite(&path).map(drop).map_err(|error| error.to_string());
    assert_eq!(validate(&path).is_err(), result.is_err(), "both give the same result");
    result
}

#[track_caller]
fn refused(reason: &str, change: impl FnOnce(&mut Scenario)) {
    let error = read(change).unwrap_err();
    assert!(
        error.contains("latency/drain/workers=5: metric ") && error.contains(reason),
        "{error}"
    );
}

fn interval(metric: &mut Metric, method: &str, lower: f64, upper: f64) {
    let (method, level, rounds) = (method.to_owned(), 0.95, 10);
    metric.interval = Some(ConfidenceInterval { level, lower, upper, method, rounds });
}

/// A hundred tasks of 1 to 100 ms.
fn with_p99(value: f64, samples: &[f64]) -> impl FnOnce(&mut Scenario) {
    let mut times = hdrhistogram::Histogram::<u64>::new(3).unwrap();
    (1..=100).for_each(|time| times.record(time * 1_000_000).unwrap());
    let samples = samples.to_vec();
    move |scenario| {
        let times = record::Histogram::encode(&times, "ns").unwrap();
        scenario.histograms.insert("end_to_end".to_owned(), times);
        let mut metric = sample::metric("p99_ms", vec![1.0]);
        (metric.unit, metric.value, metric.samples) = ("ms".to_owned(), Some(value), samples);
        scenario.metrics.push(metric);
    }
}

#[test]
fn a_value_outside_the_median_of_its_samples_is_refused() {
    refused("the median of its samples lies from 1005 to 1006", |scenario| {
        scenario.metrics[0].value = Some(2006.0);
    });
    read(|scenario| scenario.metrics[0].value = Some(1005.5)).unwrap();
    read(|_| {}).unwrap();
}

#[test]
fn a_value_that_differs_from_its_distribution_is_refused() {
    let p99 = 99.024_895;
    refused("its distribution has 99.0", with_p99(1.0, &[]));
    refused("its distribution has 99.0", with_p99(1.0, &[90.0, 95.0, 99.0]));
    read(with_p99(p99, &[90.0, 95.0, 99.0])).unwrap();
    // Before 1.2 the value was the typical round's.
    read(with_p99(95.0, &[90.0, 95.0, 99.0])).unwrap();
}

#[test]
fn an_interval_that_differs_from_its_samples_is_refused() {
    let medians = "order statistics of the median";
    refused("its samples' from 1002 to 1009", |scenario| {
        interval(&mut scenario.metrics[0], medians, 1004.0, 1008.0);
    });
    refused("its interval from 900 to 950", |scenario| {
        interval(&mut scenario.metrics[0], "bootstrap", 900.0, 950.0);
    });
    read(|scenario| interval(&mut scenario.metrics[0], medians, 1002.0, 1009.0)).unwrap();
    read(|scenario| interval(&mut scenario.metrics[0], "bootstrap", 900.0, 1100.0)).unwrap();
}
