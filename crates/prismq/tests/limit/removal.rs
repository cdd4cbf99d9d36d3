//! Removing limits, and what becomes of tasks that name them.

use prismq::limits::LIMITS_MAX;
use prismq::{Error, Limit};

use super::leases;
use crate::support::{Fixture, task};

fn limited(fixture: &Fixture, tasks: usize) {
    let tasks: Vec<_> = (0..tasks).map(|_| task("x").limit("api")).collect();
    fixture.queue.enqueue_all(&tasks).unwrap();
}

#[test]
fn tasks_of_a_removed_limit_run_without_its_bounds() {
    let fixture = Fixture::new();
    let bounds = Limit::concurrency(1).and(Limit::concurrency(1).per_key());
    fixture.queue.set_limit("api", bounds).unwrap();
    limited(&fixture, 3);
    let keyed = ["a", "a", "b"].map(|key| task("y").limit("api").key(key));
    fixture.queue.enqueue_all(&keyed).unwrap();
    assert_eq!(leases(&fixture, 9).len(), 1);
    assert!(fixture.queue.remove_limit("api").unwrap());
    assert_eq!(leases(&fixture, 9).len(), 5);
    assert!(fixture.queue.limits().unwrap().is_empty());
}

#[test]
fn a_removed_limit_is_refused_by_every_handle_as_one_that_was_never_set() {
    let fixture = Fixture::new();
    let other = fixture.another_handle();
    fixture.queue.set_limit("api", Limit::unlimited()).unwrap();
    limited(&fixture, 1);
    other.enqueue(task("x").limit("api")).unwrap();
    assert!(fixture.queue.remove_limit("api").unwrap());
    for queue in [&fixture.queue, &other] {
        let refused = queue.enqueue(task("x").limit("api"));
        assert!(matches!(refused, Err(Error::UnknownLimit { .. })), "{refused:?}");
        assert!(!queue.remove_limit("api").unwrap());
    }
    assert!(!other.remove_limit("never set").unwrap());
}

#[test]
fn a_limit_that_is_set_again_bounds_what_is_left_of_its_tasks() {
    let fixture = Fixture::new();
    fixture.queue.set_limit("api", Limit::concurrency(1)).unwrap();
    limited(&fixture, 2);
    let first = fixture.claim_one();
    fixture.queue.remove_limit("api").unwrap();
    fixture.queue.set_limit("api", Limit::concurrency(1)).unwrap();
    limited(&fixture, 1);
    assert!(leases(&fixture, 9).is_empty(), "the first still runs");
    fixture.queue.complete(&first).unwrap();
    assert_eq!(leases(&fixture, 9).len(), 1);
}

#[test]
fn a_removed_limit_leaves_room_for_others() {
    let fixture = Fixture::new();
    for number in 0..LIMITS_MAX {
        fixture.queue.set_limit(&number.to_string(), Limit::unlimited()).unwrap();
    }
    fixture.queue.enqueue(task("x").limit("7")).unwrap();
    fixture.queue.remove_limit("7").unwrap();
    fixture.queue.set_limit("one more", Limit::unlimited()).unwrap();
    let full = fixture.queue.set_limit("7", Limit::unlimited());
    assert!(matches!(full, Err(Error::TooManyLimits { .. })), "{full:?}");
    let info = fixture.queue.task(fixture.claim_one().id()).unwrap().unwrap();
    assert_eq!(info.limit.as_deref(), Some("7"));
}

#[test]
fn what_a_removed_limit_left_goes_with_a_later_removal() {
    let fixture = Fixture::new();
    let rows = |fixture: Fixture| {
        let mut rows = 0;
        let fixture = fixture.reopen_after(|path| {
            let count = "SELECT count(*) FROM prismq_limit";
            let file = rusqlite::Connection::open(path).unwrap();
            rows = file.query_row(count, [], |row| row.get(0)).unwrap();
        });
        (fixture, rows)
    };
    fixture.queue.set_limit("unused", Limit::unlimited()).unwrap();
    fixture.queue.remove_limit("unused").unwrap();
    fixture.queue.set_limit("api", Limit::unlimited()).unwrap();
    limited(&fixture, 1);
    fixture.queue.remove_limit("api").unwrap();
    let (_fixture, rows) = rows(fixture);
    assert_eq!(rows, 1, "of the one that a task names");
}
