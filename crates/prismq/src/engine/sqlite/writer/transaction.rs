//! One transaction of the writer: begun for writing, waited for as durability asks, and undone as a whole where it
//! fails.

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
        let left = error::left_by_system();
        let committed =
            self.connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        committed.map(drop).map_err(|error| self.commit_failed(error))?;
        // What was committed lasts; no process can write more until this one has closed the file.
        if let Some(cause) = error::kept_lock(left) {
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

    /// Undoes the transaction in progress because of an error, and returns what to answer. A transaction
    /// that cannot be undone would take up whatever is written next.
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
