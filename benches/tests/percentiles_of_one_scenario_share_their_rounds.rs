//! p50, p95 and p99 are benchmarks of their own, but percentiles of the same samples.

use std::cell::Cell;

use prismq_bench::error::Error;
use prismq_bench::rounds::SharedRounds;

#[test]
fn each_round_is_measured_once_by_whoever_asks_first() {
    let measured = Cell::new(0);
    let mut shared = SharedRounds::default();
    let measure = || {
        measured.set(measured.get() + 1);
        Ok(measured.get())
    };
    for _percentile in 0..3 {
        for index in 0..11 {
            let round = shared.get(index, measure).unwrap();
            assert_eq!(*round, index + 1);
        }
    }
    assert_eq!(measured.get(), 11);
    assert_eq!(shared.measured().len(), 11);
}

#[test]
fn a_round_that_failed_is_measured_again() {
    let mut shared = SharedRounds::default();
    let failed = shared.get(0, || Err(Error::Child { reason: "on purpose".to_owned() }));
    assert!(failed.is_err());
    assert_eq!(*shared.get(0, || Ok(7)).unwrap(), 7);
}
