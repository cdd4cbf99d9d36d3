//! Proof that the writer itself stops once it is unknown what reached the disk: whichever call is made, nothing
//! more is read or written.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rusqlite::ffi;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};

use crate::engine::Operation;
use crate::engine::sqlite::tests::{NOW, claim_of, writer};
use crate::engine::sqlite::writer::Writer;
use crate::model::{Error, NewTask};
use crate::time::{Clock, ManualClock, Moment, Signal, Timestamp};

fn enqueue() -> Operation {
    Operation::Enqueue(vec![NewTask::new("job", [])])
}

fn data_version(other: &rusqlite::Connection) -> i64 {
    other.pragma_query_value(None, "data_version", |row| row.get(0)).unwrap()
}

/// Every way into the writer is answered `Poisoned`, and another connection sees no change.
#[track_caller]
fn assert_stopped(writer: &mut Writer) {
    let other = rusqlite::Connection::open(&writer.path).unwrap();
    let before = data_version(&other);
    let clock = ManualClock::new(NOW);
    let poisoned = |error: &Error| matches!(error, Error::Poisoned { .. });
    for operation in [enqueue(), claim_of(1)] {
        let answers = writer.apply(&clock, &[operation]);
        assert!(answers.as_ref().is_err_and(poisoned), "{answers:?}");
    }
    assert!(writer.settings().is_err_and(|error| poisoned(&error)));
    assert!(writer.version().is_err_and(|error| poisoned(&error)));
    assert_eq!(data_version(&other), before);
}

#[test]
fn a_failed_sync_in_commit_stops_the_writer() {
    let (_folder, mut writer) = writer();
    writer.begin().unwrap();
    writer.run(Moment::now(&ManualClock::new(NOW)), &[enqueue()]).unwrap();
    let failed = ffi::Error::new(ffi::SQLITE_IOERR_FSYNC);
    let error = writer.commit_failed(rusqlite::Error::SqliteFailure(failed, None));
    assert!(matches!(error, Error::Poisoned { .. }), "{error:?}");
    assert_stopped(&mut writer);
}

#[test]
fn a_commit_without_space_does_not_stop_the_writer() {
    let (_folder, mut writer) = writer();
    writer.begin().unwrap();
    let failed = ffi::Error::new(ffi::SQLITE_FULL);
    let error = writer.commit_failed(rusqlite::Error::SqliteFailure(failed, None));
    assert!(error.is_full(), "{error:?}");
    writer.apply(&ManualClock::new(NOW), &[enqueue()]).unwrap();
}

#[test]
fn a_failed_rollback_stops_the_writer() {
    let (_folder, mut writer) = writer();
    let no_rollback = |context: AuthContext<'_>| match context.action {
        AuthAction::Transaction { operation: TransactionOperation::Rollback } => {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    };
    writer.connection.authorizer(Some(no_rollback)).unwrap();
    writer.connection.execute("UPDATE prismq_meta SET version = 1000", []).unwrap();
    let error = writer.apply(&ManualClock::new(NOW), &[enqueue()]).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, Error::Poisoned { .. }), "{said}");
    assert!(said.contains("schema version 1000") && said.contains("rolled back"), "{said}");
    assert!(!writer.connection.is_autocommit());
    assert_stopped(&mut writer);
}

/// Panics when it is asked for the second time: in the transaction.
#[derive(Debug, Default)]
struct PanicsOnce(AtomicUsize);

impl Clock for PanicsOnce {
    fn now(&self) -> Timestamp {
        assert_ne!(self.0.fetch_add(1, Ordering::Relaxed), 1, "as the test wants it");
        NOW
    }

    fn sleep_until(&self, _: Timestamp) -> Option<Duration> {
        None
    }

    fn on_jump(&self, _: &Arc<Signal>) {}
}

#[test]
fn a_panic_in_a_transaction_stops_the_writer() {
    let (_folder, mut writer) = writer();
    let clock = PanicsOnce::default();
    let panicked = catch_unwind(AssertUnwindSafe(|| writer.apply(&clock, &[enqueue()])));
    assert!(panicked.is_err());
    assert!(writer.connection.is_autocommit(), "others can write");
    assert_stopped(&mut writer);
}
