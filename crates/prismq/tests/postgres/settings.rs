//! Settings that another process changes: a client that has read them before does as they are now.

use std::time::Duration;

use prismq::{Claim, Error, Lease, Order, Queue, State};

use crate::support::{cluster, queue, task, url};

/// Two clients, of which the first has added and completed tasks before.
fn clients(url: &str) -> (Queue, Queue) {
    let (used, other) = (queue(url), queue(url));
    for _ in 0..2 {
        used.enqueue(task()).unwrap();
        used.complete(&claim(&used)).unwrap();
    }
    (used, other)
}

fn claim(queue: &Queue) -> Lease {
    queue.claim(&Claim::new(["job"])).unwrap().remove(0)
}

pub(crate) fn an_enqueue_keeps_to_a_depth_limit_that_was_set_since() {
    let cluster = cluster(&[]);
    let (used, other) = clients(&url(&cluster));
    other.set_depth_limit("default", 1).unwrap();
    used.enqueue(task()).unwrap();
    assert!(matches!(used.enqueue(task()), Err(Error::QueueFull { limit: 1, .. })));
    assert_eq!(used.tasks().count().unwrap(), 1);
    assert_eq!(used.stats("default").unwrap().enqueued, 3, "a task was counted twice");
    other.set_depth_limit("default", None).unwrap();
    for _ in 0..3 {
        used.enqueue(task()).unwrap();
    }
    assert_eq!(used.stats("default").unwrap().enqueued, 6);
}

pub(crate) fn tasks_are_in_the_order_that_was_set_since() {
    let cluster = cluster(&[]);
    let (used, other) = clients(&url(&cluster));
    for order in [Order::FirstInFirstOut, Order::LastInFirstOut, Order::Priority] {
        other.set_order("default", order).unwrap();
        // By one statement, and by one each.
        let mut ids = Vec::new();
        let added = used.enqueue_all([9, 8].map(|priority| task().priority(priority))).unwrap();
        ids.extend(added.into_iter().map(|added| added.id()));
        for priority in [7, 6] {
            ids.push(used.enqueue(task().priority(priority)).unwrap().id());
        }
        assert!(ids.is_sorted());
        if order != Order::FirstInFirstOut {
            ids.reverse();
        }
        let claimed = other.claim(&Claim::new(["job"]).max(9)).unwrap();
        assert_eq!(claimed.iter().map(|lease| lease.id()).collect::<Vec<_>>(), ids, "{order:?}");
        claimed.iter().for_each(|lease| used.complete(lease).unwrap());
    }
}

pub(crate) fn a_completion_is_kept_if_that_was_set_since() {
    let cluster = cluster(&[]);
    let (used, other) = clients(&url(&cluster));
    let id = used.enqueue(task()).unwrap().id();
    let lease = claim(&used);
    other.set_history("default", 10).unwrap();
    used.complete(&lease).unwrap();
    assert_eq!(other.task(id).unwrap().unwrap().state, State::Completed);
    assert_eq!(used.stats("default").unwrap().completed, 3);
}

pub(crate) fn a_completion_is_kept_for_the_time_of_its_type_if_that_was_set_since() {
    let cluster = cluster(&[]);
    let (used, other) = clients(&url(&cluster));
    let id = used.enqueue(task()).unwrap().id();
    let lease = claim(&used);
    other.set_type_retention("job", Duration::from_secs(600)).unwrap();
    used.complete(&lease).unwrap();
    assert_eq!(other.task(id).unwrap().unwrap().state, State::Completed);
}
