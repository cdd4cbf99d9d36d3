//! Reads, which wait for nobody.

pub(crate) mod find;
pub(crate) mod limits;
pub(crate) mod payloads;
pub(crate) mod queues;
pub(crate) mod records;
pub(crate) mod schedules;

use super::batch::lanes::{self, Refresh};
use super::batch::queues::state;
use super::batch::shared::Shared;
use super::client::{Client, Columns, Role, Row, Value};
use crate::model::{Names, Result, State, TaskId, TaskInfo, UniqueKey};

/// A task.
pub(crate) const TASK: &str = "SELECT t.id, q.name, l.type, l.requirements, t.state, t.priority, t.attempt,
         t.max_attempts, t.enqueued_at, t.run_at, t.lease_expires_at, t.ended_at, t.error, t.payload, t.result, t.start_by,
         (SELECT u.key FROM prismq.unique_key u WHERE u.task = t.id LIMIT 1), m.name, k.name, l.keyed = 2,
         t.scheduled_for
     FROM prismq.task t JOIN prismq.lane l ON l.id = t.lane JOIN prismq.queue q ON q.id = l.queue
         LEFT JOIN prismq.limits m ON m.id = l.limits
         LEFT JOIN prismq.line n ON n.id = ANY (ARRAY[t.line]) LEFT JOIN prismq.key k ON k.id = ANY (ARRAY[n.key])
     WHERE t.id = $1";
/// The state of a task, with its error and its result.
pub(crate) const ENDING: &str = "SELECT state, error, result FROM prismq.task WHERE id = $1";
/// The highest id of a stored task.
pub(crate) const LAST_ID: &str =
    "SELECT coalesce((SELECT id FROM prismq.task ORDER BY id DESC LIMIT 1), 0)";
/// A number that changes whenever the set of committed transactions does.
pub(crate) const VERSION: &str = "SELECT hashtextextended(pg_current_snapshot()::text, 0)";

/// Reads by the connection that is for reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) client: &'a Client,
    pub(crate) shared: &'a Shared,
}

impl Reading<'_> {
    /// The rows of a statement.
    pub(crate) fn rows(self, sql: &'static str, params: &[&dyn Value]) -> Result<Vec<Row>> {
        let sql = self.shared.statements.text(sql);
        self.client.transaction(Role::Reader, |transaction| transaction.query(&sql, params))
    }

    /// The first row of a statement, if it returns any.
    pub(crate) fn row(self, sql: &'static str, params: &[&dyn Value]) -> Result<Option<Row>> {
        Ok(self.rows(sql, params)?.into_iter().next())
    }

    /// The task with this id, with all that is kept of it.
    pub(crate) fn task(self, id: TaskId) -> Result<Option<TaskInfo>> {
        let id = id.as_i64();
        let of_task: [&dyn Value; 1] = [&id];
        let texts = [TASK, records::ATTEMPTS, records::LINES, records::NOTE]
            .map(|sql| self.shared.statements.text(sql));
        let statements = texts.each_ref().map(|sql| (&**sql, of_task.as_slice()));
        let mut answers = self
            .client
            .transaction(Role::Reader, |transaction| transaction.pipeline(&statements))?
            .into_iter();
        let mut rows = || answers.next().unwrap_or_default();
        let Some(mut found) = rows().first().map(task).transpose()? else { return Ok(None) };
        records::add(&mut found, &rows(), &rows(), &rows())?;
        Ok(Some(found))
    }

    /// Reads the lanes that others have added, or all if what is known is out of date.
    pub(crate) fn refresh_lanes(self) -> Result<()> {
        let mut after = self.shared.lanes().last();
        loop {
            let rows = self.rows(lanes::AFTER, &[&after])?;
            match self.shared.lanes().take(after, &rows)? {
                Refresh::Complete => return Ok(()),
                Refresh::MustReadAll => after = 0,
            }
        }
    }

    /// Reads all lanes again.
    pub(crate) fn reread_lanes(self) -> Result<()> {
        loop {
            let state = self.shared.lanes().state();
            let rows = self.rows(lanes::AFTER, &[&0_i32])?;
            if self.shared.lanes().replace(state, &rows)? {
                return Ok(());
            }
        }
    }

    /// The highest id of a stored task.
    pub(crate) fn last_id(self) -> Result<TaskId> {
        let row = self.row(LAST_ID, &[])?;
        Ok(TaskId::from_i64(row.map_or(Ok(0), |row| row.column(0))?))
    }

    /// A number that changes whenever anything is committed.
    pub(crate) fn version(self) -> Result<i64> {
        self.row(VERSION, &[])?.map_or(Ok(0), |row| row.column(0))
    }
}

fn task(row: &Row) -> Result<TaskInfo> {
    let state = state(row.column(4)?)?;
    let run_at = row.time(9)?;
    // When a task died is its due time.
    let ended =
        row.time_if_any(11)?.filter(|_| matches!(state, State::Completed | State::Cancelled));
    Ok(TaskInfo {
        id: TaskId::from_i64(row.column(0)?),
        queue: row.column(1)?,
        task_type: row.column(2)?,
        requirements: Names::from_text(row.column(3)?).to_strings(),
        state,
        limit: row.column(17)?,
        key: row.column(18)?,
        ordered: row.column(19)?,
        unique: row.column::<Option<&[u8]>>(16)?.map(unique_key),
        priority: row.column(5)?,
        attempt: row.number(6)?,
        max_attempts: row.number(7)?,
        enqueued_at: row.time(8)?,
        run_at,
        start_by: row.time_if_any(15)?,
        lease_expires_at: row.time_if_any(10)?,
        completed_at: ended,
        died_at: (state == State::Dead).then_some(run_at),
        error: row.column(12)?,
        payload: row.column(13)?,
        scheduled_for: row.time_if_any(20)?,
        attempts: Vec::new(),
        result: row.column(14)?,
        progress: None,
        checkpoint: None,
        log: Vec::new(),
    })
}

/// A unique key as it is stored: of a text, 0 and its bytes.
fn unique_key(stored: &[u8]) -> UniqueKey {
    match stored.split_first() {
        Some((0, key)) => UniqueKey::Key(String::from_utf8_lossy(key).into_owned()),
        _ => UniqueKey::Payload,
    }
}
