//! A gate in the way of transactions.

use std::thread;

use prismq_cluster::Cluster;

use super::wait_for;

const MAKE: &str = "CREATE OR REPLACE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql AS \
    'BEGIN PERFORM pg_advisory_lock_shared(1); PERFORM pg_advisory_unlock_shared(1); RETURN NEW; END'";
/// Closes the gate for as long as the session sleeps.
const CLOSE: [&str; 2] = ["SELECT pg_advisory_lock(1)", "SELECT pg_sleep(600)"];
const OPEN: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
    WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()";
const IS_CLOSED: &str =
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND granted";
/// Sessions that wait for the gate, or for one that does.
const WAITING: &str = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted";

/// Holds transactions that insert rows into a table, until it is opened.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'a> {
    cluster: &'a Cluster,
}

impl Gate<'_> {
    /// Runs this while the gate is closed to inserts of rows into the table that meet a condition.
    pub(crate) fn closed(cluster: &Cluster, table: &str, when: &str, run: impl FnOnce(Gate<'_>)) {
        let gate = Gate { cluster };
        let trigger = format!(
            "CREATE TRIGGER gate AFTER INSERT ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION public.gate()"
        );
        cluster.sql("postgres", &[MAKE, &trigger]).unwrap();
        thread::scope(|scope| {
            // It fails when it is ended.
            scope.spawn(|| cluster.sql("postgres", &CLOSE));
            wait_for("the gate is closed", || gate.count(IS_CLOSED) == 1);
            run(gate);
            gate.open();
        });
        cluster.sql("postgres", &[&format!("DROP TRIGGER gate ON {table}")]).unwrap();
    }

    /// Lets everyone through.
    pub(crate) fn open(self) {
        self.count(OPEN);
    }

    /// How many sessions wait.
    pub(crate) fn waiting(self) -> usize {
        self.count(WAITING)
    }

    fn count(self, query: &str) -> usize {
        self.cluster.sql("postgres", &[query]).unwrap().parse().unwrap()
    }
}
