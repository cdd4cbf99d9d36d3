//! A percentile that is claimed of too few samples is not a figure.

use hdrhistogram::Histogram;
use prismq_bench::observe::round::Round;
use prismq_bench::observe::validity::samples_needed;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::record::recorder::scenario;
use prismq_record::Validity;

fn validity(samples: u64) -> Validity {
    let mut histogram = Histogram::new(3).unwrap();
    histogram.record_n(5, samples).unwrap();
    let round = Round { histograms: vec![("end_to_end", histogram)], ..Round::default() };
    let case = Case::variant("open", "load").claims("end_to_end", 0.99);
    scenario("suite", case, &[round], Vec::new()).unwrap().validity
}

#[test]
fn a_percentile_needs_samples_enough_for_the_longest_to_be_above_it() {
    assert_eq!(samples_needed(0.99), 299);
    assert_eq!(samples_needed(0.95), 59);
    assert_eq!(samples_needed(0.999), 2_995);
    assert_eq!(samples_needed(1.0), u64::MAX);
}

#[test]
fn a_scenario_with_too_few_samples_is_invalid() {
    assert_eq!(validity(299), Validity::Valid);
    let reason = "298 samples of end_to_end; its 99 % percentile needs 299";
    assert_eq!(validity(298), Validity::Invalid { reasons: vec![reason.to_owned()] });
}
