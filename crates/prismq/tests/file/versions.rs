use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::{Error, WorkerPool};

use crate::support::{Fixture, task};

/// As a program of a newer version does while one of this version has the file open.
fn migrate_further(fixture: &Fixture) {
    let newer = rusqlite::Connection::open(fixture.path()).unwrap();
    newer.pragma_update(None, "user_version", 1_000).unwrap();
}

#[test]
fn every_operation_is_refused_and_changes_nothing() {
    let fixture = Fixture::new();
    fixture.enqueue("before");
    let lease = fixture.claim_one();
    fixture.enqueue("left");
    migrate_further(&fixture);

    let refusals = [
        fixture.queue.enqueue(&task("after")).map(drop),
        fixture.queue.complete(&lease),
        fixture.queue.claim(&crate::support::claim()).map(drop),
    ];
    for refused in refusals {
        let newer = |error: &Error| matches!(error, Error::SchemaTooNew { found: 1_000, .. });
        assert!(refused.as_ref().is_err_and(newer), "{refused:?}");
    }
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.enqueued, stats.ready, stats.leased), (2, 1, 1));
}

#[test]
fn a_pool_stops_and_says_why() {
    let fixture = Fixture::new();
    let ((entered_in, entered), (release, released)) = (channel(), channel::<()>());
    let (entered_in, released) = (Mutex::new(entered_in), Mutex::new(released));
    let pool = WorkerPool::builder(&fixture.queue)
        .handler("job", move |_| {
            entered_in.lock().unwrap().send(())?;
            Ok(released.lock().unwrap().recv()?)
        })
        .start()
        .unwrap();
    fixture.enqueue("in hand");
    entered.recv().unwrap();
    migrate_further(&fixture);
    release.send(()).unwrap();
    let report = pool.shutdown(Duration::from_secs(60));
    assert!(matches!(report.error, Some(Error::SchemaTooNew { .. })), "{report:?}");
    assert_eq!(fixture.queue.stats("default").unwrap().leased, 1, "as it was");
}
