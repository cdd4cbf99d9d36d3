//! Clocks of clients and of the server that differ.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use prismq::{Claim, Clock, Error, Signal, Timestamp};

use crate::support::{claimed, cluster, queue, task, tasks, url, wait_for};

/// Sets the clock of the database ahead of this machine's, which is that of its clients; behind with a minus.
fn set_ahead(cluster: &prismq_cluster::Cluster, hours: &str) {
    let clock = format!(
        "CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE \
         AS $$SELECT pg_catalog.machine_timestamp() + interval '{hours} hours'$$"
    );
    let rename = "ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO machine_timestamp";
    cluster.sql("postgres", &["SET allow_system_table_mods = on", rename, &clock]).unwrap();
}

/// Failure mode: server: its clock and those of its clients are an hour apart | leases and delays last as long as they should: the server's clock counts
pub(crate) fn a_server_whose_clock_is_wrong_keeps_leases_and_delays() {
    for hours in ["-1", "1"] {
        let cluster = cluster(&[]);
        set_ahead(&cluster, hours);
        let (one, other) = (queue(&url(&cluster)), queue(&url(&cluster)));
        one.enqueue(task()).unwrap();
        let held = claimed(&one);
        one.enqueue(task().delay(Duration::from_secs(600))).unwrap();
        one.enqueue(task().delay(Duration::from_millis(50))).unwrap();
        let soon = claimed(&other);
        assert_ne!(soon.id(), held.id(), "{hours}: a lease expired early");
        assert!(other.claim(&Claim::new(["job"])).unwrap().is_empty(), "{hours}: early");
        one.complete(&held).unwrap();
        other.complete(&soon).unwrap();
        assert_eq!(tasks(&cluster), "1");
        // A lease that is over is taken back.
        other.enqueue(task()).unwrap();
        let short = Claim::new(["job"]).lease(Duration::from_secs(1));
        let forgotten = other.claim(&short).unwrap().remove(0);
        wait_for("the lease is over", || {
            let leases = one.claim(&Claim::new(["job"])).unwrap();
            leases.first().is_some_and(|lease| lease.id() == forgotten.id())
        });
    }
}

/// A clock of the application's that panics once it is broken.
#[derive(Debug, Default)]
struct Breakable {
    broken: AtomicBool,
}

impl Clock for Breakable {
    fn now(&self) -> Timestamp {
        assert!(!self.broken.load(Ordering::Relaxed), "the clock is broken");
        SystemTime::now().into()
    }

    fn sleep_until(&self, due: Timestamp) -> Option<Duration> {
        Some(due.since(self.now()))
    }

    fn on_jump(&self, _signal: &Arc<Signal>) {}
}

/// Failure mode: code: panics in a transaction
pub(crate) fn a_panic_leaves_no_transaction_open() {
    let cluster = cluster(&[]);
    let clock = Arc::new(Breakable::default());
    let builder = prismq::postgres::builder(&url(&cluster)).unwrap();
    let queue = builder.clock(clock.clone()).open().unwrap();
    queue.enqueue(task()).unwrap();
    clock.broken.store(true, Ordering::Relaxed);
    let failed = queue.claim(&Claim::new(["job"])).unwrap_err();
    assert!(matches!(failed, Error::Poisoned { .. }), "{failed:?}");
    wait_for("no transaction is open", || {
        let open = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'";
        cluster.sql("postgres", &[open]).unwrap() == "0"
    });
}
