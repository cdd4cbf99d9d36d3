//! Connecting, and what is refused.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use prismq::{Error, Queue};

use crate::support::{DEADLINE, claimed, cluster, queue, task, tasks, url};

pub(crate) fn clients_that_come_at_once_make_the_tables_once() {
    let cluster = cluster(&[]);
    let url = url(&cluster);
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                start.wait();
                queue(&url).enqueue(task()).unwrap();
            });
        }
    });
    assert_eq!(tasks(&cluster), "4");
    let versions = cluster.sql("postgres", &["SELECT count(*) FROM prismq.meta"]).unwrap();
    assert_eq!(versions, "1");
}

pub(crate) fn a_database_that_does_not_exist_is_refused_at_once() {
    let cluster = cluster(&[]);
    let builder = prismq::postgres::builder(&cluster.url("missing")).unwrap();
    // Waiting would take longer than the test may.
    let error = builder.busy_wait(DEADLINE * 10).open().unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("missing"), "{error}");
}

pub(crate) fn a_role_that_may_not_make_the_tables_is_refused_without_its_password() {
    let cluster = cluster(&[]);
    cluster.sql("postgres", &["CREATE ROLE plain LOGIN"]).unwrap();
    let url = url(&cluster).replace("user=postgres", "user=plain&password=s3cret");
    let error = Queue::connect(&url).unwrap_err();
    let printed = format!("{error} {error:?}");
    assert!(printed.contains("permission denied") && !printed.contains("s3cret"), "{printed}");
    // With the right to make a schema it can.
    cluster.sql("postgres", &["GRANT CREATE ON DATABASE postgres TO plain"]).unwrap();
    queue(&url).enqueue(task()).unwrap();
    assert_eq!(tasks(&cluster), "1");
}

pub(crate) fn tables_of_another_version_are_refused() {
    let cluster = cluster(&[]);
    queue(&url(&cluster)).enqueue(task()).unwrap();
    cluster.sql("postgres", &["UPDATE prismq.meta SET version = version + 1"]).unwrap();
    let error = Queue::connect(&url(&cluster)).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(
        error.to_string().contains("its tables have version 2, this version reads 1"),
        "{error}"
    );
    assert_eq!(tasks(&cluster), "1");
}

/// Although it lacks functions that are asked for.
pub(crate) fn another_product_is_refused_by_its_name() {
    const OTHER: [&str; 4] = [
        "ALTER FUNCTION pg_catalog.version() RENAME TO version_of_postgresql",
        "CREATE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql AS
             $$ SELECT 'CockroachDB CCL v24.1.0 (x86_64-pc-linux-gnu)' $$",
        "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_control_system() FROM PUBLIC",
        "CREATE ROLE plain LOGIN",
    ];
    let cluster = cluster(&["allow_system_table_mods=on"]);
    cluster.sql("postgres", &OTHER).unwrap();
    let url = url(&cluster).replace("user=postgres", "user=plain");
    let error = Queue::connect(&url).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("it is CockroachDB"), "{error}");
}

pub(crate) fn a_server_that_is_not_there_is_waited_for() {
    let mut cluster = cluster(&[]);
    let url = url(&cluster);
    cluster.stop();
    let builder = prismq::postgres::builder(&url).unwrap();
    let error = builder.busy_wait(Duration::from_millis(100)).open().unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }) && error.is_transient(), "{error:?}");
    thread::scope(|scope| {
        let opening = scope.spawn(|| queue(&url).enqueue(task()).map(drop));
        cluster.resume().unwrap();
        opening.join().unwrap().unwrap();
    });
}

pub(crate) fn a_pooler_of_transactions_needs_no_session() {
    let cluster = cluster(&[]);
    let queue = queue(&format!("{}&pooler=transaction", url(&cluster)));
    queue.enqueue(task()).unwrap();
    let lease = claimed(&queue);
    queue.complete(&lease).unwrap();
    assert_eq!(queue.stats("default").unwrap().completed, 1);
    let prepared =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'prismq listener%'";
    assert_eq!(cluster.sql("postgres", &[prepared]).unwrap(), "0");
}
