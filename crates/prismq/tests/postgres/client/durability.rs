//! What survives the loss of the server.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use prismq::{Durability, Error, Queue};

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

pub(crate) fn a_replicated_commit_waits_for_the_standby() {
    let cluster = cluster(&[]);
    let open = || -> prismq::Result<Queue> {
        let builder = prismq::postgres::builder(&url(&cluster))?.busy_wait(DEADLINE);
        builder.durability(Durability::Replicated).open()
    };
    let error = open().unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("synchronous_standby_names"), "{error}");
    assert!(error.needs_intervention());

    let names = "ALTER SYSTEM SET synchronous_standby_names = 'standby'";
    cluster.sql("postgres", &[names, "SELECT pg_reload_conf()"]).unwrap();
    let received = tempfile::tempdir().unwrap();
    let standby = Standby::start(cluster.folder(), received.path());
    let in_sync = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    wait_for("the standby", || cluster.sql("postgres", &[in_sync]).unwrap() == "1");
    let queue = open().unwrap();
    queue.enqueue(task()).unwrap();
    assert_eq!(tasks(&cluster), "1");

    drop(standby);
    wait_for("the standby's end", || cluster.sql("postgres", &[in_sync]).unwrap() == "0");
    thread::scope(|scope| {
        let enqueued = scope.spawn(|| queue.enqueue(task()));
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        wait_for("the commit waits", || cluster.sql("postgres", &[waits]).unwrap() == "1");
        assert!(!enqueued.is_finished());
        let _standby = Standby::start(cluster.folder(), received.path());
        enqueued.join().unwrap().unwrap();
    });
    assert_eq!(tasks(&cluster), "2");
}
