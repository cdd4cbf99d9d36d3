//! Callers that are late though nothing held them up measure themselves.

use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use prismq_bench::base::clock::{Clock, Time};
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::load::plan::{Schedule, parse_workload};
use prismq_bench::observe::round::Round;
use prismq_bench::observe::validity::lagging;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::record::recorder::scenario;
use prismq_bench::scenario::open::{OpenLoop, run};
use prismq_bench::scenario::workload;
use prismq_bench::subject::Work;
use prismq_bench::subject::local::InProcess;
use prismq_record::{self as record, Disturbance, Validity};

use crate::support::fake::{Fake, Misdeed};
use crate::support::virtual_clock::VirtualClock;

/// A clock that wakes whoever waits by so much too late.
#[derive(Debug)]
struct Sluggish {
    clock: Arc<VirtualClock>,
    late: Duration,
}

impl Clock for Sluggish {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn wait_until(&self, at: Time) {
        self.clock.wait_until(at + self.late);
    }

    fn sleep(&self, time: Duration) {
        self.clock.sleep(time);
    }
}

fn subject(late: Duration) -> InProcess {
    let clock = Arc::new(VirtualClock::new());
    let sluggish = Arc::new(Sluggish { clock: clock.clone(), late });
    InProcess::new(Box::new(Fake::new(&clock, Misdeed::None)), sluggish)
}

fn validity(late: Duration) -> Validity {
    let load = OpenLoop {
        workers: 1,
        generators: 1,
        tasks: 1_000,
        warm_up: 0,
        settle: 0,
        interval: Duration::from_millis(20),
        arrivals: ArrivalProcess::Constant,
        work: Work::sleep(Duration::from_millis(2)),
    };
    let histograms = run(&subject(late), &load).unwrap().latencies.named();
    let round = Round { histograms, ..Round::default() };
    let case = Case::variant("open", "load").claims("end_to_end", 0.99);
    scenario("suite", case, &[round], Vec::new()).unwrap().validity
}

/// The same of a user's workload.
fn validity_of_workload(late: Duration) -> Validity {
    let plan = parse_workload(
        "w.toml",
        r#"
name = "w"
callers = 1
arrivals = { constant = { rate_per_s = 50.0, duration_s = 20.0 } }
[[tasks]]
type = "t"
payload_bytes = { fixed = 100 }
service_ms = { fixed = 2.0 }
"#,
    )
    .unwrap();
    let done = workload::run(&subject(late), &plan.settings, &Schedule::draw(&plan)).unwrap();
    let (_, round) = done.round();
    let case = Case::variant("workload", "w");
    scenario("suite", case, &[round], Vec::new()).unwrap().validity
}

#[test]
fn a_generator_that_is_most_of_the_latency_is_invalid() {
    // Of the 5 ms measured, 3 are the generator's.
    for validity in [validity, validity_of_workload] {
        let Validity::Invalid { reasons } = validity(Duration::from_millis(3)) else {
            panic!("a generator that lags must not be trusted");
        };
        let lag = "the generator itself was 3.00 ms late (p99); the limit is 2.50 ms";
        assert_eq!(reasons, [lag]);
    }
}

#[test]
fn a_generator_that_is_hardly_late_is_valid() {
    for validity in [validity, validity_of_workload] {
        assert_eq!(validity(Duration::from_micros(900)), Validity::Valid);
    }
}

#[test]
fn a_check_of_correctness_asks_for_no_punctuality() {
    let mut lag = Histogram::<u64>::new(3).unwrap();
    lag.record(5_000_000).unwrap();
    let histograms = vec![("generator_lag", lag.clone()), ("end_to_end", lag)];
    let round = Round { histograms, ..Round::default() };
    let case = Case { untimed: true, ..Case::variant("open", "load") };
    let validity = scenario("suite", case, &[round], Vec::new()).unwrap().validity;
    assert_eq!(validity, Validity::Valid);
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

/// What is said of rounds that offered these shares of the rate.
fn said(overload: bool, achieved: [f64; 4]) -> (Validity, Vec<String>) {
    let rounds = achieved.map(|share| Round { achieved: Some(share), ..Round::default() });
    let case = Case::variant("open", "load").overload(overload);
    let scenario = scenario("suite", case, &rounds, Vec::new()).unwrap();
    (scenario.validity, scenario.warnings)
}

#[test]
fn a_rate_that_was_not_offered_is_invalid() {
    let (validity, _) = said(false, [0.7, 0.8, 0.8, 0.78]);
    let reasons = vec!["the callers offered 77 % of the intended rate".to_owned()];
    assert_eq!(validity, Validity::Invalid { reasons });
    assert_eq!(said(true, [0.7, 0.8, 0.8, 0.78]).0, Validity::Valid, "more than is sustained");
}

/// Half of the rounds and more: then the machine was not there for the load.
#[test]
fn a_rate_that_others_kept_from_being_offered_is_disturbed() {
    let with = |disturbed: usize, faults: Vec<String>| {
        let round = |place: usize| {
            let others = if place < disturbed { 80.0 } else { 1.0 };
            let disturbance = Disturbance {
                seconds: 1.0,
                others_percent: Some(others),
                ..Disturbance::default()
            };
            let course =
                record::Round { disturbance: Some(disturbance), ..record::Round::default() };
            Round { achieved: Some(0.5), course, faults: faults.clone(), ..Round::default() }
        };
        let rounds: Vec<Round> = (0..4).map(round).collect();
        scenario("suite", Case::variant("open", "load"), &rounds, Vec::new()).unwrap().validity
    };
    assert!(matches!(with(1, Vec::new()), Validity::Invalid { .. }));
    let reasons = vec!["the callers offered 50 % of the intended rate".to_owned()];
    assert_eq!(with(2, Vec::new()), Validity::Disturbed { reasons });
    let lost = with(4, vec!["a task was lost".to_owned()]);
    assert!(matches!(&lost, Validity::Invalid { reasons } if reasons.len() == 5), "{lost:?}");
}

#[test]
fn rounds_that_were_held_up_are_a_warning() {
    let (validity, warnings) = said(false, [1.0, 0.94, 0.95, 0.7]);
    assert_eq!(validity, Validity::Valid);
    let warning = "the callers were held up in 2 of 4 rounds and offered 70 % of the intended rate in the \
                worst";
    assert_eq!(warnings, [warning]);
    assert_eq!(said(false, [0.95; 4]).1, Vec::<String>::new());
}
