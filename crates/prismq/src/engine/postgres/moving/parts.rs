//! What each part of a queue becomes here: a statement with an array for each of its columns.

use crate::engine::moving::{Column, Part};
use crate::engine::postgres::client::Value;
use crate::engine::postgres::ops::storable;

const QUEUES: &str = "WITH n AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[],
             $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
             $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[],
             $19::bigint[], $20::bigint[], $21::bigint[])
         AS n (id, name, ordering, ageing_step, virtual_time, paused, depth, concurrency, keep, completed_age,
               cancelled_keep, cancelled_age, dead_keep, dead_age, enqueued, completed, failed, reclaimed, cancelled,
               deleted, expired)),
     c AS (INSERT INTO prismq.counter (queue, enqueued, completed, failed, reclaimed, cancelled, deleted, expired)
           SELECT id::integer, enqueued, completed, failed, reclaimed, cancelled, deleted, expired FROM n),
     v AS (INSERT INTO prismq.virtual_time (queue, number, time)
           SELECT id::integer, 1, virtual_time FROM n WHERE virtual_time <> 0)
     INSERT INTO prismq.queue (id, name, ordering, ageing_step, paused, depth, concurrency, keep,
         completed_age, cancelled_keep, cancelled_age, dead_keep, dead_age) OVERRIDING SYSTEM VALUE
     SELECT id::integer, name, ordering::smallint, ageing_step, paused <> 0,
         CASE WHEN depth IS NOT NULL THEN least(depth, 2147483647) END::integer,
         CASE WHEN concurrency IS NOT NULL THEN least(concurrency, 2147483647) END::integer, keep::integer,
         completed_age, cancelled_keep::integer, cancelled_age, dead_keep::integer, dead_age FROM n";
/// Counts of tasks are stored up to the highest number that a server has for them, as when they are set.
const LIMITS: &str =
    "WITH n AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[],
             $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
             $13::bigint[])
         AS n (id, name, queue, concurrency, tasks, period, burst, key_concurrency, key_tasks, key_period, key_burst,
               arrival, removed)),
     a AS (INSERT INTO prismq.arrival (limits, number, time) SELECT id::integer, 1, arrival FROM n WHERE tasks IS NOT NULL)
     INSERT INTO prismq.limits (id, name, queue, concurrency, tasks, period, burst, key_concurrency, key_tasks,
         key_period, key_burst, removed) OVERRIDING SYSTEM VALUE
     SELECT id::integer, name, queue::integer,
         CASE WHEN concurrency IS NOT NULL THEN least(concurrency, 2147483647) END::integer,
         CASE WHEN tasks IS NOT NULL THEN least(tasks, 2147483647) END::integer, period,
         CASE WHEN burst IS NOT NULL THEN least(burst, 2147483647) END::integer,
         CASE WHEN key_concurrency IS NOT NULL THEN least(key_concurrency, 2147483647) END::integer,
         CASE WHEN key_tasks IS NOT NULL THEN least(key_tasks, 2147483647) END::integer, key_period,
         CASE WHEN key_burst IS NOT NULL THEN least(key_burst, 2147483647) END::integer, removed <> 0 FROM n";
const LANES: &str =
    "INSERT INTO prismq.lane (id, queue, type, requirements, limits, keyed) OVERRIDING SYSTEM VALUE
     SELECT id::integer, queue::integer, type, requirements, limits::integer, keyed::smallint
     FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
         AS n (id, queue, type, requirements, limits, keyed)";
const KEYS: &str =
    "INSERT INTO prismq.key (id, limits, queue, ordered, name, arrival, holder) OVERRIDING SYSTEM VALUE
     SELECT id, limits::integer, queue::integer, ordered <> 0, name, arrival, holder
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[])
         AS n (id, limits, queue, ordered, name, arrival, holder)";
const LINES: &str = "INSERT INTO prismq.line (id, key, lane, turn)
     SELECT id::integer, key, lane::integer, turn
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS n (id, key, lane, turn)";
const SCHEDULES: &str =
    "INSERT INTO prismq.schedule (id, name, interval, cron, zone, anchor, missed, overlap, paused, next_at, held_slot,
         decided_at, last_slot, last_task, enqueued, error, queue, type, requirements, priority, max_attempts, payload,
         limit_name, key, ordered, unique_hold, unique_key, unique_period, on_conflict, expires_after)
         OVERRIDING SYSTEM VALUE
     SELECT id::integer, name, interval, cron, zone, anchor, missed::smallint, overlap <> 0, paused <> 0, next_at,
         held_slot, decided_at, last_slot, last_task, enqueued, error, queue, type, requirements, priority::integer,
         max_attempts::integer, payload, limit_name, key, ordered <> 0, unique_hold::smallint, unique_key,
         unique_period, on_conflict::smallint, expires_after
     FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                 $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
                 $15::bigint[], $16::text[], $17::text[], $18::text[], $19::text[], $20::bigint[], $21::bigint[],
                 $22::bytea[], $23::text[], $24::text[], $25::bigint[], $26::bigint[], $27::text[], $28::bigint[],
                 $29::bigint[], $30::bigint[])
         AS n (id, name, interval, cron, zone, anchor, missed, overlap, paused, next_at, held_slot, decided_at,
               last_slot, last_task, enqueued, error, queue, type, requirements, priority, max_attempts, payload,
               limit_name, key, ordered, unique_hold, unique_key, unique_period, on_conflict, expires_after)";
const RETRY_POLICIES: &str =
    "INSERT INTO prismq.retry (type, by_operator, initial, longest, multiplier, jitter)
     SELECT type, by_operator <> 0, initial, longest, multiplier, jitter
     FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::double precision[], $6::double precision[])
         AS n (type, by_operator, initial, longest, multiplier, jitter)";
const TYPE_RETENTIONS: &str = "INSERT INTO prismq.type_retention (type, by_operator, age)
     SELECT type, by_operator <> 0, age FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS n (type, by_operator, age)";
/// A dead task ended when it was due last. It is ordered by that among those of its queue, as it was.
const TASKS: &str = "INSERT INTO prismq.task (id, lane, line, state, order_key, priority, token, attempt, max_attempts,
         enqueued_at, run_at, start_by, scheduled_for, begun, suspect, failures, noted, error, payload, ended_at, ending)
     SELECT id, lane::integer, line::integer, state::smallint, order_key, priority::integer, token, attempt::integer,
         max_attempts::integer, enqueued_at, run_at, start_by, scheduled_for, begun <> 0, suspect <> 0,
         failures::integer, noted <> 0, error, payload, CASE WHEN state = 3 THEN run_at END,
         CASE WHEN state = 3 THEN run_at END
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                 $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
                 $15::bigint[], $16::bigint[], $17::bigint[], $18::text[], $19::bytea[])
         AS n (id, lane, line, state, order_key, priority, token, attempt, max_attempts, enqueued_at, run_at, start_by,
               scheduled_for, begun, suspect, failures, noted, error, payload)";
const ENDED: &str = "INSERT INTO prismq.task (id, lane, state, order_key, priority, attempt, max_attempts, enqueued_at,
         run_at, ended_at, ending, scheduled_for, failures, noted, error, payload, result)
     SELECT id, lane::integer, state::smallint, 0, priority::integer, attempt::integer, max_attempts::integer,
         enqueued_at, run_at, ended_at, ending, scheduled_for, failures::integer, noted <> 0, error, payload, result
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                 $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[],
                 $15::bytea[], $16::bytea[])
         AS n (id, lane, state, priority, attempt, max_attempts, enqueued_at, run_at, ended_at, ending, scheduled_for,
               failures, noted, error, payload, result)";
const ATTEMPTS: &str =
    "INSERT INTO prismq.attempt (task, token, attempt, began_at, ended_at, process, worker, error, error_type)
     SELECT task, token, attempt::integer, began_at, ended_at, process, worker, error, error_type
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                 $8::text[], $9::text[])
         AS n (task, token, attempt, began_at, ended_at, process, worker, error, error_type)";
const NOTES: &str = "INSERT INTO prismq.note (task, fraction, text, noted_at, checkpoint)
     SELECT * FROM unnest($1::bigint[], $2::double precision[], $3::text[], $4::bigint[], $5::bytea[])";
const LOG_LINES: &str = "INSERT INTO prismq.log (task, number, at, attempt, text)
     SELECT task, number::integer, at, attempt::integer, text
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) AS n (task, number, at, attempt, text)";
/// A key is of a text, 0 and its bytes, or of a payload, 1 and its digest.
const UNIQUE_KEYS: &str =
    "INSERT INTO prismq.unique_key (type, key, task, hold, until, digest)
     SELECT type, CASE WHEN is_digest <> 0 THEN '\\x01'::bytea ELSE '\\x00'::bytea END || key, task, hold::smallint,
         until, digest
     FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[])
         AS n (type, key, is_digest, task, hold, until, digest)";

/// The statement that inserts rows of a part.
pub(super) const fn insert(part: Part) -> &'static str {
    match part {
        Part::Queues => QUEUES,
        Part::Limits => LIMITS,
        Part::Lanes => LANES,
        Part::Keys => KEYS,
        Part::Lines => LINES,
        Part::Schedules => SCHEDULES,
        Part::RetryPolicies => RETRY_POLICIES,
        Part::TypeRetentions => TYPE_RETENTIONS,
        Part::Tasks => TASKS,
        Part::Ended => ENDED,
        Part::Attempts => ATTEMPTS,
        Part::Notes => NOTES,
        Part::LogLines => LOG_LINES,
        Part::UniqueKeys => UNIQUE_KEYS,
    }
}

/// The columns as they can be stored.
pub(super) fn storable_columns(columns: Vec<Column>) -> Vec<Column> {
    let column = |column| match column {
        Column::Texts(texts) => {
            let texts = texts.into_iter();
            Column::Texts(texts.map(|text| text.map(|text| storable(&text).into_owned())).collect())
        }
        other => other,
    };
    columns.into_iter().map(column).collect()
}

/// The parameters of a statement, an array each.
pub(super) fn parameters(columns: &[Column]) -> Vec<&dyn Value> {
    columns
        .iter()
        .map(|column| -> &dyn Value {
            match column {
                Column::Numbers(values) => values,
                Column::Reals(values) => values,
                Column::Texts(values) => values,
                Column::Blobs(values) => values,
            }
        })
        .collect()
}
