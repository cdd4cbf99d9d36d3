//! Damaged rows, as a damaged file or another program leaves them: each becomes a dead letter when it is read, so
//! that it costs its own task and no other.

use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::{Row, params};

use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::ops::claim::lease;
use crate::engine::sqlite::writer::Writer;
use crate::model::Result;

/// Makes a task a dead letter, with numbers in range, so that it can be read.
pub(crate) const DEAD_LETTER: &str = "UPDATE prismq_task SET
         state = 3, error = ?2, run_at = ?3, lease_expires_at = NULL, suspect = 0,
         priority = max(-32768, min(priority, 32767)),
         max_attempts = max(1, min(max_attempts, 1000000)),
         attempt = max(0, min(attempt, max_attempts, 1000000))
     WHERE id = ?1";
/// Of these tasks, those whose token or attempt is at its maximum.
pub(crate) const EXHAUSTED: &str = "SELECT id FROM prismq_task
     WHERE id IN (SELECT value FROM rarray(?1))
       AND (token = 9223372036854775807 OR attempt = 9223372036854775807)";
/// Tasks that became ready in a lane, or suspects.
pub(crate) const READY_IN_LANE: &str = "SELECT id FROM prismq_task WHERE state = 0 AND lane = ?1
     UNION ALL SELECT id FROM prismq_task WHERE state = 5 AND lane = ?1 LIMIT ?2";

impl Writer {
    /// Makes a task with a damaged row a dead letter.
    pub(crate) fn dead_letter(&self, id: i64, reason: &str) -> Result<()> {
        let now = self.ledger.now.monotonic.as_micros();
        self.execute(DEAD_LETTER, params![id, reason, now])?;
        let reason = reason.to_owned();
        let path = path_of(&self.connection);
        self.ledger.log.add_on_commit(move || {
            tracing::error!(path, task = id, reason, "damaged row: the task is dead");
        });
        Ok(())
    }

    /// Makes those of the tasks dead letters whose token or attempt is at its maximum, and returns their ids.
    pub(crate) fn dead_letter_exhausted(&self, ids: Rc<Vec<Value>>) -> Result<Vec<i64>> {
        let exhausted = self.ids(EXHAUSTED, [ids])?;
        for id in &exhausted {
            self.dead_letter(*id, "its token or attempt is the highest number possible")?;
        }
        Ok(exhausted)
    }

    /// Makes the ready tasks of a missing lane dead letters. No queue counts them.
    pub(crate) fn dead_letter_lane(&self, lane: i64) -> Result<()> {
        for id in self.ids(READY_IN_LANE, params![lane, STEP_TASKS_MAX])? {
            let reason = format!("its lane {lane} is missing: its queue and type are unknown");
            self.dead_letter(id, &reason)?;
        }
        Ok(())
    }

    fn ids(&self, select: &str, params: impl rusqlite::Params) -> Result<Vec<i64>> {
        self.prepare(select)?
            .query_map(params, |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))
    }
}

/// What is wrong with a row that [`lease::LEASE`] returned.
pub(crate) fn reason(row: &Row<'_>, error: &rusqlite::Error) -> String {
    let numbers = [
        (lease::ATTEMPT, "attempt", 1..=i64::from(u32::MAX)),
        (lease::MAX_ATTEMPTS, "max_attempts", 1..=i64::from(u32::MAX)),
        (lease::PRIORITY, "priority", i64::from(i32::MIN)..=i64::from(i32::MAX)),
    ];
    for (column, name, range) in numbers {
        if let Ok(value) = row.get::<_, i64>(column)
            && !range.contains(&value)
        {
            return format!("its {name} is {value}, out of range");
        }
    }
    format!("its row cannot be read: {error}")
}
