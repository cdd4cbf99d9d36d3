//! What limits, keys and the concurrency of queues let start, while several clients claim.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use prismq::limits::CLAIM_BYTES_MAX;
use prismq::{Claim, Lease, Limit, NewTask, Queue};
use prismq_cluster::Cluster;

use crate::support::{cluster, queue, url, wait_for};

const CLIENTS: usize = 4;
const TASKS: usize = 60;

/// The leased tasks of each name, counted from their claim until just before their completion.
#[derive(Default)]
struct Running(Mutex<HashMap<String, usize>>);

impl Running {
    /// How many there are after one more, or one less.
    fn count(&self, name: &str, change: fn(usize) -> usize) -> usize {
        let mut running = self.0.lock().unwrap();
        let count = running.entry(name.to_owned()).or_default();
        *count = change(*count);
        *count
    }
}

/// Lets several clients claim and complete all tasks, `most` of each name at a time; `claimed` is called with each.
fn drain(
    cluster: &Cluster,
    most: usize,
    name: impl Fn(&Lease) -> String + Sync,
    claimed: impl Fn(&Lease) + Sync,
) {
    let (done, running) = (AtomicUsize::new(0), Running::default());
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let client = queue(&url(cluster));
                wait_for("all tasks are done", || {
                    let leases = client.claim(&Claim::new(["job"]).max(3)).unwrap();
                    for lease in &leases {
                        let count = running.count(&name(lease), |count| count + 1);
                        assert!(count <= most, "{count} tasks of {} run", name(lease));
                        claimed(lease);
                    }
                    for lease in &leases {
                        running.count(&name(lease), |count| count - 1);
                        client.complete(lease).unwrap();
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                    done.load(Ordering::SeqCst) >= TASKS
                });
            });
        }
    });
    assert_eq!(done.into_inner(), TASKS);
    assert_eq!(cluster.sql("postgres", &["SELECT count(*) FROM prismq.slot"]).unwrap(), "0");
}

fn with_tasks(cluster: &Cluster, limit: Limit, task: impl Fn(usize) -> NewTask) -> Queue {
    let queue = queue(&url(cluster));
    queue.set_limit("api", limit).unwrap();
    queue.enqueue_all((0..TASKS).map(task)).unwrap();
    queue
}

/// The claim is committed before its payloads are seen.
pub(crate) fn tasks_too_large_for_a_claim_are_put_back() {
    let cluster = cluster(&["fsync=off"]);
    let queue = queue(&url(&cluster));
    let third = CLAIM_BYTES_MAX / 3 + 1;
    let ids: Vec<_> =
        (0..3).map(|_| queue.enqueue(NewTask::new("job", vec![7; third])).unwrap().id()).collect();
    let claim = Claim::new(["job"]).max(3);
    let first = queue.claim(&claim).unwrap();
    assert_eq!(first.iter().map(Lease::id).collect::<Vec<_>>(), ids[..2]);
    let stats = queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.leased), (1, 2));
    let rest = queue.claim(&claim).unwrap();
    assert_eq!(
        rest.iter().map(|lease| (lease.id(), lease.attempt())).collect::<Vec<_>>(),
        [(ids[2], 1)]
    );
}

/// It has lost its deadline, and is claimed first.
pub(crate) fn a_task_that_had_to_start_earlier_is_not_claimed() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    let late = NewTask::new("job", []).expires_after(Duration::from_micros(1));
    let late = queue.enqueue(late).unwrap().id();
    queue.enqueue(NewTask::new("job", [])).unwrap();
    cluster.sql("postgres", &["DELETE FROM prismq.deadline"]).unwrap();
    let claimed = || queue.claim(&Claim::new(["job"])).unwrap().first().map(Lease::id);
    let first = claimed().or_else(claimed).unwrap();
    assert!(first > late);
    wait_for("it is dead", || {
        assert_eq!(claimed(), None);
        queue.stats("default").unwrap().dead == 1
    });
    assert_eq!(queue.stats("default").unwrap().leased, 1);
}

pub(crate) fn no_more_tasks_run_than_a_limit_allows() {
    let cluster = cluster(&["fsync=off"]);
    with_tasks(&cluster, Limit::concurrency(3), |_| NewTask::new("job", []).limit("api"));
    drain(&cluster, 3, |_| "api".to_owned(), |_| {});
}

pub(crate) fn no_more_tasks_of_a_key_run_than_its_limit_allows() {
    let cluster = cluster(&["fsync=off"]);
    with_tasks(&cluster, Limit::concurrency(1).per_key(), |number| {
        NewTask::new("job", [(number % 7) as u8]).limit("api").key(format!("{}", number % 7))
    });
    drain(&cluster, 1, |lease| format!("{:?}", lease.payload()), |_| {});
}

pub(crate) fn ordered_tasks_of_a_key_run_in_order() {
    let cluster = cluster(&["fsync=off"]);
    with_tasks(&cluster, Limit::unlimited(), |number| {
        NewTask::new("job", [(number % 5) as u8]).key(format!("{}", number % 5)).ordered()
    });
    let last = Mutex::new(HashMap::new());
    let key = |lease: &Lease| format!("{:?}", lease.payload());
    drain(&cluster, 1, key, |lease| {
        let before = last.lock().unwrap().insert(key(lease), lease.id());
        assert!(
            before.is_none_or(|before| before < lease.id()),
            "{before:?} before {}",
            lease.id()
        );
    });
}

pub(crate) fn no_more_tasks_of_a_queue_run_than_it_is_set_to() {
    let cluster = cluster(&["fsync=off"]);
    let queue = with_tasks(&cluster, Limit::unlimited(), |_| NewTask::new("job", []));
    queue.set_concurrency("default", Some(2)).unwrap();
    drain(&cluster, 2, |lease| lease.queue().to_owned(), |_| {});
}

pub(crate) fn keys_without_tasks_are_forgotten() {
    let cluster = cluster(&["fsync=off"]);
    let queue = with_tasks(&cluster, Limit::unlimited(), |number| {
        NewTask::new("job", []).limit("api").key(format!("{number}"))
    });
    let keys = || cluster.sql("postgres", &["SELECT count(*) FROM prismq.key"]).unwrap();
    assert_eq!(keys(), TASKS.to_string());
    drain(&cluster, TASKS, |_| "all".to_owned(), |_| {});
    // A client does so after some of its transactions.
    let kept = queue.enqueue(&NewTask::new("other", []).limit("api").key("kept")).unwrap();
    wait_for("the keys are gone", || {
        queue.claim(&Claim::new(["job"])).unwrap();
        keys() == "1"
    });
    let found = queue.task(kept.id()).unwrap().unwrap();
    assert_eq!(found.key.as_deref(), Some("kept"));
}
