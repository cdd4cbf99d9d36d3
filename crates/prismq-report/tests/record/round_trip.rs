//! A record is written and read.

use prismq_record::Histogram;
use prismq_record::files::{Selection, gather, read_run, read_suite, write_run, write_suite};

use crate::support::sample;

#[test]
fn a_record_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut histogram = hdrhistogram::Histogram::<u64>::new(3).unwrap();
    histogram.record_n(1_234_567, 10).unwrap();
    let mut suite = sample::suite("latency");
    let encoded = Histogram::encode(&histogram, "ns").unwrap();
    suite.scenarios[0].histograms.insert("end_to_end".to_owned(), encoded);
    let path = write_suite(folder.path(), &suite).unwrap();
    let read = read_suite(&path).unwrap();
    assert_eq!(read, suite);
    let decoded = read.scenarios[0].histograms["end_to_end"].decode().unwrap();
    assert_eq!(decoded.value_at_quantile(0.99), histogram.value_at_quantile(0.99));

    let run = sample::run();
    let path = write_run(folder.path(), &run).unwrap();
    assert_eq!(read_run(&path).unwrap(), run);
    let gathered = gather(folder.path(), &Selection::Latest).unwrap();
    assert_eq!(gathered.suites, [suite]);
}

#[test]
fn missing_values_are_null_with_a_reason() {
    let json = serde_json::to_value(sample::suite("latency")).unwrap();
    let metric = &json["scenarios"][0]["metrics"][1];
    assert!(metric["value"].is_null());
    assert_eq!(metric["reason"], "one worker was not run");
}

#[test]
fn a_record_that_readers_would_refuse_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut suite = sample::suite("latency");
    suite.scenarios[0].metrics[0].samples[1] = f64::NAN;
    let error = write_suite(folder.path(), &suite).unwrap_err().to_string();
    assert!(error.contains("at scenarios[0].metrics[0].samples[1]"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
