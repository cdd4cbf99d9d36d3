//! What the tests share.

mod file;
mod gate;
mod listener;
mod proxy;

use std::thread;
use std::time::{Duration, Instant};

use prismq::{Claim, Lease, NewTask, Queue};
use prismq_cluster::Cluster;

pub(crate) use self::file::{add, file, file_of};
pub(crate) use self::gate::Gate;
pub(crate) use self::listener::{listener, named_listener};
pub(crate) use self::proxy::{Cut, Proxy};

/// Longer than any wait of a passing test takes, on a busy machine too.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A server with these settings.
pub(crate) fn cluster(settings: &[&str]) -> Cluster {
    Cluster::start(settings).unwrap()
}

/// The URL of its database.
pub(crate) fn url(cluster: &Cluster) -> String {
    cluster.url("postgres")
}

/// A queue on it that waits for the server as long as a test does.
pub(crate) fn queue(url: &str) -> Queue {
    prismq::postgres::builder(url).unwrap().busy_wait(DEADLINE).open().unwrap()
}

pub(crate) fn task() -> NewTask {
    NewTask::new("job", *b"payload")
}

/// The task that can be claimed next, once there is one.
pub(crate) fn claimed(queue: &Queue) -> Lease {
    let claim = Claim::new(["job"]);
    let mut lease = None;
    wait_for("a claim", || {
        lease = queue.claim(&claim).ok().and_then(|mut leases| leases.pop());
        lease.is_some()
    });
    lease.unwrap()
}

/// Waits for a state that the server or other threads reach.
pub(crate) fn wait_for(state: &str, mut is_reached: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_reached() {
        assert!(started.elapsed() < DEADLINE, "not reached within {DEADLINE:?}: {state}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// How many tasks there are, counted in the table.
pub(crate) fn tasks(cluster: &Cluster) -> String {
    cluster.sql("postgres", &["SELECT count(*) FROM prismq.task"]).unwrap()
}

/// Ends the sessions of this name.
pub(crate) fn end_sessions(cluster: &Cluster, name: &str) {
    let ended = format!(
        "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity WHERE application_name LIKE '{name}'"
    );
    assert_ne!(cluster.sql("postgres", &[&ended]).unwrap(), "0", "no session {name}");
}

/// How many deadlocks there were. A session reports those it was in when it ends, at the latest.
pub(crate) fn deadlocks_once_closed(cluster: &Cluster, queue: Queue) -> String {
    drop(queue);
    wait_for("the sessions of the queue have ended", || {
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'prismq'";
        cluster.sql("postgres", &[sessions]).unwrap() == "0"
    });
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'";
    cluster.sql("postgres", &[deadlocks]).unwrap()
}
