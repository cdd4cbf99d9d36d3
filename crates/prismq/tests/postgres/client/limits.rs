//! Limits that the server or its administrator sets.

use std::thread;
use std::time::Duration;

use prismq::limits::QUEUES_MAX;
use prismq::{Claim, Error, Order};
use prismq_cluster::Cluster;

use crate::support::{DEADLINE, claimed, cluster, queue, task, tasks, url, wait_for};

/// Ends the session that holds a lock for as long as it sleeps.
const UNLOCK: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()";

/// How many sessions have a lock on a table, or wait for one.
fn locks(cluster: &Cluster, table: &str, mode: &str, granted: bool) -> String {
    let locks = format!(
        "SELECT count(*) FROM pg_locks WHERE mode = '{mode}Lock' AND granted = {granted}
         AND relation = 'prismq.{table}'::regclass"
    );
    cluster.sql("postgres", &[&locks]).unwrap()
}

/// While a session has a lock on a table.
fn while_locked(cluster: &Cluster, (table, mode): (&str, &str), run: impl FnOnce(&Cluster)) {
    let words = mode.replace("Access", "ACCESS ").to_uppercase();
    let lock = format!("BEGIN; LOCK TABLE prismq.{table} IN {words} MODE; SELECT pg_sleep(600)");
    thread::scope(|scope| {
        // It fails when it is ended.
        scope.spawn(|| cluster.sql("postgres", &[&lock]));
        let _unlocks = Unlocks(cluster);
        wait_for("the lock", || locks(cluster, table, mode, true) == "1");
        run(cluster);
    });
}

/// Unlocks what was locked, also where the test fails.
struct Unlocks<'a>(&'a Cluster);

impl Drop for Unlocks<'_> {
    fn drop(&mut self) {
        _ = self.0.sql("postgres", &[UNLOCK]);
    }
}

/// Nobody can read or write tasks.
const TASKS: (&str, &str) = ("task", "AccessExclusive");

pub(crate) fn a_lock_is_waited_for_as_long_as_set() {
    let cluster = cluster(&[]);
    let wait = Duration::from_millis(100);
    let queue = prismq::postgres::builder(&url(&cluster)).unwrap().busy_wait(wait).open().unwrap();
    queue.enqueue(task()).unwrap();
    while_locked(&cluster, TASKS, |_| {
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
    while_locked(&cluster, TASKS, |_| {
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

/// Others wait behind the lock that it needs.
pub(crate) fn an_order_that_waits_for_a_transaction_keeps_no_enqueue_waiting() {
    let cluster = cluster(&[]);
    let operator = prismq::postgres::builder(&url(&cluster)).unwrap().busy_wait(DEADLINE).open();
    let (operator, queue) = (operator.unwrap(), queue(&url(&cluster)));
    queue.enqueue(task()).unwrap();
    thread::scope(|scope| {
        let mut ordering = None;
        while_locked(&cluster, ("meta", "AccessShare"), |cluster| {
            let order = scope.spawn(|| operator.set_order("other", Order::FirstInFirstOut));
            wait_for("the order waits", || locks(cluster, "meta", "AccessExclusive", false) == "1");
            queue.enqueue(task()).unwrap();
            assert!(!order.is_finished(), "it is not given up");
            ordering = Some(order);
        });
        ordering.unwrap().join().unwrap().unwrap();
    });
}

/// It would keep them waiting, and each would wait for the other.
pub(crate) fn making_room_for_a_name_locks_no_types_while_a_transaction_may_need_them() {
    let cluster = cluster(&["fsync=off"]);
    let first = queue(&url(&cluster));
    first.enqueue_all((0..QUEUES_MAX).map(|number| task().queue(format!("q{number}")))).unwrap();
    assert_eq!(first.tasks().queue("q0").delete().unwrap(), 1);
    let other = prismq::postgres::builder(&url(&cluster)).unwrap().busy_wait(DEADLINE).open();
    let other = other.unwrap();
    thread::scope(|scope| {
        let mut enqueuing = None;
        while_locked(&cluster, ("meta", "AccessShare"), |cluster| {
            enqueuing = Some(scope.spawn(|| other.enqueue(task().queue("new"))));
            let waiting = "SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM pg_locks h
                     WHERE h.pid = w.pid AND h.relation = 'prismq.lane'::regclass AND h.granted))
                 FROM pg_locks w WHERE w.relation = 'prismq.meta'::regclass AND NOT w.granted";
            let mut found = String::new();
            wait_for("room is made", || {
                found = cluster.sql("postgres", &[waiting]).unwrap();
                !found.starts_with('0')
            });
            assert_eq!(
                found, "1|0",
                "sessions that wait, and those of them that have locked types"
            );
        });
        enqueuing.unwrap().join().unwrap().unwrap();
    });
}
