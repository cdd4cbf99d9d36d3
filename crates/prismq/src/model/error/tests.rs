use std::io;

use super::predicates::Remedy;
use super::*;

fn other(text: &str) -> Arc<io::Error> {
    Arc::new(io::Error::other(text.to_owned()))
}

/// One error of each variant: its class, what its message says it is about, and what it says to do.
macro_rules! variants {
    ($($name:ident { $($field:ident: $value:expr),+ $(,)? } => $remedy:ident, $about:expr, $advice:expr;)+) => {
        fn variants() -> Vec<(Error, Remedy, &'static str, &'static str)> {
            vec![$((Error::$name { $($field: $value),+ }, Remedy::$remedy, $about, $advice)),+]
        }

        /// Does not compile while a variant is missing in the list.
        const fn _every_variant_is_listed(error: &Error) {
            match error {
                $(Error::$name { .. } => {})+
            }
        }
    };
}

variants! {
    InvalidInput { what: "priority", reason: "9, must be 0 to 3".to_owned() }
        => Change, "priority", "must be";
    LeaseLost { id: TaskId::from_i64(7), token: 2 } => Change, "task 7", "discard";
    ForeignLease { id: TaskId::from_i64(7), token: 2 } => Change, "task 7", "settle it through";
    Busy { waited: Duration::from_secs(5) } => Retry, "write lock", "retry";
    Overloaded { pending: 3, waited: Duration::from_secs(5) } => Retry, "3 operations", "retry";
    NotEmpty { queue: "mail".to_owned(), tasks: 3 } => Retry, "\"mail\"", "let workers finish them";
    QueueFull { queue: "mail".to_owned(), limit: 3, tasks: RefusedTasks::new(&[]) } => Retry, "\"mail\"", "retry";
    TooManyNames { queue: "mail".to_owned() } => Repair, "\"mail\"", "into the payload";
    NoSchedule { name: "nightly".to_owned() } => Repair, "\"nightly\"", "set it";
    OutOfIds { next: 0 } => Reopen, "task ids", "use a new file";
    Full { reason: "disk full".to_owned() } => Retry, "queue file", "free some";
    Unusable { path: "q.db".into(), reason: "a folder: name a file".to_owned() }
        => Repair, "q.db", "name a file";
    NotADatabase { path: "q.db".into() } => Repair, "q.db", "restore a backup";
    Foreign { path: "q.db".into(), application_id: 1 } => Repair, "q.db", "`Queue::attach`";
    SchemaTooNew { path: "q.db".into(), found: 9, supported: 3 } => Repair, "q.db", "use the version";
    SchemaTooOld { path: "q.db".into(), found: 1, supported: 3 } => Repair, "q.db", "finish its tasks";
    Corrupt { path: "q.db".into(), reason: "row 3".to_owned() } => Repair, "q.db", "restore a backup";
    Moved { path: "q.db".into() } => Repair, "q.db", "put it back";
    InUse { path: "q.db".into() } => Repair, "q.db", "close it everywhere";
    Poisoned { cause: "a sync failed".to_owned() } => Reopen, "a sync failed", "open the file again";
    TransactionRolledBack { source: Box::new(Error::Full { reason: "disk full".to_owned() }) }
        => Retry, "disk full", "begin it again";
    Io { source: other("reading failed") } => Retry, "queue file", "check the disk";
    Database { source: other("out of memory") } => Retry, "out of memory", "retry";
    Statement { source: other("no such table: invoice") } => Change, "no such table", "correct it";
    Forked { opened_by: 42 } => Reopen, "process 42", "before any queue is opened";
    Unavailable { server: "db:5432/app".to_owned(), reason: "connection refused".to_owned() }
        => Retry, "db:5432/app", "retry";
    Refused { server: "db:5432/app".to_owned(), reason: "version 12: use 15".to_owned() }
        => Repair, "db:5432/app", "use 15";
    CommitUnknown { reason: "the connection was lost".to_owned() }
        => Look, "the connection was lost", "look before you repeat it";
    NotOffered { what: "limits" } => Change, "limits", "not offered";
    Migration { reason: MigrationError::Moved { path: "q.db".into(), target: "db:5432/app".to_owned() } }
        => Repair, "q.db", "use it there";
    UnknownLimit { limit: "api".to_owned() } => Repair, "\"api\"", "`Queue::set_limit`";
    TooManyLimits { limit: "api".to_owned() } => Repair, "\"api\"", "into the key";
    Thread { source: other("too many threads") } => Retry, "too many threads", "retry";
}

#[test]
fn each_variant_has_the_remedy_that_its_meaning_asks_for() {
    for (error, remedy, ..) in variants() {
        assert_eq!(error.remedy(), remedy, "{error:?}");
        let answers = (error.is_transient(), error.needs_intervention(), error.is_recoverable());
        let expected = match remedy {
            Remedy::Retry => (true, false, true),
            Remedy::Look => (false, false, true),
            Remedy::Change => (false, false, false),
            Remedy::Repair => (false, true, true),
            Remedy::Reopen => (false, true, false),
        };
        assert_eq!(answers, expected, "{error:?}");
    }
}

#[test]
fn each_message_says_what_happened_to_what_and_what_to_do() {
    for (error, _, about, advice) in variants() {
        let message = error.to_string();
        assert!(message.contains(about), "{message:?} does not name {about:?}");
        assert!(message.contains(advice), "{message:?} does not advise {advice:?}");
    }
}

#[test]
fn a_transaction_that_was_rolled_back_is_what_ended_it() {
    let damaged = Error::Corrupt { path: "q.db".into(), reason: "row 3".to_owned() };
    let error = Error::TransactionRolledBack { source: Box::new(damaged) };
    assert!(error.needs_intervention() && !error.is_transient());
}
