//! Pools that wait for tasks of other clients.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use prismq::{Claim, Lease, NewTask, Queue, Schedule, TaskError, TaskId, WorkerPool};

use crate::support::{
    DEADLINE, cluster, end_sessions, listener, named_listener, queue, task, url, wait_for,
};

/// What ends [`heard_so_far`].
const END: &str = "end";

fn pool(queue: &Queue) -> (WorkerPool, Receiver<TaskId>) {
    pool_of(queue, "job")
}

fn pool_of(queue: &Queue, task_type: &str) -> (WorkerPool, Receiver<TaskId>) {
    let (send, ran) = channel();
    let builder = WorkerPool::builder(queue).workers(1).handle_bytes(task_type, move |_, task| {
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

/// What was notified until now.
fn heard_so_far(cluster: &prismq_cluster::Cluster, heard: &Receiver<String>) -> Vec<String> {
    cluster.sql("postgres", &[&format!("NOTIFY prismq, '{END}'")]).unwrap();
    let mut payloads = Vec::new();
    loop {
        match heard.recv_timeout(DEADLINE).unwrap() {
            payload if payload == END => return payloads,
            payload => payloads.push(payload),
        }
    }
}

/// Four pools of other types took a third of the enqueues that the server could do.
pub(crate) fn a_pool_of_other_tasks_does_not_look() {
    let cluster = cluster(&[]);
    let (waiting, idle, other) =
        (queue(&url(&cluster)), queue(&url(&cluster)), queue(&url(&cluster)));
    let (_pool, ran) = pool(&waiting);
    let (_idle_pool, ran_others) = pool_of(&idle, "other");
    wait_for("the pools listen", || listen(&cluster, "2"));
    let run = || {
        let id = other.enqueue(task()).unwrap().id();
        assert_eq!(ran.recv_timeout(DEADLINE), Ok(id));
    };
    run();
    let (started, before) = (Instant::now(), idle.contention().empty_claims);
    (0..30).for_each(|_| run());
    let looks = idle.contention().empty_claims - before;
    // Two claims once for the type that it did not know, and each second in case it has missed a notification.
    let most = 6 + 3 * (1 + started.elapsed().as_secs());
    assert!(looks <= most, "{looks} looks");
    let id = other.enqueue(NewTask::new("other", *b"")).unwrap().id();
    assert_eq!(ran_others.recv_timeout(DEADLINE), Ok(id));
}

pub(crate) fn a_notification_names_the_types_with_new_tasks() {
    let cluster = cluster(&[]);
    let heard = listener(&url(&cluster));
    let queue = queue(&url(&cluster));
    let lane = |task_type: &str| {
        let lane = format!("SELECT id FROM prismq.lane WHERE type = '{task_type}'");
        cluster.sql("postgres", &[&lane]).unwrap()
    };
    let next = || heard.recv_timeout(DEADLINE).unwrap();
    queue.enqueue(task()).unwrap();
    assert_eq!(next(), lane("job"));
    queue.enqueue(NewTask::new("other", *b"")).unwrap();
    assert_eq!(next(), lane("other"));
    let lease = queue.claim(&Claim::new(["job"])).unwrap().remove(0);
    queue.fail(&lease, "again").unwrap();
    assert_eq!(next(), lane("job"));
    queue.pause("default").unwrap();
    queue.resume("default").unwrap();
    assert_eq!(next(), "", "tasks of any type may run again");
}

/// A task of another type of the queue may then run.
pub(crate) fn whoever_waits_is_notified_when_a_bounded_queue_has_room() {
    let cluster = cluster(&[]);
    let heard = listener(&url(&cluster));
    let queue = queue(&url(&cluster));
    let next = || heard.recv_timeout(DEADLINE).unwrap();
    queue.set_concurrency("default", Some(1)).unwrap();
    assert_eq!(next(), "", "more may run");
    let later = || TaskError::new("later").retry_after(Duration::from_secs(3600));
    let settles: [&dyn Fn(&Lease); 5] = [
        &|lease| queue.complete(lease).unwrap(),
        &|lease| _ = queue.fail(lease, later()).unwrap(),
        &|lease| _ = queue.fail(lease, TaskError::permanent("never")).unwrap(),
        &|lease| _ = queue.fail(lease, TaskError::snooze(Duration::from_secs(3600))).unwrap(),
        &|lease| queue.release(lease).unwrap(),
    ];
    for settle in settles {
        queue.enqueue(task()).unwrap();
        assert_ne!(next(), "");
        settle(&queue.claim(&Claim::new(["job"])).unwrap().remove(0));
        assert_eq!(next(), "");
    }
}

/// One claim adds the tasks of schedules, and the pool whose type they have may be another.
pub(crate) fn whoever_waits_is_notified_of_tasks_of_schedules() {
    let cluster = cluster(&[]);
    let heard = listener(&url(&cluster));
    let queue = queue(&url(&cluster));
    let often = Schedule::every("often", Duration::from_secs(1), task());
    queue.schedules().set(&often).unwrap();
    assert_eq!(heard.recv_timeout(DEADLINE).unwrap(), "", "a schedule is set");
    wait_for("its slot is due", || {
        queue.claim(&Claim::new(["other"])).is_ok_and(|_| queue.stats("default").unwrap().ready > 0)
    });
    assert_ne!(heard.recv_timeout(DEADLINE).unwrap(), "", "the type of its task");
}

/// Each takes a lock of the whole database.
pub(crate) fn many_commits_are_notified_of_at_once() {
    const TASKS: usize = 200;
    let cluster = cluster(&[]);
    let heard = listener(&url(&cluster));
    let queue = queue(&url(&cluster));
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..TASKS).for_each(|_| _ = queue.enqueue(task()).unwrap()));
        }
    });
    drop(queue);
    let notified = heard_so_far(&cluster, &heard).len();
    // One in five milliseconds, and some more at first.
    let most = 10 + started.elapsed().as_millis() / 5;
    assert!(notified > 0 && notified as u128 <= most, "{notified} of at most {most}");
}

pub(crate) fn nobody_is_notified_who_does_not_run_tasks() {
    let cluster = cluster(&[]);
    let heard = named_listener(&url(&cluster), "application");
    let queue = queue(&url(&cluster));
    queue.enqueue(task()).unwrap();
    wait_for("it has asked whether anyone listens", || {
        let asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_notify%' AND state = 'idle'
                         AND pid <> pg_backend_pid()";
        cluster.sql("postgres", &[asked]).unwrap() == "1"
    });
    assert_eq!(heard_so_far(&cluster, &heard), Vec::<String>::new());
    let _listener = listener(&url(&cluster));
    queue.enqueue(task()).unwrap();
    assert_ne!(heard.recv_timeout(DEADLINE).unwrap(), "");
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
