//! Tasks pile up, then a pool drains them while more arrive: how fast, and how long those wait that came
//! meanwhile, is known of a server with a constant service time.

use std::sync::Arc;
use std::time::Duration;

use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::scenario::open::surge::{Surge, SurgeRound, run};
use prismq_bench::subject::Work;

use crate::support::fake::{Fake, Misdeed};
use crate::support::virtual_clock::VirtualClock;

const SERVICE: Duration = Duration::from_millis(1);
const INTERVAL: Duration = Duration::from_millis(2);

fn subsided() -> SurgeRound {
    let clock = Arc::new(VirtualClock::new());
    let subject = Fake::subject(&clock, Misdeed::None);
    let load = Surge {
        backlog: 1_000,
        workers: 1,
        generators: 1,
        arriving: 1_500,
        interval: INTERVAL,
        arrivals: ArrivalProcess::Constant,
        work: Work::sleep(SERVICE),
    };
    run(&subject, &load).unwrap()
}

#[test]
fn arriving_tasks_are_separated_from_the_backlog_by_intended_time() {
    let subsided = subsided();
    assert_eq!(subsided.faults, Vec::<String>::new());
    assert_eq!(subsided.audit.completed, 2_500);
    // The backlog is first in line: a second's work, undisturbed.
    assert_eq!(subsided.draining, Duration::from_secs(1));
    assert!((subsided.drained_per_s() - 1_000.0).abs() < 1e-6);
    // Half as many came in that second. The first of them waits for nearly all of the backlog, the last
    // for those that came before it.
    let waits = &subsided.latencies.wait;
    assert_eq!(waits.len(), 500);
    assert!(waits.max().abs_diff(998_000_000) < 2_000_000, "{}", waits.max());
    // What came before them has half a second of work left, and comes half as fast as it goes.
    assert_eq!(subsided.afterwards.len(), 1_000);
    assert!(subsided.afterwards.max() < 502_000_000 && subsided.afterwards.min() <= 1_001_000);
}

#[test]
fn phases_and_depth_are_recorded_over_time() {
    let course = subsided().course;
    let phases: Vec<_> =
        course.phases.iter().map(|phase| (phase.name.as_str(), phase.from_s, phase.to_s)).collect();
    assert_eq!(phases, [("build", 0.0, 0.0), ("drain", 0.0, 1.0), ("steady", 1.0, 3.001)]);
    let depths: Vec<u64> = course.intervals.iter().filter_map(|interval| interval.depth).collect();
    // It falls by half of what a server does, from the whole backlog down to nothing.
    assert_eq!(depths.first(), Some(&925));
    assert!(depths.windows(2).all(|pair| pair[1] <= pair[0]), "{depths:?}");
    assert_eq!(depths.last(), Some(&0));
    let completed: u64 = course.intervals.iter().filter_map(|interval| interval.completed).sum();
    assert_eq!(completed, 2_500);
}
