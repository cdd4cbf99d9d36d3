//! Cancelling, deleting and redriving tasks that limits and keys count.

use std::time::Duration;

use prismq::{Limit, TaskError, TaskId};

use super::{drained, keyed, leases, payloads};
use crate::support::{Fixture, RETRY, task};

#[test]
fn an_ordered_key_goes_on_when_the_task_that_keeps_it_is_cancelled_or_deleted() {
    for delete in [false, true] {
        let fixture = Fixture::new();
        let ordered = |payload: &str| keyed("k", payload).ordered();
        let first = fixture.queue.enqueue(ordered("1")).unwrap().id();
        fixture.queue.enqueue(ordered("2")).unwrap();
        fixture.queue.fail(&fixture.claim_one(), TaskError::new("later")).unwrap();
        assert!(leases(&fixture, 9).is_empty());
        if delete {
            fixture.queue.tasks().delete().unwrap();
            fixture.queue.enqueue(ordered("2")).unwrap();
        } else {
            fixture.queue.cancel(first).unwrap();
        }
        assert_eq!(drained(&fixture), ["2"], "deleted: {delete}");
        fixture.clock.advance(RETRY);
        assert!(leases(&fixture, 9).is_empty());
    }
}

#[test]
fn a_redriven_task_of_a_key_waits_for_a_slot_as_any() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    queue.set_limit("tenants", Limit::concurrency(1).per_key()).unwrap();
    let of_key = |payload: &str| task(payload).limit("tenants").key("k");
    queue.enqueue(of_key("dead")).unwrap();
    queue.fail(&fixture.claim_one(), TaskError::permanent("no")).unwrap();
    queue.enqueue(of_key("other")).unwrap();
    let other = fixture.claim_one();
    assert_eq!(queue.tasks().dead().redrive().unwrap(), 1);
    assert!(leases(&fixture, 9).is_empty(), "the other runs");
    queue.complete(&other).unwrap();
    assert_eq!(drained(&fixture), ["dead"]);
}

#[test]
fn a_running_task_that_is_cancelled_frees_its_slot_when_it_ends() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    queue.set_limit("api", Limit::concurrency(1)).unwrap();
    queue.enqueue_all(&["1", "2"].map(|payload| task(payload).limit("api"))).unwrap();
    let first = fixture.claim_one();
    queue.cancel(first.id()).unwrap();
    assert!(leases(&fixture, 9).is_empty());
    queue.release(&first).unwrap();
    assert_eq!(payloads(&leases(&fixture, 9)), ["2"]);
    assert_eq!(queue.limits().unwrap()[0].running, 1);
}

#[test]
fn delayed_tasks_of_a_key_can_be_cancelled() {
    let fixture = Fixture::new();
    let hour = Duration::from_secs(3600);
    let delayed: Vec<TaskId> = ["1", "2"]
        .map(|payload| fixture.queue.enqueue(keyed("k", payload).delay(hour)).unwrap().id())
        .into();
    fixture.queue.cancel(delayed[0]).unwrap();
    fixture.clock.advance(hour);
    assert_eq!(drained(&fixture), ["2"]);
}
