//! Constant arrivals are an interval apart, those at random follow the exponential distribution and come
//! again with their seed.

use std::time::Duration;

use prismq_bench::load::arrivals::ArrivalProcess;

const INTERVAL: Duration = Duration::from_millis(2);

#[test]
fn constant_arrivals_are_an_interval_apart() {
    let offsets = ArrivalProcess::Constant.offsets(1_000, INTERVAL);
    let last = offsets.last().unwrap();
    assert!(last.abs_diff(INTERVAL * 1_000) < Duration::from_micros(1));
    for pair in offsets.windows(2) {
        assert!((pair[1] - pair[0]).abs_diff(INTERVAL) < Duration::from_nanos(5));
    }
}

#[test]
fn random_arrivals_are_exponentially_distributed() {
    let offsets = ArrivalProcess::Poisson { seed: 7 }.offsets(100_000, INTERVAL);
    let gaps: Vec<f64> =
        offsets.windows(2).map(|pair| (pair[1] - pair[0]).div_duration_f64(INTERVAL)).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    assert!((mean - 1.0).abs() < 0.015, "{mean}");
    for times_mean in [0.5, 1.0, 2.0, 4.0_f64] {
        let longer = gaps.iter().filter(|gap| **gap > times_mean).count() as f64;
        let share = longer / gaps.len() as f64;
        assert!((share - (-times_mean).exp()).abs() < 0.006, "{share} beyond {times_mean}");
    }
}

#[test]
fn random_arrivals_repeat_with_their_seed_and_differ_between_rounds() {
    let arrivals = ArrivalProcess::Poisson { seed: 7 };
    assert_eq!(arrivals.offsets(50, INTERVAL), arrivals.offsets(50, INTERVAL));
    assert_ne!(arrivals.offsets(50, INTERVAL), arrivals.of_round(1).offsets(50, INTERVAL));
}
