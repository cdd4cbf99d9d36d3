//! Tasks that become dead letters without a failed attempt, and a line of the log for each dead letter, once it is
//! committed.

pub(crate) mod damaged_rows;
pub(crate) mod expiry;

use rusqlite::OptionalExtension;
use tracing::Level;

use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::writer::Writer;
use crate::model::Result;

/// What a log line says of a task.
pub(crate) const DESCRIBED: &str = "SELECT prismq_queue.name, prismq_lane.type, prismq_task.attempt
     FROM prismq_task JOIN prismq_lane ON prismq_lane.id = prismq_task.lane
          JOIN prismq_queue ON prismq_queue.id = prismq_lane.queue
     WHERE prismq_task.id = ?1";

impl Writer {
    /// Logs that a task is dead, and why.
    pub(crate) fn log_dead(&self, task: i64, error: &str) -> Result<()> {
        if !tracing::enabled!(Level::WARN) {
            return Ok(());
        }
        let described = self
            .prepare(DESCRIBED)?
            .query_row([task], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()
            .map_err(|error| self.failure(error))?;
        let (queue, task_type, attempt): (String, String, i64) = described.unwrap_or_default();
        let (path, error) = (path_of(&self.connection), error.to_owned());
        self.ledger.log.add_on_commit(move || {
            tracing::warn!(
                path,
                task,
                queue,
                "type" = task_type,
                attempt,
                error,
                "task is dead: it failed for good or used up its attempts"
            );
        });
        Ok(())
    }
}
