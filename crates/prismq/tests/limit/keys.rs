//! The keys of tasks take turns, each within its bounds.

use std::collections::HashMap;
use std::time::Duration;

use prismq::{Claim, Limit, NewTask, TaskError};

use super::{drained, keyed, leases, payloads};
use crate::support::{Fixture, LEASE, RETRY, claim, task};

#[test]
fn a_key_with_many_tasks_keeps_no_other_waiting() {
    let fixture = Fixture::new();
    fixture.queue.enqueue_all(&vec![keyed("large", "large"); 5000]).unwrap();
    assert_eq!(leases(&fixture, 100).len(), 100);
    fixture.queue.enqueue_all(&vec![keyed("small", "small"); 10]).unwrap();
    let claimed = payloads(&leases(&fixture, 30));
    let small: Vec<usize> = (0..30).filter(|place| claimed[*place] == "small").collect();
    assert_eq!(small.len(), 10, "{claimed:?}");
    assert!(small[9] <= 20, "every second one: {claimed:?}");
}

#[test]
fn keys_take_turns_one_claim_at_a_time_too() {
    let fixture = Fixture::new();
    for key in ["a", "b", "c"] {
        fixture.queue.enqueue_all(&vec![keyed(key, key); 4]).unwrap();
    }
    let order = drained(&fixture);
    for round in order.chunks(3) {
        let mut round = round.to_vec();
        round.sort();
        assert_eq!(round, ["a", "b", "c"], "{order:?}");
    }
}

/// A key whose every task is enqueued only when the last has ended has no tasks in between.
#[test]
fn a_key_that_comes_and_goes_takes_no_more_than_its_turns() {
    let fixture = Fixture::new();
    fixture.queue.enqueue_all(&vec![keyed("many", "many"); 40]).unwrap();
    fixture.queue.enqueue(&keyed("chain", "chain")).unwrap();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for _ in 0..40 {
        let lease = fixture.claim_one();
        let payload = crate::support::text(&lease);
        fixture.queue.complete(&lease).unwrap();
        if payload == "chain" {
            fixture.queue.enqueue(&keyed("chain", "chain")).unwrap();
        }
        *counts.entry(payload).or_default() += 1;
    }
    assert!((13..=27).contains(&counts["many"]), "{counts:?}");
}

/// Each is served once before those that came later are, so that no number of them keeps it waiting for ever.
#[test]
fn ever_new_keys_do_not_keep_an_old_one_waiting() {
    let fixture = Fixture::new();
    fixture.queue.enqueue_all(&vec![keyed("old", "old"); 100]).unwrap();
    let mut old = 0;
    for number in 0..60 {
        for new in 0..2 {
            fixture.queue.enqueue(&keyed(&format!("{number}-{new}"), "new")).unwrap();
        }
        let lease = fixture.claim_one();
        old += usize::from(lease.payload() == b"old");
        fixture.queue.complete(&lease).unwrap();
    }
    assert!(old >= 5, "{old} of 60");
}

#[test]
fn priority_orders_the_tasks_of_one_key() {
    let fixture = Fixture::new();
    fixture
        .queue
        .enqueue_all(&[keyed("a", "a100"), keyed("a", "a1").priority(1), keyed("b", "b")])
        .unwrap();
    let order = drained(&fixture);
    let place = |payload: &str| order.iter().position(|other| other == payload).unwrap();
    assert!(place("a1") < place("a100") && place("b") < place("a100"), "{order:?}");
}

#[test]
fn no_more_tasks_of_a_key_run_at_once_than_the_limit_allows() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    queue.set_limit("tenants", Limit::concurrency(2).per_key()).unwrap();
    for key in ["a", "b"] {
        queue.enqueue_all(&vec![task(key).limit("tenants").key(key); 5]).unwrap();
    }
    // The same key of another type counts with it.
    queue.enqueue(&NewTask::new("other", *b"a").limit("tenants").key("a")).unwrap();
    let all = Claim::new(["job", "other"]).max(99);
    let mut running = queue.claim(&all).unwrap();
    let count = |running: &[prismq::Lease], key: &str| {
        running.iter().filter(|lease| lease.payload() == key.as_bytes()).count()
    };
    assert_eq!((count(&running, "a"), count(&running, "b")), (2, 2));
    assert!(queue.claim(&all).unwrap().is_empty());
    let done = running.iter().position(|lease| lease.payload() == b"a").unwrap();
    queue.complete(&running.remove(done)).unwrap();
    let next = queue.claim(&all).unwrap();
    assert_eq!(payloads(&next), ["a"]);
    running.extend(next);
    fixture.clock.advance(LEASE);
    let again = queue.claim(&all).unwrap();
    assert_eq!((count(&again, "a"), count(&again, "b")), (2, 2), "their leases expired");
}

#[test]
fn a_retry_of_a_keyed_task_waits_for_a_slot_again() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    queue.set_limit("tenants", Limit::concurrency(1).per_key()).unwrap();
    let tasks = ["a", "b", "c"].map(|payload| task(payload).limit("tenants").key("k"));
    queue.enqueue_all(&tasks).unwrap();
    let first = fixture.claim_one();
    queue.fail(&first, TaskError::new("later")).unwrap();
    let second = fixture.claim_one();
    assert_eq!(second.payload(), b"b");
    fixture.clock.advance(RETRY);
    assert!(leases(&fixture, 9).is_empty());
    queue.release(&second).unwrap();
    assert_eq!(drained(&fixture), ["a", "b", "c"]);
}

#[test]
fn delayed_tasks_of_a_key_run_when_they_are_due() {
    let fixture = Fixture::new();
    let delay = Duration::from_secs(5);
    fixture.queue.enqueue(&keyed("k", "later").delay(delay)).unwrap();
    assert!(leases(&fixture, 9).is_empty());
    fixture.clock.advance(delay);
    assert_eq!(drained(&fixture), ["later"]);
}

#[test]
fn tasks_of_keys_and_others_share_a_claim() {
    let fixture = Fixture::new();
    fixture
        .queue
        .enqueue_all(&[
            task("second").priority(2),
            keyed("k", "first").priority(1),
            task("third").priority(3),
            keyed("k", "last"),
        ])
        .unwrap();
    assert_eq!(
        payloads(&fixture.queue.claim(&claim().max(9)).unwrap()),
        ["first", "second", "third", "last"]
    );
}

#[test]
fn a_key_without_tasks_is_forgotten_as_others_come() {
    let fixture = Fixture::new();
    fixture.queue.set_limit("tenants", Limit::concurrency(1).per_key()).unwrap();
    let keys = || fixture.queue.limits().unwrap()[0].keys;
    for number in 0..100 {
        let key = format!("{number}");
        fixture.queue.enqueue(&task("x").limit("tenants").key(key)).unwrap();
        fixture.queue.complete(&fixture.claim_one()).unwrap();
    }
    assert_eq!(keys(), 100);
    fixture.clock.advance(Duration::from_secs(61));
    for number in 0..40 {
        let key = format!("again {number}");
        fixture.queue.enqueue(&task("x").limit("tenants").key(key)).unwrap();
    }
    assert_eq!(keys(), 40);
    assert_eq!(drained(&fixture).len(), 40);
}

#[test]
fn a_key_is_kept_while_it_has_a_dead_or_a_scheduled_task() {
    let fixture = Fixture::new();
    let dead = fixture.queue.enqueue(&keyed("dead", "dead")).unwrap();
    fixture.queue.fail(&fixture.claim_one(), TaskError::permanent("no")).unwrap();
    fixture.queue.enqueue(&keyed("retried", "retried")).unwrap();
    let hour = Duration::from_secs(3600);
    let retry = TaskError::new("later").retry_after(hour);
    fixture.queue.fail(&fixture.claim_one(), retry).unwrap();
    fixture.clock.advance(hour / 2);
    for number in 0..9 {
        fixture.queue.enqueue(&keyed(&format!("{number}"), "x")).unwrap();
    }
    assert_eq!(fixture.queue.task(dead.id()).unwrap().unwrap().state, prismq::State::Dead);
    assert_eq!(drained(&fixture).len(), 9);
    fixture.clock.advance(hour);
    assert_eq!(drained(&fixture), ["retried"]);
}

/// Room for the new key is made by deleting keys without tasks, of which the other was one until this call.
#[test]
fn a_key_is_not_deleted_by_the_transaction_that_adds_a_task_of_it() {
    let fixture = Fixture::new();
    fixture.queue.enqueue(&keyed("old", "first")).unwrap();
    assert_eq!(drained(&fixture), ["first"]);
    let hour = Duration::from_secs(3600);
    // Whose lane has a later number.
    fixture.queue.enqueue(&keyed("busy", "last").delay(3 * hour)).unwrap();
    fixture.clock.advance(hour);
    let tasks = [keyed("old", "delayed").delay(hour), keyed("new", "at once")];
    fixture.queue.enqueue_all(&tasks).unwrap();
    for number in 0..9 {
        fixture.queue.enqueue(&keyed(&format!("{number}"), "another")).unwrap();
    }
    assert_eq!(drained(&fixture).len(), 10);
    fixture.clock.advance(hour);
    assert_eq!(drained(&fixture), ["delayed"]);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.scheduled, stats.dead, stats.completed), (1, 0, 12));
}

/// The number of the lane of a key without tasks is used again, which another handle did.
#[test]
fn a_handle_does_not_mistake_a_new_key_for_one_whose_lane_it_used() {
    let fixture = Fixture::new();
    let [other, sweeping] = [(); 2].map(|()| fixture.another_handle());
    let keys: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let tasks = |keys: &[String]| keys.iter().map(|key| keyed(key, key)).collect::<Vec<_>>();
    fixture.queue.enqueue_all(tasks(&keys)).unwrap();
    let stale = fixture.claim_one();
    fixture.clock.advance(LEASE);
    assert_eq!(fixture.claim(200).len(), 100);
    fixture.clock.advance(LEASE);
    let leases = fixture.claim(200);
    leases.iter().for_each(|lease| fixture.queue.complete(lease).unwrap());
    let lanes = || -> (i64, i64) {
        let select = "SELECT count(*), coalesce(min(id), 0) FROM prismq_lane WHERE id < 0";
        let file = rusqlite::Connection::open(fixture.path()).unwrap();
        file.query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    // It has yet to look for keys without tasks, for so many that it added.
    let added = (0..64).map(|number| keyed(&format!("added {number}"), "x").queue("added"));
    sweeping.enqueue_all(added).unwrap();
    assert_eq!(fixture.queue.tasks().queue("added").delete().unwrap(), 64);
    assert_eq!(lanes(), (164, -164));
    fixture.clock.advance(Duration::from_secs(61));
    sweeping.enqueue(task("without a key").queue("other")).unwrap();
    assert_eq!(lanes(), (0, 0), "this test is about numbers that are free");

    other.set_limit("one", Limit::concurrency(1).per_key()).unwrap();
    let tenant = |payload: &str| {
        NewTask::new("other", payload.as_bytes()).queue("other").limit("one").key("tenant")
    };
    other.enqueue_all([tenant("first"), tenant("second")]).unwrap();
    assert_eq!(lanes(), (1, -1));
    fixture.queue.enqueue_all(tasks(&keys[..3])).unwrap();
    let claim_other = Claim::new(["other"]).queue("other").max(9);
    let tenants = other.claim(&claim_other).unwrap();
    assert_eq!(payloads(&tenants), ["first"]);
    assert!(fixture.queue.complete(&stale).unwrap_err().is_lease_lost());
    assert!(other.claim(&claim_other).unwrap().is_empty(), "the slot is not free");
    for key in &keys[..3] {
        assert_eq!(fixture.queue.tasks().queue("default").key(key.as_str()).count().unwrap(), 1);
    }
    let mut drained = drained(&fixture);
    drained.sort();
    assert_eq!(drained, keys[..3]);
}
