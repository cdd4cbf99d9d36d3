//! Failure mode: clock: set forward and back | leases and delays pass as if it had not been set, nothing is early, ids rise

use std::time::Duration;

use prismq::{Clock, Timestamp};
use prismq_check::{ClaimRequest, EnqueueRequest, Rules};

use crate::support::{Fixture, LEASE};

const HOUR: i64 = 3_600_000_000;
const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;

/// Tasks delayed and leased before each jump are taken, in time and under risen tokens, after it.
#[test]
fn a_clock_that_jumps_breaks_no_promise() {
    let fixture = Fixture::new();
    let mut slow = fixture.client(fixture.open(), 1);
    let mut worker = fixture.client(fixture.open(), 2);
    let take = ClaimRequest { max: 10, lease: LEASE, ..ClaimRequest::default() };
    let job = EnqueueRequest { max_attempts: 50, ..EnqueueRequest::default() };
    let mut last = 0;
    for jump in [HOUR, -HOUR, TEN_YEARS, -TEN_YEARS, HOUR, TEN_YEARS, -TEN_YEARS, -HOUR] {
        for delay in [0, 0, 30] {
            let delay = Duration::from_secs(delay);
            let (_, added) = slow.enqueue(&EnqueueRequest { delay, ..job.clone() }).unwrap();
            let id = added.id();
            assert!(id.as_i64() > last, "ids rise though the clock is set");
            last = id.as_i64();
        }
        let held = slow.claim(&take).unwrap();
        assert!(!held.is_empty());
        let now = fixture.clock.now().as_micros();
        fixture.clock.set(Timestamp::from_micros(now + jump));
        for lease in worker.claim(&take).unwrap() {
            worker.complete(&lease).unwrap();
        }
        for lease in &held {
            // Whether it still holds is for the checker to judge.
            drop(slow.complete(lease));
        }
    }
    // What was delayed waits no longer than its delay, though the clock was set.
    for _ in 0..3 {
        fixture.clock.advance(Duration::from_secs(30));
        for lease in worker.claim(&take).unwrap() {
            worker.complete(&lease).unwrap();
        }
    }
    let verdict =
        fixture.verdict(&Rules { drained: true, complete_history: true, ..Rules::default() });
    assert!(verdict.is_sound(), "{verdict}");
    assert!(verdict.counts.stale_refused > 0, "{verdict}");
}
