//! A file that a newer version migrates while this one has it open.
//!
//! Failure mode: file: written by a newer or older version | refused and unchanged, also by those that have it open already

use prismq::{Error, WorkerPool};

use crate::support::{DEADLINE, Fixture, Gate, claim, task, wait_until};

/// Raises the version of the schema, as a newer program does.
fn migrate(fixture: &Fixture) {
    let newer = rusqlite::Connection::open(fixture.path()).unwrap();
    newer.execute("UPDATE prismq_meta SET version = 1000", []).unwrap();
}

#[test]
fn after_a_newer_migration_every_operation_is_refused() {
    let fixture = Fixture::new();
    fixture.enqueue("before");
    let lease = fixture.claim_one();
    fixture.enqueue("left");
    migrate(&fixture);

    let refusals = [
        fixture.queue.enqueue(task("after")).map(drop),
        fixture.queue.complete(&lease),
        fixture.queue.claim(&claim()).map(drop),
    ];
    for refused in refusals {
        let newer = |error: &Error| matches!(error, Error::SchemaTooNew { found: 1_000, .. });
        assert!(refused.as_ref().is_err_and(newer), "{refused:?}");
    }
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.enqueued, stats.ready, stats.leased), (2, 1, 1));
}

#[test]
fn after_a_newer_migration_a_pool_is_suspended_and_reports_why() {
    let fixture = Fixture::new();
    let (open, gate) = Gate::new();
    let pool =
        WorkerPool::builder(&fixture.queue).handle_bytes("job", gate.handler()).start().unwrap();
    fixture.enqueue("running");
    wait_until!(pool.stats().running == 1);
    migrate(&fixture);
    open.send(()).unwrap();
    let report = pool.shutdown(DEADLINE);
    assert!(matches!(report.error, Some(Error::SchemaTooNew { .. })), "{report:?}");
    assert_eq!(fixture.queue.stats("default").unwrap().leased, 1, "as before");
}
