//! Rows of `prismq_inbox` become tasks: a bounded number before the first claim of a transaction, oldest first.
//!
//! The tasks are added as by an enqueue. A row whose queue is full is held until there is room ([`held`]); one that
//! cannot be a task is kept with the reason. Neither is in a later transaction's way.

pub(crate) mod held;
mod row;

use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::{Rows, params};

use self::row::{rows, task};
use super::enqueue;
use crate::engine::Operation;
use crate::engine::sqlite::batch::STEP_TASKS_MAX;
use crate::engine::sqlite::connection::path_of;
use crate::engine::sqlite::error;
use crate::engine::sqlite::schema::Features;
use crate::engine::sqlite::writer::Writer;
use crate::model::limits::PAYLOAD_BYTES_MAX;
use crate::model::{Durability, Enqueued, Error, NewTask, Result};
use crate::time::Moment;

/// Payload bytes after which the rest is left for the next transaction.
const INBOX_BYTES_MAX: usize = 8 << 20;

/// A row that waits for a claim, if there is one.
pub(crate) const WAITING: &str = "SELECT 1 FROM prismq_inbox INDEXED BY prismq_inbox_waiting
     WHERE held = 0 AND error IS NULL LIMIT 1";
/// The oldest of them. A payload that no task can have is not read.
pub(crate) const OLDEST: &str =
    rows!("INDEXED BY prismq_inbox_waiting WHERE held = 0 AND error IS NULL ORDER BY id LIMIT ?1");
/// Deletes rows that became tasks.
pub(crate) const TAKEN: &str =
    "DELETE FROM prismq_inbox WHERE id IN (SELECT value FROM rarray(?1))";
/// Keeps a row that cannot be a task.
pub(crate) const REFUSE: &str = "UPDATE prismq_inbox SET error = ?2, held = 0 WHERE id = ?1";

/// A row, and the task it describes or the reason why it describes none.
type Entry = (i64, Result<NewTask>);

impl Writer {
    /// Whether a batch has a claim that will move rows of the inbox. Its transaction must then be as durable as an
    /// enqueue: a power cut that undid it would return the row, but its id would be given to another task.
    pub(crate) fn will_take_in(&self, batch: &[Operation]) -> Result<bool> {
        if !self.ledger.features.has(Features::INBOX) {
            return Ok(false);
        }
        if !batch.iter().any(|operation| operation.claims().is_some()) {
            return Ok(false);
        }
        match self.inbox_waits() {
            // Another process recovers the file. The claim looks again, under the write lock.
            Err(error) if error.is_busy() => Ok(false),
            waits => waits,
        }
    }

    /// Whether a row of the inbox waits to become a task, and can.
    pub(crate) fn inbox_waits(&self) -> Result<bool> {
        let waits = self.prepare(WAITING)?.exists([]).map_err(|error| self.failure(error))?;
        Ok(waits || self.held_queues()?.iter().any(|(_, room)| *room > 0))
    }

    /// Moves rows of the inbox, if it is in use and the transaction is durable. What is left is noted for the answers
    /// of claims.
    pub(crate) fn take_in(&mut self, now: Moment) -> Result<()> {
        self.ledger.inbox_left = false;
        if !self.ledger.features.has(Features::INBOX) {
            return Ok(());
        }
        if !self.waits_for_disk && self.durability == Durability::Full {
            self.ledger.inbox_left = self.inbox_waits()?;
            return Ok(());
        }
        let mut taken: Vec<Value> = Vec::new();
        // First, as they are older than those that wait for the same queue.
        let mut entries = Vec::new();
        self.held(now, &mut entries)?;
        self.oldest(now, &mut entries)?;
        for (id, task) in entries {
            let added = match task {
                Ok(task) => self.add_from_inbox(now, task)?,
                Err(error) => Err(error),
            };
            match added {
                Ok(()) => taken.push(id.into()),
                Err(Error::QueueFull { .. }) => self.hold(id)?,
                Err(error) => self.refuse(id, &error)?,
            }
        }
        if !taken.is_empty() {
            self.execute(TAKEN, [Rc::new(taken)])?;
        }
        Ok(())
    }

    /// Inner error: the row can become no task.
    fn add_from_inbox(&mut self, now: Moment, task: NewTask) -> Result<Result<()>> {
        let added = enqueue::enqueue(&self.connection, &mut self.ledger, now, &[task])
            .map_err(|error| self.failure(error))?;
        Ok(added.and_then(|added| match added.first() {
            // Nobody else would learn of it. The same payload again is what the key is for.
            Some(Enqueued::Conflict(holder)) => {
                let reason = format!("task {holder} holds it and has another payload");
                Err(Error::invalid("unique key", reason))
            }
            _ => Ok(()),
        }))
    }

    /// Adds the oldest rows, as many as a transaction moves, and notes whether more are left.
    fn oldest(&mut self, now: Moment, entries: &mut Vec<Entry>) -> Result<()> {
        let Self { connection, ledger, path, .. } = self;
        let most = STEP_TASKS_MAX - entries.len();
        let read = connection.prepare_cached(OLDEST).and_then(|mut select| {
            let mut rows = select.query(params![most + 1, PAYLOAD_BYTES_MAX])?;
            read_rows(&mut rows, now, most, entries)
        });
        let is_whole = read.map_err(|error| error::classify(path, error))?;
        ledger.inbox_left |= !is_whole;
        Ok(())
    }

    /// Keeps a row with the reason why it cannot be a task.
    fn refuse(&self, id: i64, error: &Error) -> Result<()> {
        let reason = error.to_string();
        let path = path_of(&self.connection);
        let kept = self.prepare(REFUSE)?.execute(params![id, reason]);
        if kept.as_ref().is_err_and(error::is_overflow) {
            // A damaged row, with a value that its column cannot hold, cannot be written either.
            self.execute(TAKEN, [Rc::new(vec![Value::from(id)])])?;
            self.ledger.log.add_on_commit(move || {
                tracing::error!(path, row = id, reason, "damaged row of prismq_inbox: deleted");
            });
            return Ok(());
        }
        kept.map_err(|error| self.failure(error))?;
        self.ledger.log.add_on_commit(move || {
            tracing::warn!(
                path,
                row = id,
                reason,
                "a row of prismq_inbox cannot be a task: correct it and set its error to NULL, or delete it"
            );
        });
        Ok(())
    }
}

/// Adds rows up to a number, and until all payloads are about [`INBOX_BYTES_MAX`]. `false` if there are more rows.
fn read_rows(
    rows: &mut Rows<'_>,
    now: Moment,
    most: usize,
    entries: &mut Vec<Entry>,
) -> rusqlite::Result<bool> {
    let size = |task: &Result<NewTask>| task.as_ref().map_or(0, |task| task.payload.len());
    let mut bytes: usize = entries.iter().map(|(_, task)| size(task)).sum();
    let mut count = 0;
    while let Some(row) = rows.next()? {
        if count == most || bytes > INBOX_BYTES_MAX {
            return Ok(false);
        }
        let task = task(row, now);
        bytes += size(&task);
        count += 1;
        entries.push((row.get(0)?, task));
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::engine::sqlite::tests::{NOW, claim_of, claimed_by, writer};
    use crate::engine::sqlite::writer::Writer;
    use crate::engine::{AT_ONCE, Answer, Claimed, Operation};
    use crate::model::{Claim, ClaimBounds, Durability, NewTask};
    use crate::time::ManualClock;

    fn insert(writer: &Writer, row: &str) {
        let application = rusqlite::Connection::open(&writer.path).unwrap();
        let insert = format!("INSERT INTO prismq_inbox (type, payload) VALUES {row}");
        application.execute_batch(&insert).unwrap();
    }

    fn last_claimed(writer: &mut Writer, batch: &[Operation]) -> Claimed {
        match writer.apply(&ManualClock::new(NOW), batch).unwrap().pop() {
            Some(Ok(Answer::Claimed(claimed))) => claimed,
            other => panic!("{other:?}"),
        }
    }

    /// Before its first row, no look shows that the inbox is in use.
    #[test]
    fn a_transaction_that_is_not_synced_leaves_the_row_to_one_that_is() {
        let (_folder, mut writer) = writer();
        writer.durability = Durability::Full;
        let clock = ManualClock::new(NOW);
        writer.apply(&clock, &[Operation::Enqueue(vec![NewTask::new("job", [])])]).unwrap();
        let lease = claimed_by(&mut writer, &clock).unwrap();
        insert(&writer, "('job', 'in the inbox')");
        let extend = Operation::Extend { key: lease.key, lease: Duration::from_secs(60) };
        let claimed = last_claimed(&mut writer, &[extend, claim_of(9)]);
        assert!(!writer.waits_for_disk);
        assert_eq!((claimed.leases.len(), claimed.next_due), (0, Some(AT_ONCE)));

        let claimed = last_claimed(&mut writer, &[claim_of(9)]);
        assert!(
            writer.waits_for_disk,
            "its id must not be given to another task after a power cut"
        );
        assert_eq!(claimed.leases[0].payload(), b"in the inbox");
        assert_ne!(claimed.next_due, Some(AT_ONCE));
    }

    #[test]
    fn a_claim_from_several_queues_takes_rows_in() {
        let (_folder, mut writer) = writer();
        writer.durability = Durability::Full;
        insert(&writer, "('job', 'in the inbox')");
        let claims = ["other", "default"].map(|queue| Claim::new(["job"]).queue(queue).max(9));
        let bounds = ClaimBounds { tasks: 9, begun: 0, suspects: usize::MAX, limited: usize::MAX };
        let claim = Operation::ClaimEach { claims: claims.to_vec(), bounds };
        let answer = writer.apply(&ManualClock::new(NOW), &[claim]).unwrap().remove(0);
        let Ok(Answer::ClaimedEach(claimed)) = answer else { panic!("{answer:?}") };
        assert!(writer.waits_for_disk);
        assert_eq!(claimed[1].leases[0].payload(), b"in the inbox");
    }

    #[test]
    fn a_transaction_moves_a_bounded_number_of_rows_and_bytes() {
        let (_folder, mut writer) = writer();
        let large = format!("('job', zeroblob({}))", 5 << 20);
        insert(&writer, &vec![large; 3].join(", "));
        let claimed = last_claimed(&mut writer, &[claim_of(9)]);
        assert_eq!((claimed.leases.len(), claimed.next_due), (2, Some(AT_ONCE)));
        insert(&writer, &vec!["('job', '')"; super::STEP_TASKS_MAX].join(", "));
        let claimed = last_claimed(&mut writer, &[claim_of(2000)]);
        let rest: i64 = {
            let count = "SELECT count(*) FROM prismq_inbox";
            writer.connection.query_row(count, [], |row| row.get(0)).unwrap()
        };
        assert_eq!((claimed.leases.len(), claimed.next_due, rest), (1024, Some(AT_ONCE), 1));
    }
}
