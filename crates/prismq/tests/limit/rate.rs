//! How many tasks start in a period.

use std::time::Duration;

use prismq::{Limit, NewTask};

use super::leases;
use crate::support::{Fixture, claim, task};

const SECOND: Duration = Duration::from_secs(1);

/// A queue in which so many tasks wait under this limit.
fn limited(limit: Limit, tasks: usize) -> Fixture {
    let fixture = Fixture::new();
    fixture.queue.set_limit("api", limit).unwrap();
    fixture.queue.enqueue_all(&vec![task("x").limit("api"); tasks]).unwrap();
    fixture
}

/// How many tasks start at each of these steps of the clock.
fn started(fixture: &Fixture, step: Duration, steps: usize) -> Vec<usize> {
    let started = |_| {
        let claimed = leases(fixture, 99);
        claimed.iter().for_each(|lease| fixture.queue.complete(lease).unwrap());
        fixture.clock.advance(step);
        claimed.len()
    };
    (0..steps).map(started).collect()
}

#[test]
fn tasks_start_evenly_spaced_unless_a_burst_is_set() {
    let fixture = limited(Limit::rate(4, SECOND), 30);
    let quarter = SECOND / 4;
    assert_eq!(started(&fixture, quarter, 4), [1, 1, 1, 1]);
    assert_eq!(started(&fixture, quarter / 2, 4), [1, 0, 1, 0]);
    fixture.clock.advance(10 * SECOND);
    assert_eq!(started(&fixture, quarter, 3), [1, 1, 1], "a pause saves nothing up");
    fixture.queue.set_limit("api", Limit::rate(4, SECOND).burst(3)).unwrap();
    fixture.clock.advance(10 * SECOND);
    assert_eq!(started(&fixture, quarter, 4), [3, 1, 1, 1]);
}

#[test]
fn the_rate_counts_starts_and_not_tasks_that_run() {
    let fixture = limited(Limit::rate(1, SECOND), 3);
    let first = leases(&fixture, 9);
    fixture.queue.release(&first[0]).unwrap();
    assert!(leases(&fixture, 9).is_empty(), "a start that was released is spent");
    fixture.clock.advance(SECOND);
    assert_eq!(leases(&fixture, 9).len(), 1);
}

#[test]
fn a_claim_before_its_rate_allows_it_writes_nothing() {
    let fixture = limited(Limit::rate(1, SECOND), 3);
    assert_eq!(leases(&fixture, 9).len(), 1);
    let keyed = NewTask::new("keyed", []).limit("each").key("a");
    fixture.queue.set_limit("each", Limit::rate(1, SECOND).per_key()).unwrap();
    fixture.queue.enqueue_all(&[keyed.clone(), keyed]).unwrap();
    let of_key = prismq::Claim::new(["keyed"]);
    assert_eq!(fixture.queue.claim(&of_key).unwrap().len(), 1);
    let written = fixture.queue.contention().write_transactions;
    assert!(leases(&fixture, 9).is_empty());
    assert!(fixture.queue.claim(&of_key).unwrap().is_empty());
    assert_eq!(fixture.queue.contention().write_transactions, written);
    fixture.clock.advance(SECOND);
    assert_eq!(fixture.queue.claim(&of_key).unwrap().len(), 1);
}

#[test]
fn each_key_has_the_rate_for_itself_and_all_have_that_of_the_limit() {
    let fixture = Fixture::new();
    let each = Limit::rate(1, SECOND).per_key();
    fixture.queue.set_limit("api", each).unwrap();
    let tasks = |key: &str| vec![task(key).limit("api").key(key); 5];
    for key in ["a", "b", "c"] {
        fixture.queue.enqueue_all(&tasks(key)).unwrap();
    }
    assert_eq!(started(&fixture, SECOND / 2, 4), [3, 0, 3, 0]);
    fixture.queue.set_limit("api", each.and(Limit::rate(2, SECOND).burst(2))).unwrap();
    assert_eq!(started(&fixture, SECOND / 2, 4), [2, 1, 1, 1]);
}

#[test]
fn a_faster_rate_is_in_force_with_the_next_claim() {
    let hour = Duration::from_secs(3600);
    for per_key in [false, true] {
        let limit = |period| {
            let limit = Limit::rate(1, period);
            if per_key { limit.per_key() } else { limit }
        };
        let fixture = Fixture::new();
        fixture.queue.set_limit("api", limit(hour)).unwrap();
        fixture.queue.enqueue_all(&vec![task("x").limit("api").key("a"); 3]).unwrap();
        assert_eq!(leases(&fixture, 9).len(), 1);
        fixture.clock.advance(SECOND);
        assert!(leases(&fixture, 9).is_empty());
        fixture.queue.set_limit("api", limit(SECOND)).unwrap();
        fixture.clock.advance(SECOND);
        assert_eq!(fixture.queue.claim(&claim().max(9)).unwrap().len(), 1, "per key: {per_key}");
    }
}
