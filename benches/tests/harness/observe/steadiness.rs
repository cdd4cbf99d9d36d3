//! A load is measured once it is steady, and has no latency if it never is.

use std::time::Duration;

use prismq_bench::base::clock::now;
use prismq_bench::base::histogram::empty;
use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::observe::metrics::{LOST, P99_MS, P99_RATIO_TO_SYNC};
use prismq_bench::observe::round::Round;
use prismq_bench::observe::steadiness::steady_part;
use prismq_bench::observe::task_times::TaskTrace;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::record::recorder::scenario;
use prismq_bench::scenario::open::OpenLoop;
use prismq_bench::subject::{Arrival, Work};

use crate::support::fake::Misdeed;
use crate::support::theory::offer_load;

const WARM_UP: usize = 100;
const SETTLE: usize = 300;
const TASKS: usize = 600;

/// Tasks a millisecond apart, the latency of each as said.
fn load(latency_ms: impl Fn(usize) -> f64) -> Vec<TaskTrace> {
    let began = now();
    let life = |index: usize| {
        let at = began + Duration::from_millis(index as u64);
        let arrival = Arrival {
            number: index,
            id: index as i64,
            intended: at,
            free: at,
            called: at,
            committed: at,
        };
        let completed = at + Duration::from_secs_f64(latency_ms(index) / 1e3);
        TaskTrace { arrival, run: None, completed: Some(completed) }
    };
    (0..WARM_UP + SETTLE + TASKS).map(life).collect()
}

/// Variation too small to count as drift.
fn noise(index: usize) -> f64 {
    0.1 * ((index * 7_919) % 11) as f64
}

#[test]
fn a_steady_load_is_measured_after_its_warm_up() {
    let part = steady_part(&load(|index| 2.0 + noise(index)), WARM_UP, SETTLE, TASKS);
    assert_eq!((part.from, part.steady), (WARM_UP, Some(true)));
}

#[test]
fn a_load_that_starts_behind_is_measured_once_it_has_caught_up() {
    let behind = |index: usize| (20.0 - index as f64 / 20.0).max(2.0) + noise(index);
    let part = steady_part(&load(behind), WARM_UP, SETTLE, TASKS);
    assert_eq!(part.steady, Some(true));
    assert!((WARM_UP + 1..=WARM_UP + SETTLE).contains(&part.from), "{part:?}");
}

#[test]
fn a_load_that_never_settles_is_unsteady() {
    let growing = |index: usize| 2.0 + index as f64 / 50.0;
    let part = steady_part(&load(growing), WARM_UP, SETTLE, TASKS);
    assert_eq!(part.steady, Some(false));
    assert!(part.from + TASKS <= WARM_UP + SETTLE + TASKS, "{part:?}");
}

#[test]
fn too_few_tasks_are_neither_steady_nor_unsteady() {
    assert_eq!(steady_part(&load(noise), 0, 0, 10).steady, None);
}

/// A rate beyond what the server does: tasks pile up.
#[test]
fn an_overload_is_never_steady() {
    let load = OpenLoop {
        workers: 1,
        generators: 1,
        tasks: TASKS,
        warm_up: WARM_UP,
        settle: SETTLE,
        interval: Duration::from_millis(1),
        arrivals: ArrivalProcess::Constant,
        work: Work::sleep(Duration::from_millis(2)),
    };
    let offered = offer_load(Misdeed::None, &load);
    assert_eq!((offered.steady, offered.latencies.end_to_end.len()), (Some(false), TASKS as u64));
    // One that is measured from its start on in any case is not asked.
    let offered = offer_load(Misdeed::None, &OpenLoop { settle: 0, ..load });
    assert_eq!(offered.steady, None);
}

#[test]
fn a_latency_needs_most_rounds_to_be_steady() {
    let mut latencies = empty("end_to_end").unwrap();
    latencies.record(7_000_000).unwrap();
    let rounds = |steady: &[bool]| -> Vec<Round> {
        let round = |steady: &bool| Round {
            readings: vec![P99_MS.reads(7.0), P99_RATIO_TO_SYNC.reads(7.0), LOST.counts(0)],
            histograms: vec![("end_to_end", latencies.clone())],
            steady: Some(*steady),
            ..Round::default()
        };
        steady.iter().map(round).collect()
    };
    let figures = |steady: &[bool]| {
        let found = scenario("latency", Case::new("open", "load", 90), &rounds(steady), Vec::new());
        let found = found.unwrap();
        assert_eq!(found.metric("lost").unwrap().value, Some(0.0));
        ["p99_ms", "p99_ratio_to_sync"].map(|name| found.metric(name).unwrap().clone())
    };
    for known in figures(&[true, false, true, false]) {
        assert!((known.value.unwrap() - 7.0).abs() < 0.01, "{known:?}");
    }
    for withheld in figures(&[true, false, false]) {
        assert_eq!((withheld.value, withheld.samples.len()), (None, 0));
        assert!(withheld.reason.unwrap().contains("2 of 3 rounds"));
    }
}
