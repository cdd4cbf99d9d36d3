//! Rows of `prismq_inbox` become tasks before the claims of a transaction that finds some: in a transaction of their own,
//! as durable as an enqueue, up to a bound.
//!
//! The tasks are added as by an enqueue. A row whose queue is full is held until there is room; one that cannot be a task
//! is kept with the reason. Neither is in a later row's way.

use std::time::{Duration, Instant};

use tokio_postgres::Row;

use super::enqueue;
use super::names::Unknown;
use crate::engine::postgres::PostgresEngine;
use crate::engine::postgres::batch::STEP_TASKS_MAX;
use crate::engine::postgres::batch::postponed::InboxRows;
use crate::engine::postgres::batch::run::Run;
use crate::engine::postgres::client::{Columns, NewWork, Role};
use crate::engine::{Answer, Operation};
use crate::model::{Enqueued, Error, NewTask, Result, Unique};
use crate::time::Timestamp;

/// Payload bytes after which the rest is left for the next transaction.
const INBOX_BYTES_MAX: i64 = 8 << 20;
/// How often an idle claim looks again for rows that are held, in case nothing else has it look.
const HELD_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How often queues and types are added that others free again meanwhile.
const NAMES_TRIES: u32 = 2;

/// Rows that are taken in, oldest first, until their payloads are about as large as a transaction moves. Those that
/// another transaction takes in or changes are passed over. Times that microseconds cannot count are brought down to one
/// that is refused, as a statement that fails would keep all claims from their tasks.
macro_rules! oldest {
    ($which:literal) => {
        concat!(
            "WITH w AS MATERIALIZED (
                 SELECT id, type, queue, priority, run_at, payload, unique_key, limit_name, key
                 FROM prismq.prismq_inbox WHERE error IS NULL AND ",
            $which,
            " LIMIT $1 FOR UPDATE SKIP LOCKED)
             SELECT id, type, queue, priority,
                    CASE WHEN run_at IS NOT NULL THEN least(extract(epoch FROM run_at) * 1000000, 9e18)::bigint END,
                    payload, unique_key, limit_name, key
             FROM (SELECT w.*, sum(octet_length(payload)) OVER (ORDER BY id) - octet_length(payload) AS before FROM w) w
             WHERE before <= $2 ORDER BY id"
        )
    };
}
/// The oldest rows that wait, from an id on.
pub(crate) const OLDEST: &str = oldest!("NOT held AND id >= $3 ORDER BY id");
/// Those of them without a unique key.
pub(crate) const OLDEST_PLAIN: &str =
    oldest!("NOT held AND id >= $3 AND unique_key IS NULL ORDER BY id");
/// The oldest rows that are held of a queue.
pub(crate) const OLDEST_HELD: &str = oldest!("held AND queue = $3 ORDER BY queue, id");
/// The queues of which rows are held, each with how many more tasks it may hold; NULL for any number.
pub(crate) const HELD_QUEUES: &str = "WITH RECURSIVE h (queue) AS (
         (SELECT queue FROM prismq.prismq_inbox WHERE error IS NULL AND held ORDER BY queue LIMIT 1)
         UNION ALL
         SELECT (SELECT i.queue FROM prismq.prismq_inbox i WHERE i.error IS NULL AND i.held AND i.queue > h.queue
                 ORDER BY i.queue LIMIT 1) FROM h WHERE h.queue IS NOT NULL)
     SELECT h.queue, q.depth - coalesce((
         SELECT sum(coalesce(ready, 0) + coalesce(scheduled, 0) + coalesce(leased, 0))::bigint
         FROM (SELECT ready, scheduled, leased FROM prismq.counter c WHERE c.queue = q.id
               UNION ALL SELECT ready, scheduled, leased FROM prismq.counter_delta d WHERE d.queue = q.id) c), 0)
     FROM h LEFT JOIN prismq.queue q ON q.name = h.queue WHERE h.queue IS NOT NULL";
/// How long rows wait for what another transaction has locked, such as a queue with a depth limit: the claims that found
/// them wait meanwhile.
const LOCK_WAIT: &str = "SET LOCAL lock_timeout = 100";
/// Deletes rows that became tasks.
pub(crate) const TAKEN: &str = "DELETE FROM prismq.prismq_inbox WHERE id = ANY ($1)";
/// Holds rows until their queues have room.
pub(crate) const HOLD: &str = "UPDATE prismq.prismq_inbox SET held = true WHERE id = ANY ($1)";
/// Keeps rows that cannot be tasks.
pub(crate) const REFUSE: &str = "UPDATE prismq.prismq_inbox i SET error = k.error, held = false
     FROM unnest($1::bigint[], $2::text[]) k (id, error) WHERE i.id = ANY (ARRAY[k.id])";

/// What a transaction found of the inbox when it began.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Inbox {
    /// Whether there are rows that wait.
    pub(crate) waits: bool,
    /// Whether there are rows that are held.
    pub(crate) holds: bool,
}

/// A row, and the task it describes or the reason why it describes none.
type Entry = (i64, Result<NewTask>);

/// What a transaction did with the rows it read.
enum Step {
    /// They are tasks, held or refused: so many, and where there is work now.
    Done(usize, NewWork),
    /// These tasks are of queues or types that have to be added first.
    Names(Vec<Operation>),
}

impl PostgresEngine {
    /// Takes rows of the inbox in; whether there were any. Those that wait for a lock are left to claims a second later,
    /// and the others go on without them where it is a unique key that another transaction holds.
    pub(crate) fn take_in(&self) -> Result<bool> {
        let rows = self.shared.postponed().inbox_rows(Instant::now());
        if rows == InboxRows::None {
            return Ok(false);
        }
        match self.take_in_some(rows == InboxRows::Plain) {
            Err(Error::Busy { .. }) => {
                self.shared.postponed().add_inbox(rows, Instant::now());
                self.take_in()
            }
            taken => taken,
        }
    }

    /// Takes rows in; only those without a unique key if `is_plain`.
    fn take_in_some(&self, is_plain: bool) -> Result<bool> {
        let step = |adds_names: bool| {
            self.client.transaction(Role::Durable, |transaction| {
                let mut run = Run::begin(transaction, &self.shared, &[])?;
                run.execute(LOCK_WAIT, &[])?;
                let step = run.take_in(adds_names, is_plain)?;
                run.finish()?;
                Ok((step, run.take_log()))
            })
        };
        let done = self.with_names(|adds_names| {
            let (step, log) = step(adds_names)?;
            log.into_iter().for_each(|line| self.shared.log.add(line));
            Ok(step)
        })?;
        let Step::Done(rows, work) = done else { return Ok(false) };
        self.client.notify_all(work);
        Ok(rows > 0)
    }

    /// Repeats a step after the queues and types that it lacks were added.
    fn with_names(&self, step: impl Fn(bool) -> Result<Step>) -> Result<Step> {
        let mut done = step(true)?;
        let mut tries = 0..NAMES_TRIES;
        while let Step::Names(tasks) = &done {
            self.add_names(tasks, Some(Instant::now()))?;
            done = step(tries.next().is_some())?;
        }
        Ok(done)
    }
}

impl Run<'_, '_> {
    /// Whether rows can be taken in.
    pub(crate) fn can_take_in(&mut self) -> Result<bool> {
        Ok(self.inbox.waits || self.inbox.holds && !self.queues_with_room()?.is_empty())
    }

    /// When a claim that finds nothing should look again for rows that are held.
    pub(crate) fn next_look_at_held(&self) -> Option<Timestamp> {
        self.inbox.holds.then(|| self.now.monotonic.after(HELD_LOOK_INTERVAL))
    }

    /// The queues of which rows are held and that have room, and for how many tasks.
    fn queues_with_room(&mut self) -> Result<Vec<(String, i64)>> {
        let mut queues = Vec::new();
        for row in self.query(HELD_QUEUES, &[])? {
            let room: i64 = row.column::<Option<i64>>(1)?.unwrap_or(i64::MAX);
            if room > 0 {
                queues.push((row.column(0)?, room));
            }
        }
        Ok(queues)
    }

    fn take_in(&mut self, adds_names: bool, is_plain: bool) -> Result<Step> {
        let mut entries = Vec::new();
        let held = if is_plain { Vec::new() } else { self.queues_with_room()? };
        // First, as they are older than those that wait for the same queue.
        for (queue, room) in held {
            let rows = self.query(
                OLDEST_HELD,
                &[&room.min(STEP_TASKS_MAX), &INBOX_BYTES_MAX, &queue.as_str()],
            )?;
            self.read(&rows, &mut entries)?;
        }
        let oldest = if is_plain { OLDEST_PLAIN } else { OLDEST };
        let from = self.inbox_from;
        let rows = self.query(oldest, &[&STEP_TASKS_MAX, &INBOX_BYTES_MAX, &from])?;
        self.read(&rows, &mut entries)?;
        let count = entries.len();
        let (mut ids, mut tasks) = (Vec::new(), Vec::new());
        let mut refused: Vec<(i64, Error)> = Vec::new();
        for (id, task) in entries {
            match task {
                Ok(task) => {
                    ids.push(id);
                    tasks.push(Operation::Enqueue(vec![task]));
                }
                Err(error) => refused.push((id, error)),
            }
        }
        if adds_names && !Unknown::of(self.shared, &tasks).is_empty() {
            return Ok(Step::Names(tasks));
        }
        self.reserve_ids(tasks.len())?;
        let (mut taken, mut held, mut work) = (Vec::new(), Vec::new(), NewWork::None);
        let answers = enqueue::enqueue(self, &tasks)?;
        for ((id, answer), operation) in ids.into_iter().zip(answers).zip(&tasks) {
            match answer {
                Ok(Answer::Enqueued(added)) => match added.first() {
                    // Nobody else would learn of it. The same payload again is what the key is for.
                    Some(Enqueued::Conflict(holder)) => {
                        let reason = format!("task {holder} holds it and has another payload");
                        refused.push((id, Error::invalid("unique key", reason)));
                    }
                    _ => {
                        taken.push(id);
                        work.add(self.shared.work_of(operation, &Answer::Enqueued(added)));
                    }
                },
                Ok(_) => return Err(Error::unanswered()),
                Err(Error::QueueFull { .. }) => held.push(id),
                Err(error) => refused.push((id, error)),
            }
        }
        if !taken.is_empty() {
            self.execute(TAKEN, &[&taken])?;
        }
        if !held.is_empty() {
            self.execute(HOLD, &[&held])?;
        }
        self.refuse(refused)?;
        Ok(Step::Done(count, work))
    }

    fn read(&self, rows: &[Row], entries: &mut Vec<Entry>) -> Result<()> {
        for row in rows {
            entries.push((row.column(0)?, self.described(row)));
        }
        Ok(())
    }

    /// The task that a row describes.
    fn described(&self, row: &Row) -> Result<NewTask> {
        let payload: Vec<u8> = row.column(5)?;
        let mut task = NewTask::new(row.column::<&str>(1)?, payload)
            .queue(row.column::<&str>(2)?)
            .priority(row.column(3)?);
        if let Some(run_at) = row.time_if_any(4)? {
            task = task.delay(run_at.since(self.now.wall));
        }
        if let Some(key) = row.column::<Option<&str>>(6)? {
            task = task.unique(Unique::key(key));
        }
        if let Some(limit) = row.column::<Option<&str>>(7)? {
            task = task.limit(limit);
        }
        if let Some(key) = row.column::<Option<&str>>(8)? {
            task = task.key(key);
        }
        task.validate().map(|()| task)
    }

    /// Keeps rows with the reasons why they cannot be tasks.
    fn refuse(&mut self, refused: Vec<(i64, Error)>) -> Result<()> {
        if refused.is_empty() {
            return Ok(());
        }
        let (ids, reasons): (Vec<i64>, Vec<String>) =
            refused.into_iter().map(|(id, error)| (id, error.to_string())).unzip();
        self.execute(REFUSE, &[&ids, &reasons])?;
        for (row, reason) in ids.into_iter().zip(reasons) {
            self.log_on_commit(move || {
                tracing::warn!(
                    row,
                    reason,
                    "a row of prismq_inbox cannot be a task: correct it and set its error to NULL, or delete it"
                );
            });
        }
        Ok(())
    }
}
