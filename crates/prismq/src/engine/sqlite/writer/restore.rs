//! A backup that is restored into the open file: what is cached of the old content is read again.
//!
//! Restoring through SQLite changes the schema cookie, as nothing else does except a migration. Leases from before then
//! belong to another file, lanes have other numbers, and the monotonic time has another offset.

use std::sync::atomic::Ordering;

use super::Writer;
use crate::engine::sqlite::schema;
use crate::model::Result;
use crate::time::Moment;

impl Writer {
    /// Whether a backup was restored since the cache was read.
    pub(crate) fn was_restored(&self) -> Result<bool> {
        let cookie =
            schema::schema_cookie(&self.connection).map_err(|error| self.failure(error))?;
        Ok(cookie != self.schema_cookie)
    }

    /// Reads the cache again if a backup was restored, and returns the present by the time of the restored file. Only
    /// inside a transaction, unless the file has an offset for this boot.
    pub(crate) fn reload_if_restored(&mut self, now: Moment) -> Result<Moment> {
        let cookie =
            schema::schema_cookie(&self.connection).map_err(|error| self.failure(error))?;
        if cookie == self.schema_cookie {
            return Ok(now);
        }
        let file = schema::file_number(&self.connection).map_err(|error| self.failure(error))?;
        self.file.store(file, Ordering::Relaxed);
        self.ledger.lanes.clear();
        let again = self.reload_clock_offset()?;
        // An offset that this transaction stores may be rolled back: the next one checks again.
        if again.was_stored {
            self.schema_cookie = cookie;
        }
        Ok(now.moved(again.moved_by))
    }
}
