//! Limits that the server or its administrator sets.

use std::thread;
use std::time::Duration;

use prismq::{Claim, Error};

use crate::support::{claimed, cluster, queue, task, tasks, url, wait_for};

/// Locks the table of tasks for as long as a session sleeps, which the returned pattern finds.
const LOCK: &str = "BEGIN; LOCK TABLE prismq.task; SELECT pg_sleep(600)";
const UNLOCK: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()";
const LOCKED: &str = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted \
    AND relation = 'prismq.task'::regclass";

fn while_locked(cluster: &prismq_cluster::Cluster, run: impl FnOnce()) {
    thread::scope(|scope| {
        // It fails when it is ended.
        scope.spawn(|| cluster.sql("postgres", &[LOCK]));
        wait_for("the lock", || cluster.sql("postgres", &[LOCKED]).unwrap() == "1");
        run();
        cluster.sql("postgres", &[UNLOCK]).unwrap();
    });
}

pub(crate) fn a_lock_is_waited_for_as_long_as_set() {
    let cluster = cluster(&[]);
    let wait = Duration::from_millis(100);
    let queue = prismq::postgres::builder(&url(&cluster)).unwrap().busy_wait(wait).open().unwrap();
    queue.enqueue(task()).unwrap();
    while_locked(&cluster, || {
        let error = queue.enqueue(task()).unwrap_err();
        assert!(matches!(error, Error::Busy { waited } if waited == wait), "{error:?}");
    });
    queue.enqueue(task()).unwrap();
    assert_eq!(tasks(&cluster), "2");
}

pub(crate) fn a_timeout_of_the_role_fails_the_call_and_no_other() {
    let cluster = cluster(&[]);
    queue(&url(&cluster)).enqueue(task()).unwrap();
    cluster.sql("postgres", &["ALTER ROLE postgres SET statement_timeout = '1s'"]).unwrap();
    let queue = queue(&url(&cluster));
    queue.enqueue(task()).unwrap();
    // It holds for sessions that are open already; the next ones need it no more.
    cluster.sql("postgres", &["ALTER ROLE postgres RESET statement_timeout"]).unwrap();
    while_locked(&cluster, || {
        let error = queue.enqueue(task()).unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("57014"), "{error:?}");
    });
    queue.enqueue(task()).unwrap();
    assert_eq!(tasks(&cluster), "3");
}

pub(crate) fn a_role_without_free_connections_is_waited_for() {
    let cluster = cluster(&[]);
    let limit = |connections: u32| {
        let limit = format!("ALTER ROLE app CONNECTION LIMIT {connections}");
        cluster.sql("postgres", &[&limit]).unwrap();
    };
    cluster.sql("postgres", &["CREATE ROLE app LOGIN"]).unwrap();
    cluster.sql("postgres", &["GRANT CREATE ON DATABASE postgres TO app"]).unwrap();
    limit(0);
    let url = url(&cluster).replace("user=postgres", "user=app");
    let builder = prismq::postgres::builder(&url).unwrap();
    let error = builder.clone().busy_wait(Duration::from_millis(100)).open().unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("53300"), "{error}");
    limit(10);
    let queue = queue(&url);
    queue.enqueue(task()).unwrap();
    claimed(&queue);
    assert!(queue.claim(&Claim::new(["job"])).unwrap().is_empty());
}
