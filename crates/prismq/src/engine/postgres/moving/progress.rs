//! How far a migration has come, as the target says.

use super::Target;
use crate::engine::moving::{Part, RowKey, Rows};
use crate::engine::postgres::batch::cached::RAISE;
use crate::engine::postgres::batch::queues::{failure, missing};
use crate::engine::postgres::client::{Columns, Role, Row, Transaction, Value};
use crate::model::{Error, Result};
use crate::time::Timestamp;

/// What the target is, its time, whether it holds anything, and how far a migration has come.
const FIND: &str = "SELECT m.number, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
         EXISTS (SELECT FROM prismq.queue) OR EXISTS (SELECT FROM prismq.task) OR EXISTS (SELECT FROM prismq.limits)
             OR EXISTS (SELECT FROM prismq.schedule) OR EXISTS (SELECT FROM prismq.retry)
             OR EXISTS (SELECT FROM prismq.type_retention),
         g.number, g.part, g.first, g.second, g.tasks, g.complete
     FROM prismq.meta m LEFT JOIN prismq.migration g ON true";
/// Waits for all transactions that use the queue, and keeps others from it.
const LOCK: &str =
    "LOCK TABLE prismq.meta, prismq.lane, prismq.queue, prismq.task IN ACCESS EXCLUSIVE MODE";
/// Removes what a migration that was cancelled has copied. Rows of the inbox are of programs that use the queue from now
/// on.
const CLEAR: &str = "TRUNCATE prismq.queue, prismq.lane, prismq.task, prismq.ready, prismq.scheduled, prismq.expiry,
     prismq.ended, prismq.counter, prismq.counter_delta, prismq.deadline, prismq.cancel, prismq.attempt, prismq.note,
     prismq.log, prismq.retry, prismq.type_retention, prismq.unique_key, prismq.limits, prismq.slot, prismq.key,
     prismq.line, prismq.turn, prismq.schedule, prismq.migration, prismq.virtual_time, prismq.arrival";
const BEGIN: &str = "INSERT INTO prismq.migration (number) VALUES ($1)";
/// Ids of tasks that are added later are above those of all that are moved.
const SET_NEXT_ID: &str = "SELECT setval('prismq.task_id', $1, false)";
/// Advances a migration from where this program left it; a row if it was there.
pub(super) const ADVANCE: &str =
    "UPDATE prismq.migration SET part = $2, first = $3, second = $4, tasks = $5
     WHERE number = $1 AND NOT complete AND (part, first, second) = ($6, $7, $8) RETURNING number";

/// What a target is found to be.
#[derive(Debug)]
pub(super) struct Found {
    /// The number of the database.
    pub(super) number: i64,
    pub(super) now: Timestamp,
    /// Whether it holds a queue that does not belong to an incomplete migration.
    pub(super) is_in_use: bool,
    pub(super) progress: Option<Progress>,
}

/// How far a migration has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// Its number.
    pub(super) migration: i64,
    /// The place of the part among [`Part::ALL`].
    pub(super) part: i16,
    /// The key of the part's last row that was copied.
    pub(super) last: RowKey,
    /// Tasks that were copied.
    pub(super) tasks: i64,
    pub(super) complete: bool,
}

impl Progress {
    fn read(row: &Row) -> Result<Option<Self>> {
        let Some(migration) = row.column(3)? else { return Ok(None) };
        Ok(Some(Self {
            migration,
            part: row.column(4)?,
            last: [row.column(5)?, row.column(6)?],
            tasks: row.column(7)?,
            complete: row.column(8)?,
        }))
    }

    /// Once these rows of a part are copied.
    pub(super) fn after(self, place: i16, part: Part, rows: &Rows) -> Self {
        let tasks = match part {
            Part::Tasks | Part::Ended => i64::try_from(rows.count).unwrap_or(i64::MAX),
            _ => 0,
        };
        let tasks = self.tasks.saturating_add(tasks);
        Self { part: place, last: rows.last, tasks, ..self }
    }

    /// The parameters of [`ADVANCE`] from here to another place.
    pub(super) fn to<'a>(&'a self, next: &'a Self) -> [&'a dyn Value; 8] {
        let ([first, second], [from, from_second]) = (&next.last, &self.last);
        [&next.migration, &next.part, first, second, &next.tasks, &self.part, from, from_second]
    }
}

impl Target {
    pub(super) fn find(&self) -> Result<Found> {
        self.client.transaction(Role::Reader, |transaction| self.find_in(transaction))
    }

    fn find_in(&self, transaction: &mut Transaction<'_>) -> Result<Found> {
        let rows = transaction.query(&self.statements.text(FIND), &[])?;
        let row = rows.first().ok_or_else(|| missing("the row of prismq.meta"))?;
        let progress = Progress::read(row)?;
        let holds_rows: bool = row.column(2)?;
        let is_in_use = progress.map_or(holds_rows, |progress| progress.complete);
        Ok(Found { number: row.column(0)?, now: row.time(1)?, is_in_use, progress })
    }

    /// Begins a migration in a target that holds no queue, which it looks at once nobody can use it.
    pub(super) fn begin(&self, migration: i64, next_id: i64) -> Result<Progress> {
        let texts = [LOCK, CLEAR, BEGIN, SET_NEXT_ID, RAISE].map(|sql| self.statements.text(sql));
        let [lock, clear, begin, set_next_id, raise] = &texts;
        self.client.transaction(Role::Durable, |transaction| {
            transaction.query(lock, &[])?;
            let found = self.find_in(transaction)?;
            if found.is_in_use {
                return Err(self.in_use());
            }
            if found.progress.is_some_and(|progress| progress.migration == migration) {
                return Err(not_as_left());
            }
            transaction.finish(&[
                (clear, &[]),
                (begin, &[&migration]),
                (set_next_id, &[&next_id]),
                (raise, &[]),
            ])
        })?;
        Ok(Progress { migration, part: 0, last: [0, 0], tasks: 0, complete: false })
    }
}

/// Someone else advances the same migration, or a crash of the server has undone the last batches.
pub(super) fn not_as_left() -> Error {
    failure(
        "the migration is not where this program left it: another goes on with it, or a crash of the server has undone \
         the last steps; start it again once no other runs"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::CLEAR;
    use crate::engine::postgres::schema::tables;

    /// Tables that a migration does not fill.
    const STAYS: [&str; 2] = ["meta", "prismq_inbox"];

    #[test]
    fn a_migration_that_begins_anew_clears_every_table_of_a_copy() {
        let listed = CLEAR.strip_prefix("TRUNCATE ").unwrap().split(',');
        let mut cleared: Vec<_> =
            listed.map(|name| name.trim().strip_prefix("prismq.").unwrap()).collect();
        let mut copied: Vec<_> = tables().filter(|table| !STAYS.contains(table)).collect();
        cleared.sort_unstable();
        copied.sort_unstable();
        assert_eq!(cleared, copied);
    }
}
