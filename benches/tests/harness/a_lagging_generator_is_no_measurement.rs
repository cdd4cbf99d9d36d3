//! Callers that are late though nothing held them up measure themselves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use prismq_bench::clocks::Clock;
use prismq_bench::health::{barely_offered, lagging, under_offered};
use prismq_bench::recorder::{Case, Round, scenario};
use prismq_bench::workload::arrivals::Arrivals;
use prismq_bench::workload::open_loop::{OpenLoop, run};
use prismq_bench::workload::subject::Subject;
use prismq_report::record::Validity;

use crate::fake::{Fake, Misdeed};
use crate::theory::constant;
use crate::virtual_clock::VirtualClock;

/// A clock that wakes whoever waits by so much too late.
#[derive(Debug)]
struct Sluggish {
    clock: Arc<VirtualClock>,
    late: Duration,
}

impl Clock for Sluggish {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn wait_until(&self, at: Instant) {
        self.clock.wait_until(at + self.late);
    }
}

fn validity(late: Duration) -> Validity {
    let clock = Arc::new(VirtualClock::new());
    let fake = Fake::new(&clock, Misdeed::None);
    let sluggish = Sluggish { clock: clock.clone(), late };
    let subject = Subject { engine: &fake, clock: Arc::new(sluggish), file: None };
    let load = OpenLoop {
        workers: 1,
        generators: 1,
        tasks: 1_000,
        warm_up: 0,
        interval: Duration::from_millis(20),
        arrivals: Arrivals::Constant,
        work: constant(&clock, Duration::from_millis(2)),
        overload: false,
    };
    let histograms = run(&subject, &load).unwrap().latencies.named();
    let round = Round { histograms, ..Round::default() };
    let case = Case::variant("open", "load").claims("end_to_end", 0.99);
    scenario("suite", case, &[round], Vec::new()).unwrap().validity
}

#[test]
fn when_most_of_the_latency_is_its_own() {
    // Of the 5 ms measured, 3 are the generator's.
    let Validity::Invalid { reasons } = validity(Duration::from_millis(3)) else {
        panic!("a generator that lags must not be trusted");
    };
    assert_eq!(reasons, ["the generator lagged by 3.00 ms (p99) of its own; the bound is 2.50 ms"]);
}

#[test]
fn and_one_that_is_hardly_late_is_trusted() {
    assert_eq!(validity(Duration::from_micros(900)), Validity::Valid);
}

#[test]
fn the_bound_is_half_of_the_latency_and_at_least_a_millisecond() {
    let of = |ms: u64| {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        histogram.record(ms * 1_000_000).unwrap();
        histogram
    };
    assert_eq!(lagging(&of(4), &of(9)), None);
    assert!(lagging(&of(5), &of(9)).is_some());
    assert!(lagging(&of(2), &of(1)).is_some());
}

#[test]
fn a_rate_that_was_not_offered_is_invalid_or_doubtful() {
    assert_eq!((under_offered(0.8), barely_offered(0.95)), (None, None));
    let reason = "the callers offered 79 % of the intended rate";
    assert_eq!(under_offered(0.79).as_deref(), Some(reason));
    assert!(barely_offered(0.8).is_some() && barely_offered(0.79).is_none());
}
