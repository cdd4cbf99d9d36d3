//! Checking whether a claim would find a task, without a write transaction.

use rusqlite::{OptionalExtension, params};

use crate::engine::sqlite::writer::Writer;
use crate::model::{Claim, Result};

/// Whether a lane of a queue that is not paused has a ready task, or a suspect if those count.
pub(crate) const HAS_READY: &str = "SELECT 1 FROM prismq_queue WHERE id = ?2 AND NOT paused
     AND (EXISTS (SELECT 1 FROM prismq_task WHERE state = 0 AND lane = ?1)
          OR (?3 AND suspects > 0 AND EXISTS (SELECT 1 FROM prismq_task WHERE state = 5 AND lane = ?1)))";

/// Whether a queue is paused.
const IS_PAUSED: &str = "SELECT paused FROM prismq_queue WHERE name = ?1";

impl Writer {
    /// Whether a claim would find a task.
    pub(crate) fn has_ready(&mut self, claim: &Claim) -> Result<bool> {
        for (lane, _) in self.lanes_of(claim)? {
            let exists = self.prepare(HAS_READY)?.exists(params![
                lane.id,
                lane.queue,
                claim.suspects_max > 0
            ]);
            if exists.map_err(|error| self.failure(error))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the claim's queue is paused.
    pub(crate) fn is_paused(&mut self, claim: &Claim) -> Result<bool> {
        let mut select = self.prepare(IS_PAUSED)?;
        let paused = select.query_row([&*claim.queue], |row| row.get(0)).optional();
        Ok(paused.map_err(|error| self.failure(error))?.unwrap_or(false))
    }
}
