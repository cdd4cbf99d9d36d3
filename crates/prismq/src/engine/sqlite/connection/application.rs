//! Transactions of the application, on connections that the queue keeps for them: [`crate::sqlite::Transaction`].
//!
//! Unlike the queue's own, these connections run the application's triggers and views, and check foreign keys as SQLite
//! does by default.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::files::Files;
use super::poison::Poison;
use super::{STATEMENT_CACHE, busy, let_sqlite_wait, sync_fully, synchronous};
use crate::engine::ContentionCounters;
use crate::engine::sqlite::error;
use crate::engine::sqlite::writer::Writer;
use crate::model::{Durability, Error, Result};

/// Idle connections that are kept: transactions that write run one after the other.
const IDLE_MAX: usize = 4;

/// Whether a connection has no temporary table.
const HAS_NO_TEMPORARY: &str = "SELECT NOT EXISTS (SELECT 1 FROM temp.sqlite_schema)";
/// The place of the first attached database, after `main` and `temp`.
const ATTACHED: usize = 2;

/// The connections of an open queue for the application's transactions.
#[derive(Debug)]
pub(crate) struct ApplicationConnections {
    path: PathBuf,
    durability: Durability,
    busy_wait: Duration,
    files: Arc<Files>,
    poison: Arc<Poison>,
    contention: Arc<ContentionCounters>,
    idle: Mutex<Vec<Connection>>,
}

impl ApplicationConnections {
    /// To the same file and with the same settings as the writer.
    pub(crate) fn like(writer: &Writer) -> Self {
        Self {
            path: writer.path.clone(),
            durability: writer.durability,
            busy_wait: writer.busy_wait,
            files: writer.files.clone(),
            poison: writer.poison().clone(),
            contention: writer.contention.clone(),
            idle: Mutex::default(),
        }
    }

    /// Runs `work` in a write transaction, and commits it if `work` succeeds. Otherwise, and if it panics, the
    /// transaction is rolled back.
    pub(crate) fn transaction<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.poison.refuse()?;
        self.files.refuse_moved()?;
        let connection = self.take()?;
        let done = self.begin(&connection).map_err(E::from).and_then(|transaction| {
            let done = work(&transaction)?;
            self.commit(transaction)?;
            Ok(done)
        });
        self.keep(connection);
        done
    }

    /// A connection without a transaction.
    fn take(&self) -> Result<Connection> {
        if let Some(connection) = self.idle().pop() {
            return Ok(connection);
        }
        self.connect().map_err(|error| error::classify(&self.path, error))
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        connection.pragma_update(None, "synchronous", synchronous(self.durability))?;
        sync_fully(&connection)?;
        Ok(connection)
    }

    fn begin<'c>(&self, connection: &'c Connection) -> Result<Transaction<'c>> {
        let failure = |error| self.failure(error);
        // SQLite's own wait starves late comers: see [`busy`].
        let_sqlite_wait(connection, Duration::ZERO).map_err(failure)?;
        let begun = busy::retry(self.busy_wait, &self.contention, || {
            Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(failure)
        })?;
        // For databases that the application attaches.
        let_sqlite_wait(connection, self.busy_wait).map_err(failure)?;
        Ok(begun)
    }

    fn commit(&self, transaction: Transaction<'_>) -> Result<()> {
        if transaction.is_autocommit() {
            let reason = "it was ended before the closure returned, by COMMIT or ROLLBACK or by a failure that rolled \
                          all of it back: return such a failure from the closure";
            return Err(Error::invalid("transaction", reason));
        }
        let left = error::last_system_error();
        transaction.commit().map_err(|error| match error::leaves_disk_unknown(&error) {
            true => self.poison.remember(Error::Poisoned { cause: error.to_string() }),
            false => self.failure(error),
        })?;
        if let Some(cause) = error::unreleased_lock(left) {
            self.poison.set(&cause);
        }
        if let Some(cause) = self.files.lost(None) {
            return Err(self.poison.remember(Error::Poisoned { cause }));
        }
        self.contention.write_transactions.fetch_add(1, Ordering::Relaxed);
        let synced = u64::from(self.durability == Durability::Full);
        self.contention.synced_transactions.fetch_add(synced, Ordering::Relaxed);
        Ok(())
    }

    fn failure(&self, error: rusqlite::Error) -> Error {
        self.poison.remember(error::classify(&self.path, error))
    }

    /// Keeps a connection for a later transaction, unless the last one left something behind on it.
    fn keep(&self, connection: Connection) {
        let is_clean = connection.is_autocommit()
            && connection.db_name(ATTACHED).is_err()
            && connection
                .prepare_cached(HAS_NO_TEMPORARY)
                .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
                .unwrap_or(false);
        let mut idle = self.idle();
        if is_clean && idle.len() < IDLE_MAX {
            idle.push(connection);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rusqlite::Transaction;
    use rusqlite::hooks::{AuthContext, Authorization};

    use super::ApplicationConnections;
    use crate::engine::sqlite::ops::enqueue::enqueue_in;
    use crate::engine::sqlite::schema;
    use crate::engine::sqlite::tests::{NOW, writer};
    use crate::model::{NewTask, Result};
    use crate::time::{ManualClock, Moment};

    /// SQLite asks for authorization as it compiles a statement, and only then.
    #[test]
    fn a_transaction_compiles_its_begin_and_its_commit_and_nothing_else() {
        let (_folder, writer) = writer();
        let connections = ApplicationConnections::like(&writer);
        let file = schema::file_number(&writer.connection).unwrap();
        let now = Moment::now(&ManualClock::new(NOW));
        let enqueue = || {
            let work = |transaction: &Transaction<'_>| -> Result<()> {
                enqueue_in(transaction, file, now, &[NewTask::new("job", *b"")]).map(drop)
            };
            connections.transaction(work).unwrap();
        };
        enqueue();
        let compiled = Arc::new(AtomicUsize::new(0));
        let counted = compiled.clone();
        let hook = move |_: AuthContext<'_>| {
            counted.fetch_add(1, Ordering::Relaxed);
            Authorization::Allow
        };
        connections.idle().first().unwrap().authorizer(Some(hook)).unwrap();
        enqueue();
        compiled.store(0, Ordering::Relaxed);
        enqueue();
        assert_eq!(compiled.load(Ordering::Relaxed), 2);
    }
}
