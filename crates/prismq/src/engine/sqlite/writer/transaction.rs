//! One transaction of the writer: begin, commit with the sync that durability asks for, and roll back.

use rusqlite::Statement;

use super::Writer;
use crate::engine::sqlite::connection::busy;
use crate::engine::sqlite::error;
use crate::model::{Error, Result};

impl Writer {
    pub(crate) fn begin(&self) -> Result<()> {
        busy::retry(self.busy_wait, &self.contention, || {
            self.execute("BEGIN IMMEDIATE", []).map(drop)
        })
    }

    pub(crate) fn commit(&mut self) -> Result<()> {
        #[cfg(feature = "testing")]
        if let Some(error) = self.injected.take() {
            return Err(self.roll_back(error));
        }
        let left = error::last_system_error();
        let committed =
            self.connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        committed.map(drop).map_err(|error| self.commit_failed(error))?;
        // The commit is durable, but no process can write until this one has closed the file.
        if let Some(cause) = error::unreleased_lock(left) {
            self.poison().set(&cause);
        }
        Ok(())
    }

    pub(crate) fn commit_failed(&mut self, error: rusqlite::Error) -> Error {
        let error = if error::leaves_disk_unknown(&error) {
            Error::Poisoned { cause: error.to_string() }
        } else {
            self.failure(error)
        };
        self.roll_back(error)
    }

    /// Rolls the transaction in progress back because of an error, and returns the answer. A transaction that cannot
    /// be rolled back would take up the next one's writes, so that the queue is then poisoned.
    pub(crate) fn roll_back(&mut self, error: Error) -> Error {
        self.ledger.clear();
        let error = self.poison().remember(error);
        // SQLite may have rolled back by itself; the first error is the one that counts.
        if self.connection.is_autocommit() {
            return error;
        }
        match self.connection.execute_batch("ROLLBACK") {
            Ok(()) => error,
            Err(failed) => {
                let cause = format!("{error}; its transaction could not be rolled back: {failed}");
                self.poison().remember(Error::Poisoned { cause })
            }
        }
    }

    pub(crate) fn wait_for_disk(&mut self, wait: bool) -> Result<()> {
        if self.waits_for_disk != wait {
            let level = if wait { "FULL" } else { "NORMAL" };
            self.connection
                .pragma_update(None, "synchronous", level)
                .map_err(|error| self.failure(error))?;
            self.waits_for_disk = wait;
        }
        Ok(())
    }

    pub(crate) fn prepare(&self, sql: &str) -> Result<rusqlite::CachedStatement<'_>> {
        self.connection.prepare_cached(sql).map_err(|error| self.failure(error))
    }

    pub(crate) fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize> {
        let mut statement = self.prepare(sql)?;
        let statement: &mut Statement<'_> = &mut statement;
        statement.execute(params).map_err(|error| self.failure(error))
    }

    pub(crate) fn failure(&self, error: rusqlite::Error) -> Error {
        self.poison().remember(error::classify(&self.path, error))
    }
}
