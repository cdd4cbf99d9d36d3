//! What keeps the tables from being cleaned, and who.

use std::thread;

use prismq::Queue;
use prismq::postgres::{HolderKind, doctor};

use crate::support::{claimed, cluster, queue, task, url, wait_for};

/// A transaction that goes on seeing what it saw first; it fails when it is ended.
const OLD: [&str; 2] = [
    "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM prismq.task",
    "SELECT pg_sleep(600)",
];
const END_OLD: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()";
/// The tables that vacuum follows closely, by the catalog.
const FOLLOWED_CLOSELY: &str = "SELECT string_agg(relname, ',') FROM pg_class
    WHERE relnamespace = 'prismq'::regnamespace AND relkind = 'r'
        AND 'autovacuum_vacuum_scale_factor=0' = ANY (reloptions)";

pub(crate) fn who_keeps_rows_from_being_removed_is_named() {
    let cluster = cluster(&["max_prepared_transactions=2"]);
    let queue = queue(&url(&cluster));
    queue.enqueue(task()).unwrap();
    assert_eq!(doctor(&queue).unwrap().warnings, [""; 0]);
    let prepared = ["BEGIN", "CREATE TABLE pending ()", "PREPARE TRANSACTION 'forgotten'"];
    cluster.sql("postgres", &prepared).unwrap();
    let found = doctor(&queue).unwrap();
    let holder = found.holders.first().unwrap();
    assert_eq!((holder.kind, &*holder.name), (HolderKind::PreparedTransaction, "forgotten"));
    assert!(found.warnings[0].contains("ROLLBACK PREPARED"), "{:?}", found.warnings);
    cluster.sql("postgres", &["ROLLBACK PREPARED 'forgotten'"]).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| cluster.sql("postgres", &OLD));
        wait_for("the session is found", || {
            let holders = doctor(&queue).unwrap().holders;
            let mut sessions = holders.iter().filter(|found| found.kind == HolderKind::Session);
            sessions.any(|session| session.name.contains("psql") && session.since.is_some())
        });
        cluster.sql("postgres", &[END_OLD]).unwrap();
    });
    // The server's statistics lag behind; before PostgreSQL 15, those of a session that does nothing more never come.
    wait_for("dead rows are counted", || {
        queue.complete(&claimed(&queue)).unwrap();
        queue.enqueue(task()).unwrap();
        let tables = doctor(&queue).unwrap().tables;
        tables.iter().any(|table| table.name == "task" && table.dead_rows > 0 && table.bytes > 0)
    });
}

pub(crate) fn settings_that_were_lost_are_named() {
    let cluster = cluster(&["autovacuum=off"]);
    let queue = queue(&url(&cluster));
    let warnings = doctor(&queue).unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("set autovacuum"), "{warnings:?}");
    // All tables for which the schema sets it.
    let tables = cluster.sql("postgres", &[FOLLOWED_CLOSELY]).unwrap();
    assert!(tables.split(',').any(|table| table == "ready"), "{tables}");
    for table in tables.split(',') {
        let reset = format!("ALTER TABLE prismq.{table} RESET (autovacuum_vacuum_scale_factor)");
        cluster.sql("postgres", &[&reset]).unwrap();
        let warnings = doctor(&queue).unwrap().warnings;
        let lost = format!("table {table} has lost");
        assert!(warnings.iter().any(|warning| warning.contains(&lost)), "{table}: {warnings:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = Queue::open(folder.path().join("queue.db")).unwrap();
    assert!(doctor(&file).is_err());
}
