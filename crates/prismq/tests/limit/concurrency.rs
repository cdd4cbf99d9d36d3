//! How many tasks run at once, of a queue and of a limit.

use prismq::{Claim, Limit, TaskError};

use super::{leases, payloads};
use crate::support::{Fixture, LEASE, RETRY, claim, task};

/// A queue in which so many tasks wait that may run two at a time.
fn two_at_once(tasks: usize) -> Fixture {
    let fixture = Fixture::new();
    fixture.queue.set_limit("api", Limit::concurrency(2)).unwrap();
    fixture.queue.enqueue_all(&vec![task("x").limit("api"); tasks]).unwrap();
    fixture
}

#[test]
fn no_more_tasks_of_a_limit_run_at_once_than_it_allows() {
    let fixture = two_at_once(5);
    let mut running = leases(&fixture, 9);
    assert_eq!(running.len(), 2);
    assert!(leases(&fixture, 9).is_empty());
    for left in [2, 2, 2, 1, 0] {
        fixture.queue.complete(&running.remove(0)).unwrap();
        running.extend(leases(&fixture, 9));
        assert_eq!(running.len(), left);
    }
}

#[test]
fn a_limit_counts_the_tasks_of_all_types_and_queues_and_no_others() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    queue.set_limit("api", Limit::concurrency(1)).unwrap();
    queue.enqueue(&task("a").limit("api")).unwrap();
    queue.enqueue(&prismq::NewTask::new("other", *b"b").limit("api")).unwrap();
    queue.enqueue(&task("c").limit("api").queue("mail")).unwrap();
    queue.enqueue(&task("free")).unwrap();
    let both = Claim::new(["job", "other"]).max(9);
    let claimed = queue.claim(&both).unwrap();
    assert_eq!(payloads(&claimed), ["a", "free"]);
    assert!(queue.claim(&both).unwrap().is_empty());
    assert!(queue.claim(&claim().queue("mail")).unwrap().is_empty());
    queue.complete(&claimed[0]).unwrap();
    assert_eq!(payloads(&queue.claim(&claim().queue("mail")).unwrap()), ["c"]);
}

#[test]
fn every_way_out_of_a_lease_frees_its_slot() {
    let fixture = two_at_once(1);
    let queue = &fixture.queue;
    queue.set_limit("api", Limit::concurrency(1)).unwrap();
    queue.enqueue(&task("next").limit("api")).unwrap();
    let next_starts = |what: &str| {
        let next = leases(&fixture, 1);
        assert_eq!(next.len(), 1, "after {what}");
        assert!(leases(&fixture, 1).is_empty(), "a second one after {what}");
        next.into_iter().next().unwrap()
    };
    let first = next_starts("nothing");
    queue.release(&first).unwrap();
    let again = next_starts("a release");
    queue.fail(&again, TaskError::new("later")).unwrap();
    let second = next_starts("a failure that is retried");
    queue.fail(&second, TaskError::permanent("never")).unwrap();
    fixture.clock.advance(RETRY);
    let retry = next_starts("a dead letter");
    fixture.clock.advance(LEASE);
    let reclaimed = next_starts("an expired lease");
    assert!(queue.complete(&retry).unwrap_err().is_lease_lost());
    assert!(leases(&fixture, 1).is_empty(), "a lost lease frees no slot");
    queue.complete(&reclaimed).unwrap();
    assert_eq!(queue.limits().unwrap()[0].running, 0);
}

#[test]
fn a_queue_runs_no_more_tasks_at_once_than_it_is_set_to() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    queue.enqueue_all(&vec![task("x"); 5]).unwrap();
    let first = leases(&fixture, 1);
    queue.set_concurrency("default", Some(3)).unwrap();
    assert_eq!(leases(&fixture, 9).len(), 2, "one ran already");
    let written = queue.contention().write_transactions;
    assert!(fixture.another_handle().claim(&claim()).unwrap().is_empty());
    assert!(leases(&fixture, 9).is_empty());
    assert_eq!(queue.contention().write_transactions, written, "a full queue is not even locked");
    queue.complete(&first[0]).unwrap();
    assert_eq!(leases(&fixture, 9).len(), 1);
    queue.set_concurrency("default", None).unwrap();
    assert_eq!(leases(&fixture, 9).len(), 1);
}

#[test]
fn a_slot_of_a_queue_comes_back_when_the_lease_of_its_holder_has_expired() {
    let fixture = Fixture::new();
    fixture.queue.set_concurrency("default", Some(1)).unwrap();
    fixture.queue.enqueue_all(&[task("a"), task("b")]).unwrap();
    assert_eq!(fixture.claimed(9), ["a"]);
    fixture.clock.advance(LEASE);
    assert_eq!(fixture.claimed(9), ["a"]);
}

#[test]
fn a_lower_bound_waits_for_tasks_that_run_and_a_higher_one_starts_more_at_once() {
    let fixture = two_at_once(9);
    let queue = &fixture.queue;
    let running = leases(&fixture, 9);
    queue.set_limit("api", Limit::concurrency(1)).unwrap();
    queue.complete(&running[0]).unwrap();
    assert!(leases(&fixture, 9).is_empty(), "one still runs");
    queue.set_limit("api", Limit::concurrency(4)).unwrap();
    assert_eq!(leases(&fixture, 9).len(), 3);
    queue.set_limit("api", Limit::unlimited()).unwrap();
    assert_eq!(leases(&fixture, 9).len(), 4);
    assert_eq!(queue.limits().unwrap()[0].running, 8 - 1 + 1);
}

#[test]
fn a_damaged_task_does_not_keep_its_slot() {
    let fixture = two_at_once(2);
    fixture.queue.set_limit("api", Limit::concurrency(1)).unwrap();
    crate::support::alter(&fixture, "UPDATE prismq_task SET max_attempts = 0 WHERE id = 1");
    assert_eq!(leases(&fixture, 1).len(), 1, "the second");
    assert_eq!(fixture.queue.limits().unwrap()[0].running, 1);
}
