//! Pools that wait for tasks of other clients.

use std::sync::mpsc::{Receiver, channel};

use prismq::{Queue, TaskId, WorkerPool};

use crate::support::{DEADLINE, cluster, end_sessions, listener, queue, task, url, wait_for};

fn pool(queue: &Queue) -> (WorkerPool, Receiver<TaskId>) {
    let (send, ran) = channel();
    let builder = WorkerPool::builder(queue).workers(1).handle_bytes("job", move |_, task| {
        send.send(task.id()).unwrap();
        Ok(())
    });
    (builder.start().unwrap(), ran)
}

/// Whether this many sessions listen.
fn listen(cluster: &prismq_cluster::Cluster, count: &str) -> bool {
    let count_all =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'prismq listener %'";
    cluster.sql("postgres", &[count_all]).unwrap() == count
}

pub(crate) fn a_pool_hears_of_tasks_of_another_client() {
    let cluster = cluster(&[]);
    let (waiting, other) = (queue(&url(&cluster)), queue(&url(&cluster)));
    let (_pool, ran) = pool(&waiting);
    wait_for("the pool listens", || listen(&cluster, "1"));
    for _ in 0..3 {
        let id = other.enqueue(task()).unwrap().id();
        assert_eq!(ran.recv_timeout(DEADLINE), Ok(id));
    }
    assert!(listen(&cluster, "1"), "one that only enqueues does not listen");
}

/// A program that adds a task and ends.
pub(crate) fn a_queue_that_is_closed_at_once_has_notified() {
    let cluster = cluster(&[]);
    let notified = listener(&url(&cluster));
    let other = queue(&url(&cluster));
    // Its connection for notifications is made by then, which may take longer than a closed queue waits.
    other.enqueue(task()).unwrap();
    notified.recv_timeout(DEADLINE).unwrap();
    other.enqueue(task()).unwrap();
    drop(other);
    notified.recv_timeout(DEADLINE).unwrap();
}

/// It was sent again on a new session, for as long as it was refused.
pub(crate) fn a_notification_that_is_refused_ends_no_session() {
    let cluster = cluster(&[]);
    let run = |sql: &str| cluster.sql("postgres", &[sql]).unwrap();
    run("CREATE ROLE app LOGIN");
    run("GRANT CREATE ON DATABASE postgres TO app");
    run("REVOKE EXECUTE ON FUNCTION pg_notify(text, text) FROM PUBLIC");
    let notified = listener(&url(&cluster));
    let other = queue(&url(&cluster).replace("user=postgres", "user=app"));
    other.enqueue(task()).unwrap();
    let refused = || {
        run("SELECT pid FROM pg_stat_activity WHERE usename = 'app' AND query LIKE '%pg_notify%'")
    };
    wait_for("the notification is refused", || !refused().is_empty());
    let session = refused();
    run("GRANT EXECUTE ON FUNCTION pg_notify(text, text) TO app");
    other.enqueue(task()).unwrap();
    notified.recv_timeout(DEADLINE).unwrap();
    assert_eq!(refused(), session);
}

/// Failure mode: network: the connection for notifications is lost | pools look for tasks, and hear again once it is connected anew
pub(crate) fn a_pool_that_cannot_hear_looks_for_tasks() {
    let cluster = cluster(&[]);
    let (waiting, other) = (queue(&url(&cluster)), queue(&url(&cluster)));
    let (_pool, ran) = pool(&waiting);
    wait_for("the pool listens", || listen(&cluster, "1"));
    end_sessions(&cluster, "prismq listener %");
    let id = other.enqueue(task()).unwrap().id();
    assert_eq!(ran.recv_timeout(DEADLINE), Ok(id));
    wait_for("the pool listens again", || listen(&cluster, "1"));
    let id = other.enqueue(task()).unwrap().id();
    assert_eq!(ran.recv_timeout(DEADLINE), Ok(id));
}
