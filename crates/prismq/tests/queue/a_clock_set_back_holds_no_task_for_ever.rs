use std::time::Duration;

use prismq::{Clock, Timestamp};

use crate::common::Fixture;

const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A lease of a worker that died while the clock was wrong once held its task for as long as the clock
/// had been wrong.
#[test]
fn a_clock_set_back_holds_no_task_for_ever() {
    let fixture = Fixture::new();
    let id = fixture.enqueue("task");
    let right = fixture.clock.now();
    fixture.clock.advance(TEN_YEARS);
    let held = fixture.claim_one();
    fixture.clock.set(right);
    let again = fixture.claim_one();
    assert_eq!(again.id(), id);
    assert_eq!(again.attempt(), 2);
    assert!(fixture.queue.complete(&held).unwrap_err().is_lease_lost());
    assert!(fixture.enqueue("later") > id, "ids do not follow the clock");
    fixture.queue.complete(&again).unwrap();
}

#[test]
fn a_lease_of_the_longest_kind_survives_a_clock_that_stands_still() {
    let fixture = Fixture::new();
    fixture.enqueue("task");
    let claim = crate::common::claim().lease(prismq::limits::LEASE_MAX);
    let lease = fixture.queue.claim(&claim).unwrap().pop().unwrap();
    assert!(fixture.claim(1).is_empty());
    fixture.clock.set(Timestamp::from_micros(fixture.clock.now().as_micros()));
    fixture.queue.complete(&lease).unwrap();
}
