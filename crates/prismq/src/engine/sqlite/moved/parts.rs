//! The parts of a file that are moved: of each, its rows after a key.
//!
//! The first two columns are the key. `?1` and `?2` are the key before, `?3` is what is added to monotonic times, `?4` how
//! many rows are read at most; not every part needs all of them.

use rusqlite::{Connection, Result, Row, params};

use crate::engine::moving::{BYTES_MAX, Column, Part, ROWS_MAX, RowKey, Rows};
use crate::engine::sqlite::error;

const QUEUES: &str = "SELECT q.id, 0, q.id, q.name, q.ordering, q.ageing_step, q.virtual_time, q.paused, d.most,
         q.concurrency, q.keep,
         r.completed_age, CASE WHEN r.queue IS NULL THEN 0 ELSE r.cancelled END, r.cancelled_age, r.dead, r.dead_age,
         q.enqueued, q.completed, q.failed, q.reclaimed, coalesce(m.cancelled, 0), coalesce(m.deleted, 0),
         coalesce(e.count, 0)
     FROM prismq_queue AS q LEFT JOIN prismq_depth AS d ON d.queue = q.id
          LEFT JOIN prismq_retention AS r ON r.queue = q.id LEFT JOIN prismq_removed AS m ON m.queue = q.id
          LEFT JOIN prismq_expired AS e ON e.queue = q.id
     WHERE q.id > ?1 ORDER BY q.id LIMIT ?4";

/// The number of the limit of a queue, which only a server has: above those of all named ones.
macro_rules! limit_of_queue {
    ($queue:literal) => {
        concat!("(SELECT coalesce(max(id), 0) FROM prismq_limit) + ", $queue)
    };
}
const LIMITS: &str = concat!(
    "SELECT id, 0, id, name, queue, concurrency, tasks, period, burst, key_concurrency, key_tasks, key_period, key_burst,
         arrival + ?3, removed
     FROM (SELECT id, name, NULL AS queue, concurrency, tasks, period, burst, key_concurrency, key_tasks, key_period,
               key_burst, arrival, removed FROM prismq_limit
           UNION ALL SELECT ",
    limit_of_queue!("q.id"),
    ", NULL, q.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0 FROM prismq_queue AS q
           WHERE q.concurrency NOT NULL
              OR EXISTS (SELECT 1 FROM prismq_lane AS l WHERE l.queue = q.id AND l.limits = 0 AND l.keyed != 0))
     WHERE id > ?1 ORDER BY id LIMIT ?4"
);
/// Those of a key are lines.
const LANES: &str = concat!(
    "SELECT id, 0, id, queue, type, requirements,
         CASE WHEN limits = 0 AND keyed != 0 THEN ",
    limit_of_queue!("queue"),
    " ELSE limits END, keyed
     FROM prismq_lane WHERE id > ?1 ORDER BY id LIMIT ?4"
);
/// A key of no limit is one of its queue's.
const KEYS: &str = concat!(
    "SELECT id, 0, id, CASE limits WHEN 0 THEN ",
    limit_of_queue!("queue"),
    " ELSE limits END, CASE ordered WHEN 0 THEN 0 ELSE queue END, ordered, name, arrival + ?3, holder
     FROM prismq_key WHERE id > ?1 ORDER BY id LIMIT ?4"
);

/// The number of the line of a key, from the number of its lane: -1 for the highest, as a server counts no further than
/// to -2147483647.
macro_rules! line {
    ($lane:literal) => {
        concat!($lane, " - (SELECT max(id) FROM prismq_lane WHERE id < 0) - 1")
    };
}
const LINES: &str = concat!(
    "SELECT -lane, 0, ",
    line!("lane"),
    ", key, base, turn FROM prismq_line WHERE lane < -?1 ORDER BY lane DESC LIMIT ?4"
);
const SCHEDULES: &str =
    "SELECT id, 0, id, name, interval, cron, zone, anchor, missed, overlap, paused, next_at, held_slot, decided_at,
         last_slot, last_task, enqueued, error, queue, type, requirements, priority, max_attempts, payload, limit_name,
         key, ordered, unique_hold, unique_key, unique_period, on_conflict, expires_after
     FROM prismq_schedule WHERE id > ?1 ORDER BY id LIMIT ?4";
const RETRY_POLICIES: &str =
    "SELECT place, 0, type, by_operator, initial, longest, multiplier, jitter
     FROM (SELECT row_number() OVER (ORDER BY type) AS place, * FROM prismq_retry)
     WHERE place > ?1 ORDER BY place LIMIT ?4";
const TYPE_RETENTIONS: &str = "SELECT place, 0, type, by_operator, age
     FROM (SELECT row_number() OVER (ORDER BY type) AS place, * FROM prismq_type_retention)
     WHERE place > ?1 ORDER BY place LIMIT ?4";
/// A suspect is a ready task (state 0). Under an ageing order (3), keys are times. The payload of a dead task may be
/// missing, which is what it died of.
const TASKS: &str = concat!(
    "SELECT t.id, 0, t.id, coalesce(n.base, t.lane), CASE WHEN t.lane < 0 THEN ",
    line!("t.lane"),
    " END, CASE t.state WHEN 5 THEN 0 ELSE t.state END,
         t.order_key + CASE WHEN q.ordering = 3 THEN ?3 ELSE 0 END, t.priority, t.token, t.attempt, t.max_attempts,
         t.enqueued_at, t.run_at + ?3, x.start_by + ?3, (SELECT slot FROM prismq_slot AS s WHERE s.task = t.id),
         t.begun, t.suspect OR t.state = 5,
         (SELECT count(*) FROM prismq_attempt AS a WHERE a.task = t.id),
         EXISTS (SELECT 1 FROM prismq_note AS n WHERE n.task = t.id)
             OR EXISTS (SELECT 1 FROM prismq_log AS g WHERE g.task = t.id),
         t.error, coalesce(t.payload, p.data, CASE t.state WHEN 3 THEN x'' END)
     FROM prismq_task AS t LEFT JOIN prismq_lane AS l ON l.id = t.lane LEFT JOIN prismq_queue AS q ON q.id = l.queue
          LEFT JOIN prismq_line AS n ON n.lane = t.lane LEFT JOIN prismq_expiry AS x ON x.task = t.id
          LEFT JOIN prismq_payload AS p ON p.task = t.id
     WHERE t.id > ?1 ORDER BY t.id LIMIT ?4"
);
const ENDED: &str = "SELECT k.task, 0, k.task, k.lane, k.state, k.priority, k.attempt, k.max_attempts, k.enqueued_at,
         k.run_at + ?3, k.completed_at, k.completion, (SELECT slot FROM prismq_slot AS s WHERE s.task = k.task),
         (SELECT count(*) FROM prismq_attempt AS a WHERE a.task = k.task),
         EXISTS (SELECT 1 FROM prismq_note AS n WHERE n.task = k.task)
             OR EXISTS (SELECT 1 FROM prismq_log AS g WHERE g.task = k.task),
         k.error, coalesce(k.payload, p.data), r.data
     FROM prismq_kept AS k LEFT JOIN prismq_payload AS p ON p.task = k.task
          LEFT JOIN prismq_result AS r ON r.task = k.task
     WHERE k.task > ?1 ORDER BY k.task LIMIT ?4";
const ATTEMPTS: &str = "SELECT task, token, task, token, attempt, began_at, ended_at, process, worker, error, error_type
     FROM prismq_attempt WHERE (task, token) > (?1, ?2) ORDER BY task, token LIMIT ?4";
const NOTES: &str = "SELECT task, 0, task, fraction, text, noted_at, checkpoint
     FROM prismq_note WHERE task > ?1 ORDER BY task LIMIT ?4";
const LOG_LINES: &str = "SELECT task, number, task, number, at, attempt, text
     FROM prismq_log WHERE (task, number) > (?1, ?2) ORDER BY task, number LIMIT ?4";
const UNIQUE_KEYS: &str =
    "SELECT task, 0, type, CAST(key AS BLOB), typeof(key) = 'blob', task, hold, until + ?3, digest
     FROM prismq_unique WHERE task > ?1 ORDER BY task LIMIT ?4";

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Real,
    Text,
    Blob,
    /// A blob that every row has.
    Payload,
}

/// A part's rows, and the types of their columns after the key: a letter each.
const fn select(part: Part) -> (&'static str, &'static [Kind]) {
    use Kind::{Blob as B, Number as N, Payload as P, Real as R, Text as T};
    match part {
        Part::Queues => (QUEUES, &[N, T, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N]),
        Part::Limits => (LIMITS, &[N, T, N, N, N, N, N, N, N, N, N, N, N]),
        Part::Lanes => (LANES, &[N, N, T, T, N, N]),
        Part::Keys => (KEYS, &[N, N, N, N, T, N, N]),
        Part::Lines => (LINES, &[N, N, N, N]),
        Part::Schedules => (
            SCHEDULES,
            &[
                N, T, N, T, T, N, N, N, N, N, N, N, N, N, N, T, T, T, T, N, N, P, T, T, N, N, T, N,
                N, N,
            ],
        ),
        Part::RetryPolicies => (RETRY_POLICIES, &[T, N, N, N, R, R]),
        Part::TypeRetentions => (TYPE_RETENTIONS, &[T, N, N]),
        Part::Tasks => (TASKS, &[N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, T, P]),
        Part::Ended => (ENDED, &[N, N, N, N, N, N, N, N, N, N, N, N, N, T, P, B]),
        Part::Attempts => (ATTEMPTS, &[N, N, N, N, N, N, N, T, T]),
        Part::Notes => (NOTES, &[N, R, T, N, B]),
        Part::LogLines => (LOG_LINES, &[N, N, N, N, T]),
        Part::UniqueKeys => (UNIQUE_KEYS, &[T, B, N, N, N, N, B]),
    }
}

/// Rows of a part after this key; `None` if there are no more.
pub(super) fn read(
    connection: &Connection,
    part: Part,
    [first, second]: RowKey,
    shift: i64,
) -> Result<Option<Rows>> {
    let (select, kinds) = select(part);
    let mut columns: Vec<Column> = kinds.iter().map(|kind| empty(*kind)).collect();
    let (mut count, mut bytes, mut last) = (0, 0, [first, second]);
    let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(select)?;
    let mut rows = select.query(params![first, second, shift, limit])?;
    while let Some(row) = rows.next()? {
        last = [row.get(0)?, row.get(1)?];
        for ((place, kind), column) in (2..).zip(kinds).zip(&mut columns) {
            bytes += push(column, row, place, *kind)?;
        }
        count += 1;
        if bytes >= BYTES_MAX {
            break;
        }
    }
    Ok((count > 0).then_some(Rows { columns, count, last }))
}

fn empty(kind: Kind) -> Column {
    match kind {
        Kind::Number => Column::Numbers(Vec::new()),
        Kind::Real => Column::Reals(Vec::new()),
        Kind::Text => Column::Texts(Vec::new()),
        Kind::Blob | Kind::Payload => Column::Blobs(Vec::new()),
    }
}

/// Adds the value of a row, and returns how long it is if its length varies.
fn push(column: &mut Column, row: &Row<'_>, place: usize, kind: Kind) -> Result<usize> {
    match column {
        Column::Numbers(values) => values.push(row.get(place)?),
        Column::Reals(values) => values.push(row.get(place)?),
        Column::Texts(values) => {
            let value: Option<String> = row.get(place)?;
            let bytes = value.as_ref().map_or(0, String::len);
            values.push(value);
            return Ok(bytes);
        }
        Column::Blobs(values) => {
            let value: Option<Vec<u8>> = row.get(place)?;
            if kind == Kind::Payload && value.is_none() {
                let task: i64 = row.get(0)?;
                return Err(error::damaged(format!("the payload of task {task} is missing")));
            }
            let bytes = value.as_ref().map_or(0, Vec::len);
            values.push(value);
            return Ok(bytes);
        }
    }
    Ok(0)
}
