//! Putting dead tasks back.

use std::time::Duration;

use prismq::{Clock as _, Error, Order, Redrive, State, TaskError};

use super::{assert_balanced, dead};
use crate::support::{Fixture, LEASE, claim, ids};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn only_the_meant_tasks_are_put_back_with_all_their_attempts() {
    let fixture = Fixture::new();
    let refused = dead(&fixture, "job", "connection refused");
    let full = dead(&fixture, "job", "disk full");
    assert_eq!(fixture.queue.tasks().error_contains("refused").redrive().unwrap(), 1);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.dead), (1, 1));
    let task = fixture.queue.task(refused).unwrap().unwrap();
    assert_eq!((task.state, task.attempt, task.max_attempts), (State::Ready, 0, 5));
    assert_eq!(task.error.as_deref(), Some("connection refused"));
    assert_eq!(fixture.queue.task(full).unwrap().unwrap().state, State::Dead);
    let lease = fixture.claim_one();
    assert_eq!((lease.id(), lease.attempt(), lease.token()), (refused, 1, 3));
    fixture.queue.complete(&lease).unwrap();
    assert_balanced(&fixture, "default");
    assert_eq!(fixture.queue.tasks().ready().redrive().unwrap(), 0, "none of them is dead");
}

#[test]
fn attempts_that_are_kept_go_on_and_leave_at_least_one() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(&crate::support::task("job").max_attempts(2)).unwrap().id();
    for _ in 0..2 {
        fixture
            .queue
            .fail(&fixture.claim_one(), TaskError::new("no").retry_after(Duration::ZERO))
            .unwrap();
    }
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Dead);
    assert_eq!(fixture.queue.tasks().redrive_with(Redrive::new().keep_attempts()).unwrap(), 1);
    let lease = fixture.claim_one();
    assert_eq!((lease.attempt(), lease.max_attempts()), (3, 3));
    fixture.queue.fail(&lease, "again").unwrap();
    assert_eq!(fixture.queue.task(id).unwrap().unwrap().state, State::Dead);
}

#[test]
fn a_rate_spreads_the_tasks_over_time() {
    let fixture = Fixture::new();
    // More than one transaction changes.
    let tasks = vec![crate::support::task("job"); 1030];
    let ids = ids(fixture.queue.enqueue_all(&tasks).unwrap());
    for lease in fixture.queue.claim(&claim().max(2000)).unwrap() {
        fixture.queue.fail(&lease, TaskError::permanent("no")).unwrap();
    }
    let now = fixture.clock.now();
    let redrive = Redrive::new().rate(10, SECOND);
    assert_eq!(fixture.queue.tasks().dead().redrive_with(redrive).unwrap(), 1030);
    let due = |index: usize| fixture.queue.task(ids[index]).unwrap().unwrap().run_at;
    assert_eq!(due(0), now);
    assert_eq!(due(1), now.after(SECOND / 10));
    assert_eq!(due(1029), now.after(1029 * SECOND / 10));
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.scheduled), (1, 1029));
    fixture.clock.advance(10 * SECOND);
    assert_eq!(fixture.claim(2000).len(), 101);
}

#[test]
fn a_rate_that_cannot_be_is_refused_before_anything_is_done() {
    let fixture = Fixture::new();
    dead(&fixture, "job", "no");
    dead(&fixture, "job", "no");
    let year = 365 * 24 * 3600 * SECOND;
    for (tasks, period) in [(0, SECOND), (1, Duration::ZERO), (1, Duration::MAX), (1, 6 * year)] {
        let refused = fixture.queue.tasks().redrive_with(Redrive::new().rate(tasks, period));
        assert!(matches!(refused, Err(Error::InvalidInput { what: "rate", .. })), "{refused:?}");
    }
    assert_eq!(fixture.queue.stats("default").unwrap().dead, 2);
}

#[test]
fn a_redriven_task_that_dies_again_is_not_put_back_twice() {
    let fixture = Fixture::new();
    dead(&fixture, "job", "no");
    assert_eq!(fixture.queue.tasks().redrive().unwrap(), 1);
    fixture.clock.advance(SECOND);
    fixture.queue.fail(&fixture.claim_one(), TaskError::permanent("no")).unwrap();
    assert_eq!(fixture.queue.stats("default").unwrap().dead, 1);
}

#[test]
fn a_task_that_died_of_its_expired_leases_is_put_back_as_no_suspect() {
    let fixture = Fixture::new();
    let id = fixture.queue.enqueue(&crate::support::task("job").max_attempts(1)).unwrap().id();
    fixture.claim_one();
    fixture.clock.advance(LEASE);
    assert_eq!(fixture.claim(9).len(), 0);
    let task = fixture.queue.task(id).unwrap().unwrap();
    assert_eq!((task.state, task.run_at), (State::Dead, fixture.clock.now()));
    assert_eq!(fixture.queue.tasks().redrive().unwrap(), 1);
    assert_eq!(fixture.claim_one().id(), id);
}

#[test]
fn dead_tasks_do_not_keep_a_queue_from_another_order_and_follow_it_once_redriven() {
    let fixture = Fixture::new();
    let first = dead(&fixture, "job", "no");
    let second = dead(&fixture, "job", "no");
    fixture.queue.set_order("default", Order::LastInFirstOut).unwrap();
    assert_eq!(fixture.queue.tasks().redrive().unwrap(), 2);
    let claimed: Vec<_> = fixture.claim(9).iter().map(prismq::Lease::id).collect();
    assert_eq!(claimed, [second, first]);
    let refused = fixture.queue.set_order("default", Order::Priority).unwrap_err();
    assert!(refused.to_string().contains("holds 2 tasks that wait or run"), "{refused}");
}
