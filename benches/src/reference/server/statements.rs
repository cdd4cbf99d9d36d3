//! PostgreSQL on its own: the best known loop on the tables of prismq, [`TASKS`] tasks a statement, a transaction each. One
//! thread; claims do not wait for the disk. What it does not do is what a queue is for: it waits for nobody, counts nothing
//! and hands no task to a handler.

use std::time::{Duration, Instant};

use tokio_postgres::{Row, Statement};

use crate::base::bench_dir::BenchDir;
use crate::base::error::{Error, Result};
use crate::subject::local::LocalError;
use crate::subject::local::server::{Connection, Schema, as_i64};
use crate::subject::{DEFAULT_PRIORITY, DEFAULT_QUEUE, TaskSpec};

/// Tasks of one statement.
pub const TASKS: usize = 1000;

const TASK_TYPE: &str = "reference";
const LANE: &str = "SELECT id FROM lane";
const ENQUEUE: &str = "WITH n AS MATERIALIZED (SELECT nextval('task_id') AS id, now.at FROM generate_series(1, $1::bigint),
             (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS at) now),
     r AS (INSERT INTO ready (lane, suspect, order_key, id) SELECT $2::integer, false, id, id FROM n)
     INSERT INTO task (id, lane, state, order_key, priority, max_attempts, enqueued_at, run_at, payload)
     SELECT id, $2, 0, id, 100, 5, at, at, $3::bytea FROM n";
const CLAIM: &str = "WITH r AS (DELETE FROM ready WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ready WHERE lane = $1::integer AND NOT suspect ORDER BY lane, suspect, order_key, id
         LIMIT $2::bigint FOR UPDATE SKIP LOCKED)) RETURNING id),
     t AS (UPDATE task t SET state = 2, attempt = attempt + 1, token = token + 1, begun = true,
               lease_expires_at = 9000000000000000 FROM r WHERE t.id = r.id RETURNING t.id, t.token, t.payload),
     e AS (INSERT INTO expiry (at, ids) SELECT 9000000000000000, array_agg(id) FROM t HAVING count(*) > 0)
     SELECT id, token, payload FROM t";
const COMPLETE: &str = "WITH d AS (DELETE FROM task t USING unnest($1::bigint[], $2::bigint[]) k (id, token)
         WHERE t.id = k.id AND t.token = k.token AND t.state = 2 RETURNING t.id) SELECT count(*) FROM d";

/// The tables of a queue, with a connection that waits for the disk and one that does not.
struct Raw {
    durable: Connection,
    relaxed: Connection,
    enqueue: Statement,
    claim: Statement,
    complete: Statement,
    lane: i32,
    payload: Vec<u8>,
    _schema: Schema,
}

/// The time it takes to enqueue this many tasks.
///
/// # Errors
/// The server's.
pub fn enqueue(bench_dir: &BenchDir, tasks: usize, payload_bytes: usize) -> Result<Duration> {
    let raw = Raw::new(bench_dir, payload_bytes)?;
    let started = Instant::now();
    raw.load(tasks).map_err(Error::subject("enqueue for a reference"))?;
    Ok(started.elapsed())
}

/// The time it takes to claim and complete this many tasks of a backlog.
///
/// # Errors
/// The server's.
pub fn claim_and_complete(
    bench_dir: &BenchDir,
    tasks: usize,
    payload_bytes: usize,
) -> Result<Duration> {
    let raw = Raw::new(bench_dir, payload_bytes)?;
    raw.load(tasks).map_err(Error::subject("enqueue for a reference"))?;
    let started = Instant::now();
    raw.drain(tasks).map_err(Error::subject("drain a reference"))?;
    Ok(started.elapsed())
}

/// The time this many tasks take through their whole life: each statement's are enqueued, claimed and completed.
///
/// # Errors
/// The server's.
pub fn life(bench_dir: &BenchDir, tasks: usize, payload_bytes: usize) -> Result<Duration> {
    let raw = Raw::new(bench_dir, payload_bytes)?;
    let started = Instant::now();
    let mut left = tasks;
    while left > 0 {
        let some = left.min(TASKS);
        let through = raw.load(some).and_then(|()| raw.drain(some));
        through.map_err(Error::subject("drain a reference"))?;
        left -= some;
    }
    Ok(started.elapsed())
}

impl Raw {
    fn new(bench_dir: &BenchDir, payload_bytes: usize) -> Result<Self> {
        let task = TaskSpec {
            queue: DEFAULT_QUEUE,
            priority: DEFAULT_PRIORITY,
            task_type: TASK_TYPE,
            payload: Vec::new(),
            max_attempts: 1,
        };
        let schema = Schema::with_queue(bench_dir, &task)?;
        let (durable, relaxed) = (schema.connect()?, schema.connect()?);
        let prepared = || -> Result<_, LocalError> {
            durable.wait_for_disk(true)?;
            relaxed.wait_for_disk(false)?;
            let lane = durable.query(&durable.prepare(LANE)?, &[])?;
            let lane = lane.first().map_or(Ok(0), |row| row.try_get(0))?;
            Ok((
                durable.prepare(ENQUEUE)?,
                relaxed.prepare(CLAIM)?,
                durable.prepare(COMPLETE)?,
                lane,
            ))
        };
        let (enqueue, claim, complete, lane) =
            prepared().map_err(Error::subject("prepare a reference"))?;
        let payload = vec![0x5a; payload_bytes];
        Ok(Self { durable, relaxed, enqueue, claim, complete, lane, payload, _schema: schema })
    }

    fn load(&self, tasks: usize) -> Result<(), LocalError> {
        let mut left = tasks;
        while left > 0 {
            let some = left.min(TASKS);
            self.durable.query(&self.enqueue, &[&as_i64(some), &self.lane, &self.payload])?;
            left -= some;
        }
        Ok(())
    }

    fn drain(&self, tasks: usize) -> Result<(), LocalError> {
        let mut left = tasks;
        while left > 0 {
            let rows = self.relaxed.query(&self.claim, &[&self.lane, &as_i64(TASKS)])?;
            if rows.is_empty() {
                let what = format!("{left} tasks of its backlog");
                return Err(LocalError::Lacks { what });
            }
            let of = |row: &Row, column| row.try_get::<_, i64>(column);
            let ids: Vec<i64> = rows.iter().map(|row| of(row, 0)).collect::<Result<_, _>>()?;
            let tokens: Vec<i64> = rows.iter().map(|row| of(row, 1)).collect::<Result<_, _>>()?;
            self.durable.query(&self.complete, &[&ids, &tokens])?;
            left = left.saturating_sub(rows.len());
        }
        Ok(())
    }
}
