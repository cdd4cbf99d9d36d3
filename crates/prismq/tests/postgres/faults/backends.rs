//! Sessions that the server ends, and crashes of the whole server.

use std::sync::mpsc::channel;

use prismq::WorkerPool;

use crate::support::{DEADLINE, claimed, cluster, end_sessions, queue, task, tasks, url, wait_for};

pub(crate) fn a_session_that_was_ended_is_replaced() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    let first = queue.enqueue(task()).unwrap();
    end_sessions(&cluster, "prismq");
    let second = queue.enqueue(task()).unwrap();
    assert!(second.id() > first.id());
    assert_eq!(tasks(&cluster), "2");
    end_sessions(&cluster, "prismq");
    let lease = claimed(&queue);
    end_sessions(&cluster, "prismq");
    queue.complete(&lease).unwrap();
    assert_eq!(queue.stats("default").unwrap().completed, 1);
}

pub(crate) fn a_crash_is_waited_for_and_loses_nothing() {
    let mut cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    queue.enqueue(task()).unwrap();
    let lease = claimed(&queue);
    queue.complete(&lease).unwrap();
    queue.enqueue(task()).unwrap();
    cluster.restart().unwrap();
    queue.enqueue(task()).unwrap();
    assert_eq!(tasks(&cluster), "2");
    let stats = queue.stats("default").unwrap();
    assert_eq!((stats.enqueued, stats.completed), (3, 1));
}

pub(crate) fn an_idle_pool_goes_on_after_a_crash() {
    let mut cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    let (send, ran) = channel();
    let pool = WorkerPool::builder(&queue)
        .workers(2)
        .handle_bytes("job", move |_, task| {
            send.send(task.id()).unwrap();
            Ok(())
        })
        .start()
        .unwrap();
    for completed in 1..3 {
        let id = queue.enqueue(task()).unwrap().id();
        assert_eq!(ran.recv_timeout(DEADLINE), Ok(id));
        // What is not committed when the server crashes runs again.
        wait_for("the completion", || queue.stats("default").unwrap().completed == completed);
        cluster.restart().unwrap();
    }
    drop(pool);
}
