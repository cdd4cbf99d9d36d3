//! Writing the states of lines after a claim, and opening those that waited for the rate of their keys.

use rusqlite::params;

use super::Lines;
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::writer::Writer;
use crate::model::Result;

/// Writes the state of a line.
pub(crate) const SET_LINE: &str = "UPDATE prismq_line SET state = ?2, turn = ?3 WHERE lane = ?1";
/// Opens the blocked lines of keys whose rate lets them go on.
pub(crate) const OPEN_DUE: &str = "UPDATE prismq_line SET state = 1,
         turn = max(turn, coalesce((SELECT min(open.turn) FROM prismq_line AS open
                                    WHERE open.base = prismq_line.base AND open.state = 1), turn))
     WHERE state = 2 AND key IN (SELECT id FROM prismq_key WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2)";
/// These keys wait for their rate no more.
pub(crate) const DUE_NO_MORE: &str = "UPDATE prismq_key SET due_at = NULL
     WHERE id IN (SELECT id FROM prismq_key WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2)";
/// When the first of the keys that wait for their rate may go on.
pub(crate) const FIRST_DUE: &str = "SELECT min(due_at) FROM prismq_key WHERE due_at IS NOT NULL";

impl Writer {
    /// Writes the states of lines.
    pub(in crate::engine::sqlite::ops::claim) fn save_lines(&self, lines: &Lines) -> Result<()> {
        for line in lines.lines.iter().filter(|line| line.changed) {
            self.execute(SET_LINE, [line.lane, line.state, line.turn])?;
        }
        Ok(())
    }

    /// Opens the lines of keys whose rate lets them go on.
    pub(in crate::engine::sqlite::ops::claim) fn open_due(&self, now: i64) -> Result<()> {
        if self.first_due()?.is_some_and(|due| due <= now) {
            self.execute(OPEN_DUE, params![now, STEP_TASKS_MAX])?;
            self.execute(DUE_NO_MORE, params![now, STEP_TASKS_MAX])?;
        }
        Ok(())
    }

    /// When the first of the keys that wait for their rate may go on.
    pub(in crate::engine::sqlite::ops::claim) fn first_due(&self) -> Result<Option<i64>> {
        let first = self.prepare(FIRST_DUE)?.query_row([], |row| row.get(0));
        first.map_err(|error| self.failure(error))
    }
}
