//! The end of a migration: what was copied is compared with the source, and then the queue may be used.

use super::Target;
use super::progress::{Progress, not_as_left};
use crate::engine::moving::{Counts, Source, count_tasks, difference};
use crate::engine::postgres::client::{Columns, Role, Transaction, Value};
use crate::engine::postgres::ops::names::NOTE_LAST_LANE;
use crate::model::{Error, MigrationError, Result};

/// Tasks by queue and state, and bytes of their payloads.
const COUNT_TASKS: &str =
    "SELECT q.name, t.state, count(*), coalesce(sum(octet_length(t.payload)), 0)::bigint
     FROM prismq.task t LEFT JOIN prismq.lane l ON l.id = t.lane LEFT JOIN prismq.queue q ON q.id = l.queue
     GROUP BY q.name, t.state";
/// What else is counted.
const COUNT_ROWS: [(&str, &str); 24] = [
    ("queues", "SELECT count(*) FROM prismq.queue"),
    ("paused queues", "SELECT count(*) FROM prismq.queue WHERE paused"),
    ("depth limits", "SELECT count(*) FROM prismq.queue WHERE depth IS NOT NULL"),
    (
        "concurrency limits of queues",
        "SELECT count(*) FROM prismq.queue WHERE concurrency IS NOT NULL",
    ),
    ("limits", "SELECT count(*) FROM prismq.limits WHERE name IS NOT NULL"),
    ("combinations of queue, type, requirements and limit", "SELECT count(*) FROM prismq.lane"),
    ("virtual times", "SELECT count(*) FROM prismq.virtual_time"),
    ("limits of a rate", "SELECT count(*) FROM prismq.arrival"),
    ("keys", "SELECT count(*) FROM prismq.key"),
    ("keys that a task keeps", "SELECT count(*) FROM prismq.key WHERE holder IS NOT NULL"),
    ("lines of keys", "SELECT count(*) FROM prismq.line"),
    ("tasks with a key", "SELECT count(*) FROM prismq.task WHERE line IS NOT NULL"),
    ("times to live", "SELECT count(*) FROM prismq.task WHERE start_by IS NOT NULL"),
    ("schedules", "SELECT count(*) FROM prismq.schedule"),
    (
        "schedules with a next slot",
        "SELECT count(*) FROM prismq.schedule WHERE next_at IS NOT NULL",
    ),
    ("paused schedules", "SELECT count(*) FROM prismq.schedule WHERE paused"),
    ("tasks of schedules", "SELECT count(*) FROM prismq.task WHERE scheduled_for IS NOT NULL"),
    ("retry policies", "SELECT count(*) FROM prismq.retry"),
    ("retentions of task types", "SELECT count(*) FROM prismq.type_retention"),
    ("failed attempts", "SELECT count(*) FROM prismq.attempt"),
    ("notes", "SELECT count(*) FROM prismq.note"),
    ("log lines", "SELECT count(*) FROM prismq.log"),
    ("unique keys", "SELECT count(*) FROM prismq.unique_key"),
    ("results", "SELECT count(*) FROM prismq.task WHERE result IS NOT NULL"),
];

/// Whether the queue may be used already, and whether all that was compared is there: a crash of the server may have
/// undone the last batches since. Locked, so that nobody else finishes the migration.
const IS_COMPLETE: &str = "SELECT complete, (number, part, first, second) = ($1, $2, $3, $4)
     FROM prismq.migration FOR UPDATE";
/// The last of the next tasks after one.
const BOUND: &str =
    "SELECT max(id) FROM (SELECT id FROM prismq.task WHERE id > $1 ORDER BY id LIMIT $2) n";
/// Lets tasks wait, and be found that have ended: those after one and up to another. The number of the ending of a task
/// that is kept for the time of its type (states 7 and 8) is when that is over.
const PLACE: [&str; 4] = [
    "INSERT INTO prismq.ready (lane, suspect, order_key, id)
     SELECT coalesce(line, lane), suspect, order_key, id FROM prismq.task WHERE id > $1 AND id <= $2 AND state = 0",
    "INSERT INTO prismq.scheduled (run_at, id)
     SELECT run_at, id FROM prismq.task WHERE id > $1 AND id <= $2 AND state = 1",
    "INSERT INTO prismq.deadline (at, id)
     SELECT start_by, id FROM prismq.task WHERE id > $1 AND id <= $2 AND state IN (0, 1) AND start_by IS NOT NULL",
    "INSERT INTO prismq.ended (queue, state, ending, at, id, lane)
     SELECT l.queue, t.state, t.ending, CASE WHEN t.state IN (7, 8) THEN t.ending ELSE t.ended_at END, t.id,
         CASE WHEN t.state = 3 THEN t.lane END
     FROM prismq.task t JOIN prismq.lane l ON l.id = t.lane
     WHERE t.id > $1 AND t.id <= $2 AND t.state IN (3, 4, 6, 7, 8)",
];
/// Lets claims look at the lines that have ready tasks.
const ASK: &str =
    "INSERT INTO prismq.turn (lane, turn, line) SELECT l.lane, l.turn, l.id FROM prismq.line l
     WHERE EXISTS (SELECT FROM prismq.ready r WHERE r.lane = l.id)";
/// Counts the tasks that there are.
const COUNT: &str = "WITH s AS MATERIALIZED (
         SELECT l.queue, count(*) FILTER (WHERE t.state = 0) AS ready, count(*) FILTER (WHERE t.state = 1) AS scheduled,
                count(*) FILTER (WHERE t.state = 3) AS dead, count(*) FILTER (WHERE t.state IN (4, 7)) AS kept,
                count(*) FILTER (WHERE t.state IN (6, 8)) AS cancelled_kept,
                count(*) FILTER (WHERE t.state = 7) AS kept_by_type,
                count(*) FILTER (WHERE t.state = 8) AS cancelled_kept_by_type
         FROM prismq.task t JOIN prismq.lane l ON l.id = t.lane GROUP BY l.queue)
     UPDATE prismq.counter c SET ready = s.ready, scheduled = s.scheduled, dead = s.dead, kept = s.kept,
         cancelled_kept = s.cancelled_kept, kept_by_type = s.kept_by_type,
         cancelled_kept_by_type = s.cancelled_kept_by_type
     FROM s WHERE s.queue = c.queue";
/// Numbers that are given later are above those that were given.
const SET_SEQUENCES: &str =
    "SELECT setval('prismq.ending', (SELECT coalesce(max(ending), 0) + 1 FROM prismq.ended), false),
         setval(pg_get_serial_sequence('prismq.queue', 'id')::regclass,
                (SELECT coalesce(max(id), 0) + 1 FROM prismq.queue), false),
         setval(pg_get_serial_sequence('prismq.lane', 'id')::regclass,
                (SELECT coalesce(max(id), 0) + 1 FROM prismq.lane), false),
         setval(pg_get_serial_sequence('prismq.limits', 'id')::regclass,
                (SELECT coalesce(max(id), 0) + 1 FROM prismq.limits), false),
         setval(pg_get_serial_sequence('prismq.key', 'id')::regclass,
                (SELECT coalesce(max(id), 0) + 1 FROM prismq.key), false),
         setval(pg_get_serial_sequence('prismq.schedule', 'id')::regclass,
                (SELECT coalesce(max(id), 0) + 1 FROM prismq.schedule), false),
         setval('prismq.line_id', (SELECT greatest(coalesce(min(id), 0) - 1, -2147483647) FROM prismq.line), false)";
/// Lets the commit wait for the disk, also in a session whose commits do not, which a pooler may have given the transaction.
const WAIT: &str = "SET LOCAL synchronous_commit = on";
const COMPLETE: &str = "UPDATE prismq.migration SET complete = true";

/// Tasks that one statement puts in their places: far fewer than would take as long as an answer may.
const PLACE_TASKS: i64 = 200_000;

impl Target {
    /// Refuses a copy that does not have what the source has.
    pub(super) fn compare(&self, source: &dyn Source) -> Result<()> {
        let copied = self.counts()?;
        match difference(&source.counts()?, &copied) {
            None => Ok(()),
            Some(difference) => {
                let (path, target) = (source.path().to_owned(), self.label.clone());
                let reason = MigrationError::Differs { path, target, difference };
                Err(Error::Migration { reason })
            }
        }
    }

    fn counts(&self) -> Result<Counts> {
        self.client.transaction(Role::Reader, |transaction| {
            let mut counts = Counts::new();
            for row in transaction.query(&self.statements.text(COUNT_TASKS), &[])? {
                let queue: Option<&str> = row.column(0)?;
                let state: i16 = row.column(1)?;
                let (tasks, bytes) = (row.column(2)?, row.column(3)?);
                count_tasks(&mut counts, queue.unwrap_or_default(), state.into(), tasks, bytes);
            }
            for (what, select) in COUNT_ROWS {
                let rows = transaction.query(&self.statements.text(select), &[])?;
                let count = rows.first().map_or(Ok(0), |row| row.column(0))?;
                counts.insert(what.to_owned(), count);
            }
            Ok(counts)
        })
    }

    /// Lets the queue be used.
    pub(super) fn finish(&self, progress: &Progress) -> Result<()> {
        let [first, second] = &progress.last;
        self.client.transaction(Role::Durable, |transaction| {
            let values: [&dyn Value; 4] = [&progress.migration, &progress.part, first, second];
            let rows = transaction.query(&self.statements.text(IS_COMPLETE), &values)?;
            let row = rows.first().ok_or_else(not_as_left)?;
            if row.column(0)? {
                return Ok(());
            }
            if !row.column::<bool>(1)? {
                return Err(not_as_left());
            }
            transaction.query(WAIT, &[])?;
            self.place(transaction)?;
            let texts = [ASK, COUNT, SET_SEQUENCES, NOTE_LAST_LANE, COMPLETE]
                .map(|sql| self.statements.text(sql));
            let [ask, count, set_sequences, note_last_lane, complete] = &texts;
            let last = [
                (&**ask, [].as_slice()),
                (count, &[]),
                (set_sequences, &[]),
                (note_last_lane, &[]),
                (complete, &[]),
            ];
            transaction.finish(&last).map(drop)
        })
    }

    fn place(&self, transaction: &mut Transaction<'_>) -> Result<()> {
        let bound = self.statements.text(BOUND);
        let places = PLACE.map(|sql| self.statements.text(sql));
        let mut after: i64 = i64::MIN;
        loop {
            let rows = transaction.query(&bound, &[&after, &PLACE_TASKS])?;
            let Some(last) = rows.first().map_or(Ok(None), |row| row.column::<Option<i64>>(0))?
            else {
                return Ok(());
            };
            let range: [&dyn Value; 2] = [&after, &last];
            for place in &places {
                transaction.query(place, &range)?;
            }
            after = last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{COUNT_ROWS, COUNT_TASKS};
    use crate::engine::postgres::schema::tables;

    /// Tables that are not counted: they follow from the rows of others, or are not moved.
    const NOT_COUNTED: [&str; 13] = [
        "meta",
        "migration",
        "prismq_inbox",
        "ready",
        "scheduled",
        "expiry",
        "ended",
        "deadline",
        "counter",
        "counter_delta",
        "cancel",
        "slot",
        "turn",
    ];

    #[test]
    fn every_table_that_is_moved_is_counted() {
        let selects: Vec<_> = COUNT_ROWS.iter().map(|(_, select)| *select).collect();
        let reads = |table: &str| {
            let from = format!("FROM prismq.{table} ");
            let mut all = selects.iter().chain([&COUNT_TASKS]);
            all.any(|select| format!("{select} ").contains(&from))
        };
        for table in tables() {
            assert_ne!(reads(table), NOT_COUNTED.contains(&table), "{table}");
        }
    }
}
