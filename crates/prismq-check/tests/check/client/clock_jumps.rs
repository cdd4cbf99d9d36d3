use std::time::Duration;

use prismq::{Clock, Timestamp};
use prismq_check::{Job, Rules, Take};

use crate::support::{Bench, LEASE};

const HOUR: i64 = 3_600_000_000;
const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;

/// Tasks delayed and leased before each jump are taken, in time and under risen tokens, after it.
#[test]
fn a_clock_that_jumps_breaks_no_promise() {
    let bench = Bench::new();
    let mut dawdler = bench.actor(bench.open(), 1);
    let mut worker = bench.actor(bench.open(), 2);
    let take = Take { max: 10, lease: LEASE, ..Take::default() };
    let job = Job { max_attempts: 50, ..Job::default() };
    let mut last = 0;
    for jump in [HOUR, -HOUR, TEN_YEARS, -TEN_YEARS, HOUR, TEN_YEARS, -TEN_YEARS, -HOUR] {
        for delay in [0, 0, 30] {
            let delay = Duration::from_secs(delay);
            let (_, id) = dawdler.enqueue(&Job { delay, ..job.clone() }).unwrap();
            assert!(id.as_i64() > last, "ids rise whatever the clock does");
            last = id.as_i64();
        }
        let held = dawdler.claim(&take).unwrap();
        assert!(!held.is_empty());
        let now = bench.clock.now().as_micros();
        bench.clock.set(Timestamp::from_micros(now + jump));
        for lease in worker.claim(&take).unwrap() {
            worker.complete(&lease).unwrap();
        }
        for lease in &held {
            // Whether it still holds is for the checker to judge.
            drop(dawdler.complete(lease));
        }
    }
    // What was delayed waits no longer than its delay, though the clock was set.
    for _ in 0..3 {
        bench.clock.advance(Duration::from_secs(30));
        for lease in worker.claim(&take).unwrap() {
            worker.complete(&lease).unwrap();
        }
    }
    let verdict = bench.verdict(&Rules { drained: true, all_told: true, ..Rules::default() });
    assert!(verdict.is_sound(), "{verdict}");
    assert!(verdict.counts.stale_refused > 0, "{verdict}");
}
