//! What is remembered of the file, and forgotten once its content was exchanged as a whole, as by restoring a
//! backup into it.
//!
//! Restoring through SQLite raises the number of the schema, as nothing else does but a migration. Leases of
//! before are then of another file, lanes have other numbers, and the monotonic time goes on from another note.

use std::sync::atomic::Ordering;

use super::Writer;
use crate::engine::sqlite::schema;
use crate::model::Result;
use crate::time::Moment;

impl Writer {
    /// Whether the content was exchanged since it was last read.
    pub(crate) fn is_exchanged(&self) -> Result<bool> {
        let schema = schema::number(&self.connection).map_err(|error| self.failure(error))?;
        Ok(schema != self.schema)
    }

    /// Forgets what is remembered if the content was exchanged, and gives the present by the time of what is there
    /// now. Inside a transaction, unless the note of this boot is there.
    pub(crate) fn forget_exchanged(&mut self, now: Moment) -> Result<Moment> {
        let schema = schema::number(&self.connection).map_err(|error| self.failure(error))?;
        if schema == self.schema {
            return Ok(now);
        }
        let file = schema::file_number(&self.connection).map_err(|error| self.failure(error))?;
        self.file.store(file, Ordering::Relaxed);
        self.ledger.lanes.clear();
        let again = self.anchor_again()?;
        // A note that this transaction made may be rolled back: the next one looks again.
        if again.is_noted {
            self.schema = schema;
        }
        Ok(now.moved(again.moved_by))
    }
}
