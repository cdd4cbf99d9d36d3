//! How often a batch waits for the server: what a network costs most.

use std::collections::VecDeque;
use std::time::Duration;

use prismq::{Claim, Keep, Lease, Limit, NewTask, Queue, Retention};

use crate::support::{Proxy, cluster, queue, task, wait_for};

/// How often each batch is tried: an answer that comes before all is sent looks like another round trip.
const TRIES: usize = 20;
/// Longer than it takes to send the statements of a batch.
const DELAY: Duration = Duration::from_millis(5);

/// The fewest round trips that a batch takes.
fn fewest(proxy: &Proxy, mut batch: impl FnMut()) -> usize {
    let tries = (0..TRIES).map(|_| {
        proxy.round_trips();
        batch();
        proxy.round_trips()
    });
    tries.min().unwrap()
}

fn claim(queue: &Queue, tasks: usize) -> Vec<Lease> {
    queue.claim(&Claim::new(["job"]).max(tasks)).unwrap()
}

/// So many leases of tasks of its own.
fn leased(queue: &Queue, tasks: usize) -> VecDeque<Lease> {
    queue.enqueue_all((0..tasks).map(|_| task())).unwrap();
    claim(queue, tasks).into()
}

pub(crate) fn an_enqueue_waits_once_however_many_tasks_it_adds() {
    let cluster = cluster(&[]);
    let proxy = Proxy::delayed(cluster.folder(), DELAY);
    let queue = queue(&proxy.url());
    for tasks in [1, 64] {
        let trips = fewest(&proxy, || {
            queue.enqueue_all((0..tasks).map(|_| task())).unwrap();
        });
        assert_eq!(trips, 1, "{tasks} tasks");
    }
}

pub(crate) fn a_completion_waits_once_and_an_extension_twice() {
    let cluster = cluster(&[]);
    let proxy = Proxy::delayed(cluster.folder(), DELAY);
    let queue = queue(&proxy.url());
    let mut leases = leased(&queue, TRIES);
    let extended = fewest(&proxy, || {
        queue.extend(&leases[0], Duration::from_secs(60)).unwrap();
    });
    let completed = fewest(&proxy, || queue.complete(&leases.pop_front().unwrap()).unwrap());
    assert_eq!((extended, completed), (2, 1));
}

/// One that bounds what runs reads what does.
pub(crate) fn a_claim_waits_once_however_many_types_it_serves_and_whether_or_not_it_finds_enough() {
    let cluster = cluster(&[]);
    let proxy = Proxy::delayed(cluster.folder(), DELAY);
    let queue = queue(&proxy.url());
    queue.enqueue(NewTask::new("other", [])).unwrap();
    for types in [&["job"][..], &["job", "other"]] {
        let claim = |tasks| queue.claim(&Claim::new(types.iter().copied()).max(tasks)).unwrap();
        queue.enqueue_all((0..2 * TRIES).map(|_| task())).unwrap();
        let enough = fewest(&proxy, || assert_eq!(claim(2).len(), 2));
        claim(1);
        let none = fewest(&proxy, || assert!(claim(2).is_empty()));
        assert_eq!((enough, none), (1, 1), "{types:?}");
    }
    queue.set_concurrency("default", Some(1)).unwrap();
    let bounded = fewest(&proxy, || drop(claim(&queue, 1)));
    assert!(bounded >= 3, "{bounded}");
}

/// The hints of when leases expire that have been settled since are in the way of one claim in many.
pub(crate) fn claims_that_go_on_for_longer_than_their_leases_wait_once() {
    const CLAIMS: usize = 200;
    let cluster = cluster(&[]);
    let proxy = Proxy::delayed(cluster.folder(), Duration::from_millis(1));
    let queue = queue(&proxy.url());
    let wanted = Claim::new(["job"]).lease(Duration::from_millis(100));
    let first = "SELECT min(at) FROM prismq.expiry";
    let claim = || {
        queue.enqueue(task()).unwrap();
        proxy.round_trips();
        let leases = queue.claim(&wanted).unwrap();
        let trips = proxy.round_trips();
        // One that took too long to get here may have expired.
        leases.iter().for_each(|lease| drop(queue.complete(lease)));
        trips
    };
    // Until some leases have ended, which an ordinary claim looks at.
    wait_for("a hint is looked at", || {
        claim();
        let before = cluster.sql("postgres", &[first]).unwrap();
        claim();
        before != cluster.sql("postgres", &[first]).unwrap()
    });
    let once = (0..CLAIMS).filter(|_| claim() == 1).count();
    assert!(once > CLAIMS / 4, "{once} of {CLAIMS} claims waited once");
}

pub(crate) fn completions_before_a_claim_do_not_wait() {
    let cluster = cluster(&[]);
    let proxy = Proxy::delayed(cluster.folder(), DELAY);
    let queue = queue(&proxy.url());
    let mut leases = leased(&queue, 2 * TRIES);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let trips = fewest(&proxy, || {
        let (first, second) = (leases.pop_front().unwrap(), leases.pop_front().unwrap());
        let (first, second) = (queue.complete_async(&first), queue.complete_async(&second));
        let claim = queue.claim_async(&Claim::new(["job"]));
        let answers = runtime.block_on(async { tokio::join!(first, second, claim) });
        assert!(matches!(answers, (Ok(()), Ok(()), Ok(_))), "{answers:?}");
    });
    // At most one transaction for the first, and one for the others.
    assert!(trips <= 4, "{trips} round trips");
}

/// Every 128 transactions, the caller of the last one waits for it as well.
pub(crate) fn upkeep_waits_a_few_times_however_many_queues_there_are() {
    const TRANSACTIONS: usize = 128;
    let cluster = cluster(&[]);
    let proxy = Proxy::delayed(cluster.folder(), Duration::from_millis(1));
    let queue = queue(&proxy.url());
    let with_upkeep = || {
        let calls = (0..TRANSACTIONS).map(|_| {
            proxy.round_trips();
            queue.enqueue(task()).unwrap();
            proxy.round_trips()
        });
        calls.max().unwrap()
    };
    // The first prepares its statements.
    let fewest = || (0..5).map(|_| with_upkeep()).min().unwrap();
    assert_eq!(fewest(), 4, "the enqueue, and upkeep's beginning, looks and commit");
    queue.set_limit("service", Limit::concurrency(1).per_key()).unwrap();
    queue.enqueue(NewTask::new("keyed", []).limit("service").key("a")).unwrap();
    let keep = Keep::last(10).for_at_most(Duration::from_secs(3600));
    for name in ["default", "b", "c", "d"] {
        queue
            .set_retention(name, Retention { completed: keep, cancelled: keep, dead: keep })
            .unwrap();
        queue.enqueue(task().queue(name)).unwrap();
        let ended = queue.claim(&Claim::new(["job"]).queue(name)).unwrap().remove(0);
        queue.complete(&ended).unwrap();
    }
    let trips = fewest();
    assert_eq!(trips, 7, "two more to prune the queues, and one for the keys");
}
