//! A load that is to be steady and is not gets a warning; chance alone gets none.

use std::time::Duration;

use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::observe::round::Round;
use prismq_bench::observe::validity::drift;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::record::recorder::scenario;
use prismq_bench::subject::Work;

use crate::support::fake::Misdeed;
use crate::support::theory::offer;

/// Rounds at an interval, on a server that takes a millisecond.
fn warnings(interval: Duration) -> Vec<String> {
    let round = |_| {
        let work = Work::sleep(Duration::from_millis(1));
        let offered = offer(Misdeed::None, ArrivalProcess::Constant, interval, 900, work);
        Round { thirds: offered.thirds, ..Round::default() }
    };
    let rounds: Vec<Round> = (0..10).map(round).collect();
    scenario("suite", Case::variant("open", "load"), &rounds, Vec::new()).unwrap().warnings
}

#[test]
fn a_queue_that_grows_is_not_steady() {
    let warnings = warnings(Duration::from_micros(900));
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].starts_with("not steady: the median latency was"), "{warnings:?}");
}

#[test]
fn a_queue_that_keeps_up_is_steady() {
    assert_eq!(warnings(Duration::from_micros(1_100)), Vec::<String>::new());
}

#[test]
fn rounds_that_disagree_are_chance() {
    let disagreeing: Vec<_> =
        (0..10).map(|round| if round < 6 { (0.001, 0.003) } else { (0.003, 0.001) }).collect();
    assert_eq!(drift(&disagreeing), None);
    assert!(drift(&[(0.001, 0.003); 10]).is_some());
    assert_eq!(drift(&[(0.001, 0.0012); 10]), None);
    assert_eq!(drift(&[]), None);
}
