//! Two clients that change the same at the same time, each held where it matters.

use std::thread;
use std::time::Duration;

use prismq::{Error, Order, Queue, State, TaskError, WorkerPool};
use prismq_cluster::Cluster;

use crate::support::{
    Gate, claimed, cluster, deadlocks_once_closed, queue, task, tasks, url, wait_for,
};

/// Waits until both clients wait for the gate, or the second has not done so.
fn both_wait<T>(gate: Gate<'_>, second: &thread::ScopedJoinHandle<'_, T>) {
    wait_for("both clients", || gate.waiting() == 2 || second.is_finished());
}

/// Completed tasks that are kept.
fn kept(cluster: &Cluster) -> u32 {
    let count = "SELECT count(*) FROM prismq.task WHERE state = 4";
    cluster.sql("postgres", &[count]).unwrap().parse().unwrap()
}

fn complete_all(queue: &Queue) {
    let pool = WorkerPool::builder(queue).workers(4).handle_bytes("job", |_, _| Ok(()));
    pool.run_until_empty().unwrap();
}

pub(crate) fn two_clients_that_prune_delete_no_more_than_is_beyond() {
    let cluster = cluster(&[]);
    let (one, other) = (queue(&url(&cluster)), queue(&url(&cluster)));
    one.set_history("default", 5000).unwrap();
    one.enqueue_all((0..3000).map(|_| task())).unwrap();
    complete_all(&one);
    one.enqueue_all([task(), task()]).unwrap();
    let leases = (claimed(&one), claimed(&other));
    cluster.sql("postgres", &["UPDATE prismq.queue SET keep = 1500"]).unwrap();
    Gate::closed(&cluster, "prismq.counter_delta", "NEW.kept < 0", |gate| {
        thread::scope(|scope| {
            let first = scope.spawn(|| one.complete(&leases.0).unwrap());
            wait_for("one prunes", || gate.waiting() == 1);
            let second = scope.spawn(|| other.complete(&leases.1).unwrap());
            both_wait(gate, &second);
            gate.open();
            first.join().unwrap();
            second.join().unwrap();
        });
    });
    assert!(kept(&cluster) >= 1500, "{} are kept", kept(&cluster));
    one.set_history("default", 1500).unwrap();
    assert_eq!(kept(&cluster), 1500);
}

pub(crate) fn a_task_is_cancelled_while_it_is_claimed() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    let id = queue.enqueue(task()).unwrap().id();
    // The two steps of a claim's statement, with the cancellation between them.
    let steps = format!(
        "BEGIN;
         DELETE FROM prismq.ready WHERE id = {id};
         DO 'BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted) LOOP PERFORM pg_sleep(0.01); END LOOP; END';
         UPDATE prismq.task SET state = 2, token = token + 1, lease_expires_at = run_at WHERE id = {id};
         COMMIT"
    );
    thread::scope(|scope| {
        let claim = scope.spawn(|| cluster.sql("postgres", &[&steps]));
        wait_for("the ready row is taken", || {
            let locks = "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                 WHERE c.relname = 'ready' AND l.mode = 'RowExclusiveLock' AND l.granted";
            cluster.sql("postgres", &[locks]).unwrap() != "0"
        });
        queue.cancel(id).unwrap();
        claim.join().unwrap().unwrap();
    });
    assert_eq!(deadlocks_once_closed(&cluster, queue), "0");
    assert_eq!(cluster.sql("postgres", &["SELECT count(*) FROM prismq.cancel"]).unwrap(), "1");
}

/// Ends an attempt while its cancellation is committed.
fn end_while_cancelled<T: Send>(
    cluster: &Cluster,
    queues: &(Queue, Queue),
    end: impl FnOnce(&Queue, &prismq::Lease) -> T + Send,
) -> T {
    let (worker, operator) = queues;
    worker.enqueue(task()).unwrap();
    let lease = claimed(worker);
    let mut ended = None;
    Gate::closed(cluster, "prismq.cancel", "true", |gate| {
        thread::scope(|scope| {
            let cancelled = scope.spawn(|| operator.cancel(lease.id()).unwrap());
            wait_for("the cancellation", || gate.waiting() == 1);
            let ending = scope.spawn(|| end(worker, &lease));
            both_wait(gate, &ending);
            gate.open();
            cancelled.join().unwrap();
            ended = Some(ending.join().unwrap());
        });
    });
    let requests = cluster.sql("postgres", &["SELECT count(*) FROM prismq.cancel"]).unwrap();
    assert_eq!(requests, "0");
    ended.unwrap()
}

pub(crate) fn a_task_that_is_cancelled_while_its_attempt_ends_does_not_run_again() {
    let cluster = cluster(&[]);
    let queues = (queue(&url(&cluster)), queue(&url(&cluster)));
    let state = end_while_cancelled(&cluster, &queues, |worker, lease| {
        let error = TaskError::new("failed").retry_after(Duration::from_secs(3600));
        worker.fail(lease, error).unwrap()
    });
    assert_eq!(state, State::Cancelled);
    end_while_cancelled(&cluster, &queues, |worker, lease| worker.release(lease).unwrap());
    let stats = queues.0.stats("default").unwrap();
    assert_eq!((tasks(&cluster).as_str(), stats.cancelled), ("0", 2));
    // A completion wins.
    end_while_cancelled(&cluster, &queues, |worker, lease| worker.complete(lease).unwrap());
    assert_eq!(queues.0.stats("default").unwrap().completed, 1);
}

pub(crate) fn a_queue_that_is_being_filled_is_not_given_another_order() {
    let cluster = cluster(&[]);
    let (one, other) = (queue(&url(&cluster)), queue(&url(&cluster)));
    one.enqueue(task()).unwrap();
    one.complete(&claimed(&one)).unwrap();
    Gate::closed(&cluster, "prismq.task", "true", |gate| {
        thread::scope(|scope| {
            let first = scope.spawn(|| one.enqueue(task()).map(drop));
            wait_for("the enqueue", || gate.waiting() == 1);
            let second = scope.spawn(|| other.set_order("default", Order::FirstInFirstOut));
            both_wait(gate, &second);
            gate.open();
            first.join().unwrap().unwrap();
            let error = second.join().unwrap().unwrap_err();
            assert!(matches!(error, Error::NotEmpty { tasks: 1, .. }), "{error:?}");
        });
    });
    one.complete(&claimed(&one)).unwrap();
    other.set_order("default", Order::FirstInFirstOut).unwrap();
}
