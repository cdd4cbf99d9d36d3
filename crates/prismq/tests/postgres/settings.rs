//! Settings that another process changes: a client that has read them before does as they are now.

use std::time::Duration;

use prismq::{Claim, Error, Lease, NewTask, Order, Queue, State};

use crate::support::{Proxy, cluster, queue, task, url, wait_for};

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

/// Longer than it takes to send a statement.
const DELAY: Duration = Duration::from_millis(2);

/// A claim is one statement where nothing is in its way. Until then it looks first.
pub(crate) fn a_claim_finds_what_was_changed_since() {
    let cluster = cluster(&[]);
    let proxy = Proxy::delayed(cluster.folder(), DELAY);
    let (used, other) = clients(&proxy.url());
    let types = Claim::new(["job", "other"]).max(9);
    let claimed = || {
        let claimed = used.claim(&types).unwrap();
        claimed.iter().for_each(|lease| used.complete(lease).unwrap());
        claimed.iter().map(Lease::id).collect::<Vec<_>>()
    };
    let until_alone = || {
        wait_for("claims wait once", || {
            proxy.round_trips();
            assert_eq!(claimed(), []);
            proxy.round_trips() == 1
        });
    };
    let is_due = "SELECT min(run_at) <= extract(epoch FROM clock_timestamp()) * 1000000 FROM prismq.scheduled";

    until_alone();
    let late = used.enqueue(task()).unwrap().id();
    let urgent = other.enqueue(task().priority(0).delay(Duration::from_millis(1))).unwrap().id();
    wait_for("it is due", || cluster.sql("postgres", &[is_due]).unwrap() == "t");
    assert_eq!(claimed(), [urgent, late], "a task that became due");

    until_alone();
    let id = other.enqueue(NewTask::new("other", [])).unwrap().id();
    assert_eq!(claimed(), [id], "a type that was added");

    until_alone();
    let add = "INSERT INTO prismq.prismq_inbox (type, payload) VALUES ('job', '')";
    cluster.sql("postgres", &[add]).unwrap();
    assert_eq!(claimed().len(), 1, "a row of the inbox");

    until_alone();
    other.pause("default").unwrap();
    let id = other.enqueue(task()).unwrap().id();
    assert_eq!(claimed(), [], "the queue is paused");
    other.resume("default").unwrap();
    assert_eq!(claimed(), [id]);

    until_alone();
    other.set_concurrency("default", Some(1)).unwrap();
    other.enqueue_all([task(), task()]).unwrap();
    assert_eq!(used.claim(&types).unwrap().len(), 1);
    assert_eq!(used.claim(&types).unwrap().len(), 0, "as many run as may");
}
