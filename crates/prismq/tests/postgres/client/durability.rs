//! What survives the loss of the server.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use prismq::{Durability, Error, Queue};
use prismq_cluster::Cluster;

use crate::support::{DEADLINE, cluster, task, tasks, url, wait_for};

/// Receives what the server writes and confirms that it is on its disk, as a standby does.
struct Standby(Child);

impl Standby {
    fn start(server: &Path, into: &Path) -> Self {
        // Links to the server's programs need not be links to all of them.
        let initdb = prismq_probe::postgres_programs().unwrap().join("initdb");
        let programs = initdb.canonicalize().unwrap().parent().unwrap().to_owned();
        let mut command = Command::new(programs.join("pg_receivewal"));
        command.args(["--synchronous", "--no-loop", "-D"]).arg(into).arg("-d");
        command.arg(format!("host={} user=postgres application_name=standby", server.display()));
        Self(command.stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Sets the standbys that commits wait for.
fn name_standbys(cluster: &Cluster, names: &str) {
    let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
    cluster.sql("postgres", &[&set, "SELECT pg_reload_conf()"]).unwrap();
    let is_set = "SHOW synchronous_standby_names";
    wait_for("the setting", || cluster.sql("postgres", &[is_set]).unwrap() == names);
}

const IN_SYNC: &str = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

fn is(cluster: &Cluster, count: &str, expected: &str) -> bool {
    cluster.sql("postgres", &[count]).unwrap() == expected
}

fn open(cluster: &Cluster) -> prismq::Result<Queue> {
    let builder = prismq::postgres::builder(&url(cluster))?.busy_wait(DEADLINE);
    builder.durability(Durability::Replicated).open()
}

/// A session that reads has no commit of its own.
pub(crate) fn settings_say_what_commits_wait_for() {
    let cluster = cluster(&[]);
    for (durability, expected) in [(Durability::Full, "on"), (Durability::Normal, "off")] {
        let builder = prismq::postgres::builder(&url(&cluster)).unwrap();
        let settings = builder.durability(durability).open().unwrap().settings().unwrap();
        let found = settings.iter().find(|(name, _)| name == "synchronous_commit").unwrap();
        assert_eq!(found.1, expected, "{durability:?}");
    }
}

/// A queue with a standby that has what is committed.
fn replicated(cluster: &Cluster, folder: &Path) -> (Queue, Standby) {
    name_standbys(cluster, "standby");
    let standby = Standby::start(cluster.folder(), folder);
    wait_for("the standby", || is(cluster, IN_SYNC, "1"));
    (open(cluster).unwrap(), standby)
}

fn assert_refused(error: &Error) {
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("synchronous_standby_names"), "{error}");
    assert!(error.needs_intervention());
}

pub(crate) fn a_replicated_commit_waits_for_the_standby() {
    let cluster = cluster(&[]);
    assert_refused(&open(&cluster).unwrap_err());
    let received = tempfile::tempdir().unwrap();
    let (queue, standby) = replicated(&cluster, received.path());
    queue.enqueue(task()).unwrap();
    assert_eq!(tasks(&cluster), "1");

    drop(standby);
    wait_for("the standby's end", || is(&cluster, IN_SYNC, "0"));
    thread::scope(|scope| {
        let enqueued = scope.spawn(|| queue.enqueue(task()));
        wait_for("the commit waits", || is(&cluster, WAITING, "1"));
        assert!(!enqueued.is_finished());
        let _standby = Standby::start(cluster.folder(), received.path());
        enqueued.join().unwrap().unwrap();
    });
    assert_eq!(tasks(&cluster), "2");
}

pub(crate) fn nothing_is_acknowledged_once_no_standby_is_named_any_more() {
    let cluster = cluster(&[]);
    let received = tempfile::tempdir().unwrap();
    let (queue, standby) = replicated(&cluster, received.path());
    queue.enqueue(task()).unwrap();
    name_standbys(&cluster, "");
    assert_refused(&queue.enqueue(task()).unwrap_err());
    assert_eq!(tasks(&cluster), "1");
    name_standbys(&cluster, "standby");
    wait_for("the standby", || is(&cluster, IN_SYNC, "1"));
    queue.enqueue(task()).unwrap();

    // The server lets a commit go on that waits for a standby once none is named.
    drop(standby);
    wait_for("the standby's end", || is(&cluster, IN_SYNC, "0"));
    thread::scope(|scope| {
        let enqueued = scope.spawn(|| queue.enqueue(task()));
        wait_for("the commit waits", || is(&cluster, WAITING, "1"));
        name_standbys(&cluster, "");
        let error = enqueued.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::CommitUnknown { .. }), "{error:?}");
        assert!(error.to_string().contains("standby"), "{error}");
    });
}

pub(crate) fn a_commit_whose_session_ends_before_the_standby_has_it_is_asked_for_there() {
    let cluster = cluster(&[]);
    let received = tempfile::tempdir().unwrap();
    let (queue, standby) = replicated(&cluster, received.path());
    drop(standby);
    wait_for("the standby's end", || is(&cluster, IN_SYNC, "0"));
    thread::scope(|scope| {
        let enqueued = scope.spawn(|| queue.enqueue(task()));
        wait_for("the commit waits", || is(&cluster, WAITING, "1"));
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        cluster.sql("postgres", &[end]).unwrap();
        wait_for("another session waits", || is(&cluster, WAITING, "1"));
        assert!(!enqueued.is_finished());
        let _standby = Standby::start(cluster.folder(), received.path());
        enqueued.join().unwrap().unwrap();
    });
    assert_eq!(tasks(&cluster), "1");
}
