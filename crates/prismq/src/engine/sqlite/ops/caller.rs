//! Operations in a caller's own transaction, on a connection of the caller's to the queue's file: all of a call, or
//! nothing.

use rusqlite::Connection;

use crate::engine::sqlite::batch::ledger::Ledger;
use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::{error, moved, schema};
use crate::model::{Error, Result};
use crate::time::Moment;

/// Around a call, so that one that fails leaves the transaction as it was.
const SAVEPOINT: &str = "SAVEPOINT prismq_call";
const RELEASE: &str = "RELEASE prismq_call";
const UNDO: &str = "ROLLBACK TO prismq_call; RELEASE prismq_call";

/// Runs an operation in the transaction that is open on this connection. Inner error of the operation: it does not
/// apply.
pub(crate) fn run<T>(
    connection: &Connection,
    file: i64,
    now: Moment,
    operation: impl FnOnce(&mut Ledger) -> rusqlite::Result<Result<T>>,
) -> Result<T> {
    if connection.is_autocommit() {
        return Err(Error::invalid("connection", "has no transaction open: begin one first"));
    }
    let mut ledger = Ledger::of_caller(now);
    let begun = verify(connection, file).and_then(|features| {
        ledger.features = features;
        execute(connection, SAVEPOINT)
    });
    if let Err(error) = begun {
        return Err(if connection.is_autocommit() { rolled_back(error) } else { error });
    }
    let done = operation(&mut ledger)
        .and_then(|answer| ledger.flush(connection).map(|()| answer))
        .map_err(|error| failed(connection, error))
        .flatten()
        .and_then(|answer| execute(connection, RELEASE).map(|()| answer));
    match done {
        Err(error) if !undo(connection) => Err(rolled_back(error)),
        done => done,
    }
}

/// Refuses a connection to another file than the one with this number; returns the features in use.
fn verify(connection: &Connection, file: i64) -> Result<schema::Features> {
    let (version, features) = match schema::meta(connection) {
        Ok(meta) => meta,
        // Usually the table is missing: what else the file may be is found out only now, as that takes longer.
        Err(error) => match schema::content(connection).map_err(|e| failed(connection, e))? {
            schema::Content::Queue { version } if version == schema::VERSION => {
                return Err(failed(connection, error));
            }
            _ => return Err(no_queue(connection)),
        },
    };
    if version != schema::VERSION {
        return Err(no_queue(connection));
    }
    moved::refuse(connection.path().unwrap_or_default().as_ref(), connection, features)?;
    if schema::file_number(connection).map_err(|e| failed(connection, e))? != file {
        let path = connection.path().unwrap_or_default();
        let reason = format!("is open on {path:?}, another queue's file: open it on this queue's");
        return Err(Error::invalid("connection", reason));
    }
    Ok(features)
}

fn no_queue(connection: &Connection) -> Error {
    let path = connection.path().unwrap_or_default();
    let reason = format!("is open on {path:?}, which holds no queue of this version");
    Error::invalid("connection", reason)
}

/// Rolls back to the savepoint, or else the whole transaction, as it must not be committed with a part of the call.
/// `true` if the transaction is still open; SQLite may have rolled it back itself.
fn undo(connection: &Connection) -> bool {
    if connection.is_autocommit() {
        return false;
    }
    let Err(error) = connection.execute_batch(UNDO) else {
        return true;
    };
    let rolled_back = connection.execute_batch("ROLLBACK");
    // Logged now that the file is unlocked: a subscriber of the log may use the queue.
    let path = path_of(connection);
    tracing::warn!(path, %error, "rollback to a savepoint failed: the caller's transaction is rolled back");
    if let Err(error) = rolled_back {
        tracing::error!(path, %error, "rollback of the caller's transaction failed: close its connection");
    }
    false
}

fn rolled_back(source: Error) -> Error {
    Error::TransactionRolledBack { source: Box::new(source) }
}

fn execute(connection: &Connection, sql: &str) -> Result<()> {
    let executed = connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    executed.map(drop).map_err(|error| failed(connection, error))
}

fn failed(connection: &Connection, error: rusqlite::Error) -> Error {
    error::classify(connection.path().unwrap_or_default().as_ref(), error)
}
